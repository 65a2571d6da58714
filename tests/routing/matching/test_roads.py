"""What times by road change in a decision, and what they never do."""

from datetime import timedelta

import msgspec
import pytest

from dtc_db.need import Arrival
from dtc_db.urgency import Urgency
from dtc_db.vehicle import VehicleClass
from routing.canonical import canonical
from routing.decision import Case, Decision, Rule
from routing.directory.snapshot import Directory
from routing.matching.match import decide
from routing.matching.policy import load_policy
from routing.matching.shortlist import decide_by_road, shortlist
from routing.matching.texts import load_texts
from routing.model import Site
from routing.referral import match_document
from routing.replay import parse_recording, record, replay
from routing.testing import HERE, LIGHT, NOW, FixedTimes, case, need, site
from routing.travel.model import Measured, RoadTime, Setback

TELL = load_texts()

POLICY = load_policy()
ENGINE = case(need("engine.petrol"))
KM = 1 / 111.195  # degrees of latitude


def garage(name: str, distance_km: float, *, hours: str = "24/7") -> Site:
    return site(name, [LIGHT], lat_deg=HERE.lat_deg + distance_km * KM, opening_hours=hours)


def by_road(a_case: Case, travel: FixedTimes | None, *sites: Site) -> Decision:
    directory = Directory(sites, "7")
    return decide_by_road(a_case, directory, POLICY, decided_at=NOW, travel=travel)


def names(decision: Decision) -> list[str]:
    return [offer.site.site_id for offer in decision.offers]


ACROSS = garage("across-the-river", 2)
ALONG = garage("along-the-road", 6)


def test_the_road_decides_where_the_straight_line_misleads() -> None:
    roads = FixedTimes(("across-the-river", 30_000, 2_400), ("along-the-road", 7_000, 500))
    assert names(by_road(ENGINE, None, ACROSS, ALONG)) == ["across-the-river", "along-the-road"]
    decision = by_road(ENGINE, roads, ACROSS, ALONG)
    assert names(decision) == ["along-the-road", "across-the-river"]
    first = decision.offers[0]
    assert (first.road_m, first.travel_s, first.distance_m) == (7_000, 500, 6_000)
    assert TELL.tell(first.why[0]) == "7.0 km away by road, there in about 8 min"
    assert "Times are estimates from roads, without traffic." in TELL.tell_all(decision.notices)


@pytest.mark.parametrize("setback", Setback)
def test_an_engine_without_an_answer_leaves_the_list_of_straight_lines_and_a_notice(
    setback: Setback,
) -> None:
    plain = by_road(ENGINE, None, ACROSS, ALONG)
    failed = by_road(ENGINE, FixedTimes(setback=setback), ACROSS, ALONG)
    assert failed.offers == plain.offers
    assert set(failed.notices) ^ set(plain.notices) == {
        plain.notices[-2],
        failed.notices[-2],
    }
    assert TELL.tell(failed.notices[-2]).startswith("Times are estimates from straight lines: ")
    assert match_document(failed)["inputs"]["travel_engine"] == "fixed"


def test_a_site_without_a_way_says_that_its_time_is_an_estimate() -> None:
    decision = by_road(ENGINE, FixedTimes(("along-the-road", 7_000, 500)), ACROSS, ALONG)
    by_name = {offer.site.site_id: offer for offer in decision.offers}
    assert by_name["across-the-river"].road_m is None
    assert any("no way there" in why for why in TELL.tell_all(by_name["across-the-river"].why))
    assert not any("no way there" in why for why in TELL.tell_all(by_name["along-the-road"].why))


def test_a_way_that_is_too_long_by_road_is_too_long() -> None:
    limps = case(need("engine.petrol"), urgency=Urgency.LIMP)
    near = FixedTimes(("across-the-river", 32_000, 2_400))
    far = FixedTimes(("across-the-river", 33_000, 2_400))
    assert by_road(limps, near, ACROSS).arrival is Arrival.LIMPS
    towed = by_road(limps, far, ACROSS)
    assert towed.arrival is Arrival.TOWED
    assert names(towed) == ["across-the-river"]
    drives = by_road(ENGINE, FixedTimes(("across-the-river", 195_001, 9_000)), ACROSS)
    assert [(one.rule, one.missing) for one in drives.excluded] == [
        (Rule.DISTANCE, ("within 195 km by road",))
    ]
    assert drives.beyond is not None
    assert any(
        "across-the-river, 2.0 km away" in notice for notice in TELL.tell_all(drives.notices)
    )


@pytest.mark.parametrize(
    ("arrival", "vehicle_class", "travel_s"),
    [
        (Arrival.DRIVES, VehicleClass.CAR, 1_000),
        (Arrival.DRIVES, VehicleClass.TRUCK, 1_440),  # 30 km at 75 km/h
        (Arrival.LIMPS, VehicleClass.CAR, 2_700),  # at 40 km/h
        (Arrival.TOWED, VehicleClass.CAR, 2_700 + 1_543),  # help comes, then 70 km/h
    ],
)
def test_nobody_is_faster_than_the_way_of_getting_there_allows(
    arrival: Arrival, vehicle_class: VehicleClass, travel_s: int
) -> None:
    wanted = case(need("engine.petrol", arrival=arrival), vehicle_class=vehicle_class)
    both = frozenset({VehicleClass.CAR, VehicleClass.TRUCK})
    place = site("s", [LIGHT], vehicle_classes=both)
    decision = by_road(wanted, FixedTimes(("s", 30_000, 1_000)), place)
    assert [offer.travel_s for offer in decision.offers] == [travel_s]


