"""How far a vehicle gets by itself, and who may fetch it."""

from dataclasses import replace

import pytest

from dtc_db.need import Arrival
from dtc_db.urgency import Urgency
from dtc_db.vehicle import Powertrain, VehicleClass
from routing.decision import Case, Decision, Rule
from routing.directory.snapshot import Directory
from routing.matching.batch import candidates
from routing.matching.match import decide
from routing.matching.policy import load_policy
from routing.matching.shortlist import decide_by_road
from routing.matching.texts import load_texts
from routing.model import Site
from routing.replay import parse_recording, record, replay
from routing.testing import HERE, LIGHT, NOW, FixedTimes, case, held, need, site

POLICY = load_policy()
TOWING = held("fr-nf-c-18-550", "B2XL")
HELPING = held("fr-nf-c-18-550", "B1XL")


def garage(name: str, distance_km: float) -> Site:
    return site(name, [LIGHT], lat_deg=HERE.lat_deg + distance_km / 111.195)


NEAR, FAR = garage("near", 5), garage("far", 40)


def electric(
    soc_pct: float | None,
    *,
    urgency: Urgency = Urgency.SOON,
    powertrain: Powertrain = Powertrain.BEV,
    vehicle_class: VehicleClass = VehicleClass.CAR,
) -> Case:
    asked = case(
        need("engine.petrol"),
        urgency=urgency,
        powertrain=powertrain,
        vehicle_class=vehicle_class,
    )
    return replace(asked, soc_pct=soc_pct)


def decided(asked: Case, *sites: Site) -> Decision:
    return decide(asked, Directory(sites, "7"), POLICY, decided_at=NOW)


def names(decision: Decision) -> list[str]:
    return [offer.site.site_id for offer in decision.offers]


def notices(decision: Decision) -> list[str]:
    return [load_texts("en").tell(notice) for notice in decision.notices]


@pytest.mark.parametrize(
    ("soc_pct", "found"),
    [
        (100, ["near", "far"]),  # 108 km of road
        (54, ["near", "far"]),  # 52.8 km: 40 km in a straight line are taken for 52
        (53, ["near"]),
        (16, ["near"]),  # 7.2 km
        (None, ["near", "far"]),
    ],
)
def test_the_charge_limits_how_far_a_place_may_be(soc_pct: float | None, found: list[str]) -> None:
    decision = decided(electric(soc_pct), NEAR, FAR)
    assert names(decision) == found
    if "far" not in found:
        left_out = next(one for one in decision.excluded if one.site.site_id == "far")
        assert left_out.rule is Rule.DISTANCE
    is_told = any("battery is taken to last for" in notice for notice in notices(decision))
    assert is_told is (soc_pct is not None)


def test_an_unknown_charge_limits_nothing_and_is_told() -> None:
    assert any("How full its battery is" in text for text in notices(decided(electric(None), FAR)))
    other = electric(None, powertrain=Powertrain.PETROL)
    assert not any("How full its battery is" in text for text in notices(decided(other, FAR)))


@pytest.mark.parametrize("powertrain", [Powertrain.PETROL, Powertrain.HYBRID])
def test_who_has_an_engine_does_not_depend_on_the_charge(powertrain: Powertrain) -> None:
    assert names(decided(electric(0, powertrain=powertrain), FAR)) == ["far"]


@pytest.mark.parametrize("soc_pct", [0, 10, 12])
def test_an_empty_battery_is_told_to_be_charged_and_sends_nobody_nowhere(soc_pct: float) -> None:
    decision = decided(electric(soc_pct), NEAR, FAR)
    assert names(decision) == ["near", "far"]
    assert decision.arrival is Arrival.DRIVES
    assert "charge it on the way" in notices(decision)[0]


def test_to_charge_on_the_way_is_told_only_if_there_is_somebody_to_go_to() -> None:
    nobody = decided(electric(0), garage("beyond", 400), site("unable"))
    assert names(nobody) == []
    assert not any("charge it on the way" in notice for notice in notices(nobody))
    assert any("is competent and free" in notice for notice in notices(nobody))


def test_who_limps_and_is_nearly_empty_is_towed() -> None:
    decision = decided(electric(12, urgency=Urgency.LIMP), NEAR)
    assert decision.arrival is Arrival.TOWED
    assert names(decision) == ["near"]
    assert decided(electric(90, urgency=Urgency.LIMP), NEAR).arrival is Arrival.LIMPS


def test_who_is_towed_needs_no_charge() -> None:
    decision = decided(electric(0, urgency=Urgency.TOW), FAR)
    assert names(decision) == ["far"]
    assert not any("battery" in notice for notice in notices(decision))


def test_the_charge_limits_the_way_by_road_where_it_is_measured() -> None:
    directory = Directory([NEAR, FAR], "7")
    for road_m, found in ((7_000, ["near"]), (7_300, ["near", "far"])):
        roads = FixedTimes(("near", road_m, 500), ("far", 48_000, 2_000))
        decision = decide_by_road(electric(16), directory, POLICY, decided_at=NOW, travel=roads)
        assert names(decision) == found  # 7.2 km; beyond, it has to be charged
        assert roads.asked == [["far", "near"]]


def test_many_cases_at_once_keep_to_their_own_charge() -> None:
    cases = [electric(16), electric(100), electric(0), electric(12, urgency=Urgency.LIMP)]
    found = candidates(cases, Directory([NEAR, FAR], "7"), POLICY, decided_at=NOW)
    rows = [[one.row for one in several] for several in found]
    assert rows == [[1], [1, 0], [1, 0], [1, 0]]


def towed() -> Case:
    wanted = need("engine.petrol", arrival=Arrival.TOWED, recovery=frozenset({"tow.hv"}))
    return case(wanted, powertrain=Powertrain.BEV)


def test_who_may_tow_it_is_named_with_evidence() -> None:
    fit = site("fit", [TOWING], [HELPING], lat_deg=HERE.lat_deg + 0.1)
    closed = site("closed", [TOWING], [HELPING], opening_hours="Sa 08:00-12:00")
    ended = replace(TOWING, valid_until=NOW.date().replace(day=22))
    lapsed = site("lapsed", [ended], [HELPING])
    decision = decided(towed(), NEAR, closed, lapsed, fit)
    assert decision.recovery == fit
    assert any(text.startswith("Garage fit, 11.1 km away") for text in notices(decision))
    # The control: with its own title ended too, there is nobody.
    unfit = replace(fit, people=lapsed.people)
    alone = decided(towed(), NEAR, closed, lapsed, unfit)
    assert alone.recovery is None
    assert any("at this hour" in text for text in notices(alone))


def test_who_may_be_towed_by_anybody_needs_nobody_special() -> None:
    asked = case(need("engine.petrol", arrival=Arrival.TOWED))
    decision = decided(asked, NEAR, site("fit", [TOWING], [HELPING]))
    assert decision.recovery is None
    assert not any("at this hour" in text for text in notices(decision))


def test_what_limits_a_list_is_recorded_with_it() -> None:
    fit = site("fit", [TOWING], [HELPING], lat_deg=HERE.lat_deg + 0.1)
    directory = Directory([NEAR, FAR, fit, *(garage(f"g{n}", 60 + n) for n in range(80))], "7")
    for asked in (electric(16), electric(12), towed()):
        decision = decide(asked, directory, POLICY, decided_at=NOW)
        recording = parse_recording(record(decision, directory, POLICY))
        assert recording.directory.is_extract
        assert replay(recording).is_same