def test_who_limps_is_measured_to_those_who_would_have_to_tow_it_too() -> None:
    limps = case(need("engine.petrol"), urgency=Urgency.LIMP)
    roads = FixedTimes()
    by_road(limps, roads, ACROSS, garage("far", 120))
    assert roads.asked == [["across-the-river", "far"]]


def test_nobody_is_asked_in_vain() -> None:
    roads = FixedTimes()
    by_road(case(need("hydrogen")), roads, ACROSS)
    by_road(case(need("engine.petrol"), position=None), roads, ACROSS)
    assert roads.asked == []


UNSAID_S = load_policy().intake_s(site("a"))  # of a site that says nothing of its capacity


def test_arrival_by_road_decides_whether_the_doors_are_open() -> None:
    early = garage("early", 5, hours="Mo-Fr 08:00-11:30")  # it is 11:00 there
    quick, slow = FixedTimes(("early", 6_000, 900)), FixedTimes(("early", 20_000, 2_400))
    waits = [
        next(
            term.value
            for term in by_road(ENGINE, roads, early).offers[0].terms
            if term.name == "slot"
        )
        for roads in (quick, slow)
    ]
    there_s = timedelta(hours=20, minutes=20).total_seconds()
    assert waits == [UNSAID_S, there_s + UNSAID_S]


def crowd(count: int, *, step_km: float) -> list[Site]:
    return [garage(f"s{n:03}", 0.1 + n * step_km) for n in range(count)]


def straight(sites: list[Site], speed_m_s: int) -> FixedTimes:
    road_m = [round((0.1 + n * 0.1) * 1300) for n in range(len(sites))]
    return FixedTimes(
        *((one.site_id, m, m // speed_m_s) for one, m in zip(sites, road_m, strict=True))
    )


def test_a_list_says_if_others_than_those_measured_might_be_sooner() -> None:
    dense, few = crowd(60, step_km=0.1), crowd(40, step_km=0.1)
    roads = straight(dense, 10)
    crowded = by_road(ENGINE, roads, *dense)
    assert len(roads.asked[0]) == POLICY.ranked_max
    assert any(
        notice.startswith("More than 50 places") for notice in TELL.tell_all(crowded.notices)
    )
    complete = by_road(ENGINE, straight(few, 10), *few)
    assert not any(notice.startswith("More than") for notice in TELL.tell_all(complete.notices))


def test_it_does_not_where_nobody_else_could_be() -> None:
    # The nearest are at hand, and whoever did not compete is an hour away at the highest speed.
    near = [garage(f"a{n}", 0.1) for n in range(5)]
    rest = [garage(f"b{n:02}", 140 + n / 100) for n in range(50)]
    roads = FixedTimes(*((one.site_id, 150, 15) for one in near))
    decision = by_road(ENGINE, roads, *near, *rest)
    assert len(roads.asked[0]) == POLICY.ranked_max
    assert not any(notice.startswith("More than 50") for notice in TELL.tell_all(decision.notices))


def test_a_decision_by_road_replays_without_the_engine() -> None:
    directory = Directory([ACROSS, ALONG, garage("far", 300)], "7")
    roads = FixedTimes(("across-the-river", 30_000, 2_400), ("along-the-road", 7_000, 500))
    decision = decide_by_road(ENGINE, directory, POLICY, decided_at=NOW, travel=roads)
    recording = parse_recording(record(decision, directory, POLICY))
    again = replay(recording)
    assert again.is_same
    assert again.document == canonical(match_document(decision))
    assert recording.measured is not None
    # The control: other times, another list, and the input that differs is named.
    times = tuple(
        RoadTime(site_id=time.site_id, road_m=time.road_m, drive_s=time.drive_s + 3_000)
        for time in recording.measured.times
    )
    other = Measured(engine="fixed", roads="1", times=times)
    changed = replay(msgspec.structs.replace(recording, measured=other))
    assert not changed.is_same
    assert any(text.startswith("travel was ") for text in changed.differences)


def test_times_to_sites_that_nobody_knows_change_nothing() -> None:
    directory = Directory([ACROSS, ALONG], "7")
    time = RoadTime(site_id="elsewhere", road_m=1, drive_s=1)
    odd = Measured(engine="fixed", roads="1", times=(time,))
    plain = decide(ENGINE, directory, POLICY, decided_at=NOW)
    assert decide(ENGINE, directory, POLICY, decided_at=NOW, measured=odd).offers == plain.offers


def test_the_shortlist_is_who_competes_by_straight_lines() -> None:
    sites = crowd(70, step_km=0.1)
    chosen = shortlist(ENGINE, Directory(sites, "7"), POLICY, decided_at=NOW)
    assert [one.site_id for one in chosen] == [one.site_id for one in sites[:50]]


@pytest.mark.parametrize(("road_m", "drive_s"), [(-1, 0), (0, -1), (10**9, 0), (0, 10**8)])
def test_a_way_that_no_earth_has_room_for_is_refused(road_m: int, drive_s: int) -> None:
    with pytest.raises(ValueError, match="a way on earth"):
        RoadTime(site_id="s", road_m=road_m, drive_s=drive_s)
