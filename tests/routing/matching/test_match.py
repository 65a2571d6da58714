"""Situations, each with the list and the reason that it must get."""

from dataclasses import replace
from datetime import date, timedelta

import msgspec
import pytest

from dtc_db.need import AnyOf, Arrival
from dtc_db.urgency import Urgency
from dtc_db.vehicle import VehicleClass, VehicleKind
from routing.decision import Case, Decision, Rule
from routing.directory.snapshot import Directory
from routing.matching.match import decide
from routing.matching.policy import Policy, load_policy
from routing.matching.texts import load_texts
from routing.model import Bar, Position, Site
from routing.testing import HERE, LIGHT, NOW, case, held, need, site

FR = "fr-nf-c-18-550"
SMALL = msgspec.structs.replace(load_policy(), offers_max=2, weighed_max=3, ranked_max=4)


def decided(a_case: Case, *sites: Site, policy: Policy | None = None) -> Decision:
    return decide(a_case, Directory(sites, "7"), policy or load_policy(), decided_at=NOW)


def km_north(distance_km: float) -> float:
    return HERE.lat_deg + distance_km / 111.195


ENGINE = need("engine.petrol")
english, told = load_texts().tell, load_texts().tell_all


@pytest.mark.parametrize(
    ("a_case", "garage", "rule", "missing"),
    [
        (case(ENGINE), site("a"), Rule.SKILLS, ("engine.petrol",)),
        (
            case(ENGINE, vehicle_class=VehicleClass.TRUCK),
            site("a", [LIGHT]),
            Rule.VEHICLE_CLASS,
            ("truck",),
        ),
        (
            case(ENGINE, make="kia"),
            site("a", [LIGHT], makes=frozenset({"renault"})),
            Rule.MAKE,
            ("kia",),
        ),
        (
            case(ENGINE),
            site("a", [LIGHT], makes=frozenset({"renault"})),
            Rule.MAKE,
            ("unknown make",),
        ),
        (
            case(need("engine.petrol", access=frozenset({"make.diagnostics"})), make="kia"),
            site("a", [LIGHT], access=frozenset({"make.diagnostics:renault"})),
            Rule.ACCESS,
            ("make.diagnostics",),
        ),
        (
            case(need("engine.petrol", equipment=frozenset({"wheel.aligner"}))),
            site("a", [LIGHT]),
            Rule.EQUIPMENT,
            ("wheel.aligner",),
        ),
        (
            case(ENGINE),
            site("a", [LIGHT], opening_hours="24/7 off"),
            Rule.CLOSED,
            ("open on 2026-11-23 at 10:00 UTC",),
        ),
        (
            case(ENGINE),
            site("a", [LIGHT], lat_deg=km_north(160)),
            Rule.DISTANCE,
            ("within 150 km",),
        ),
        (case(need(AnyOf(()))), site("a", [LIGHT]), Rule.SKILLS, ("nothing",)),
    ],
)
def test_an_exclusion_names_the_rule_and_what_would_have_satisfied_it(
    a_case: Case, garage: Site, rule: Rule, missing: tuple[str, ...]
) -> None:
    decision = decided(a_case, garage)
    assert decision.offers == ()
    assert [(one.rule, one.missing) for one in decision.excluded] == [(rule, missing)]


def test_a_barred_site_is_on_no_list_from_its_moment_on_and_says_why() -> None:
    later = NOW + timedelta(days=1)
    for since, rules in ((NOW - timedelta(days=1), [Rule.BARRED]), (later, [])):
        bar = Bar(measure="suspended", cause="safety", since=since)
        garage = replace(site("a", [LIGHT]), bar=bar)
        decision = decided(case(ENGINE), garage)
        assert [one.rule for one in decision.excluded] == rules
        assert len(decision.offers) == 1 - len(rules)
        for one in decision.excluded:
            assert one.missing == ("suspended: safety",)
            assert english(one.why) == "is suspended since 2026-11-22: people would be in danger"
            assert "gesperrt seit 22.11.2026" in load_texts("de").tell(one.why)


def test_the_rules_are_checked_in_their_published_order() -> None:
    broken = site("a", makes=frozenset({"kia"}), vehicle_classes=frozenset({VehicleClass.BUS}))
    for fixed, rule in (
        (broken, Rule.VEHICLE_CLASS),
        (site("a", makes=frozenset({"kia"})), Rule.MAKE),
        (site("a"), Rule.SKILLS),
    ):
        assert decided(case(ENGINE), fixed).excluded[0].rule is rule


def test_diagnostics_of_the_right_make_or_of_any_count() -> None:
    wanted = case(need("engine.petrol", access=frozenset({"make.diagnostics"})), make="kia")
    locked = case(need("engine.petrol", access=frozenset({"security.gateway"})), make="kia")
    for access, opens in (
        ("security.gateway", True),
        ("make.diagnostics", True),
        ("make.diagnostics:kia", True),
        ("make.diagnostics:fiat", False),
        ("sermi", False),
    ):
        offers = decided(locked, site("a", [LIGHT], access=frozenset({access}))).offers
        assert bool(offers) is opens, access
    for access in ("make.diagnostics:kia", "make.diagnostics"):
        assert decided(wanted, site("a", [LIGHT], access=frozenset({access}))).offers


def test_a_site_with_a_truck_technician_takes_trucks_unless_it_says_what_it_takes() -> None:
    heavy = [held("trade", "heavy vehicle technician")]
    wanted = case(
        need("truck.general", equipment=frozenset({"lift.heavy"})), vehicle_class=VehicleClass.TRUCK
    )
    decision = decided(
        wanted,
        site("silent", heavy),
        site("cars", heavy, vehicle_classes=frozenset({VehicleClass.CAR})),
        site("no-lift", heavy, equipment=frozenset({"wheel.aligner"})),
    )
    assert [offer.site.site_id for offer in decision.offers] == ["silent"]
    assert any(
        "assumed, because nobody stated it: lift or pit for trucks, trucks" in why
        for why in told(decision.offers[0].why)
    )
    assert [one.rule for one in decision.excluded] == [Rule.VEHICLE_CLASS, Rule.EQUIPMENT] or [
        one.rule for one in decision.excluded
    ] == [Rule.EQUIPMENT, Rule.VEHICLE_CLASS]


def test_a_site_that_took_trucks_until_a_title_ended_is_told_so() -> None:
    ended = [held("trade", "heavy vehicle technician", until=date(2026, 10, 1))]
    wanted = case(need("truck.general"), vehicle_class=VehicleClass.TRUCK)
    silent = decided(wanted, site("a", ended)).excluded[0]
    assert silent.rule is Rule.VEHICLE_CLASS
    assert english(silent.why).endswith(
        "title heavy vehicle technician of person 1 ended on 2026-10-01"
    )
    stated = site("a", ended, vehicle_classes=frozenset({VehicleClass.CAR}))
    assert english(decided(wanted, stated).excluded[0].why) == "does not take trucks"


def test_a_title_must_hold_on_the_day_the_doors_open() -> None:
    """Monday morning in UTC; the garage opens on Wednesday, and one title ends on Tuesday."""
    hours, tuesday = "We 08:00-18:00", NOW.date() + timedelta(days=1)
    decision = decided(
        case(ENGINE),
        site(
            "ends", [held("trade", "light vehicle technician", until=tuesday)], opening_hours=hours
        ),
        site("holds", [LIGHT], opening_hours=hours),
    )
    assert [offer.site.site_id for offer in decision.offers] == ["holds"]
    assert decision.excluded[0].rule is Rule.SKILLS
    assert "ended on 2026-11-24" in english(decision.excluded[0].why)


def test_a_vehicle_that_limps_is_towed_when_nobody_is_near_enough() -> None:
    wanted = case(ENGINE, urgency=Urgency.LIMP)
    near = site("near", [LIGHT], lat_deg=km_north(24))
    far_off = site("far", [LIGHT], lat_deg=km_north(60))
    assert decided(wanted, near, far_off).arrival is Arrival.LIMPS
    decision = decided(wanted, far_off)
    assert decision.arrival is Arrival.TOWED
    assert [offer.site.site_id for offer in decision.offers] == ["far"]
    assert decision.offers[0].travel_s > 2700
    assert "25.0 km" in told(decision.notices)[0]


@pytest.mark.parametrize("urgency", [Urgency.STOP_NOW, Urgency.TOW])
def test_a_vehicle_that_must_not_be_driven_is_towed_and_told_so(urgency: Urgency) -> None:
    decision = decided(case(ENGINE, urgency=urgency), site("a", [LIGHT]))
    assert decision.arrival is Arrival.TOWED
    assert any("not to be driven" in notice for notice in told(decision.notices))


def test_whoever_tows_a_high_voltage_vehicle_must_be_fit_for_it() -> None:
    wanted = need("engine.petrol", arrival=Arrival.TOWED, recovery=frozenset({"tow.hv"}))
    notices = told(decided(case(wanted), site("a", [LIGHT])).notices)
    assert any("recovery of high-voltage vehicles" in notice for notice in notices)


def test_without_a_position_there_is_a_notice_and_no_list() -> None:
    decision = decided(case(ENGINE, position=None), site("a", [LIGHT]))
    assert (decision.offers, decision.excluded) == ((), ())
    assert "where it is" in told(decision.notices)[0]


def test_an_empty_list_says_what_is_missing_how_far_help_is_and_what_to_do() -> None:
    decision = decided(
        case(need("hv.live", arrival=Arrival.TOWED)),
        site("a", [LIGHT]),
        site("b"),
        site("far", [held(FR, "B2TL")], lat_deg=km_north(300)),
    )
    assert decision.offers == ()
    counts, beyond, meanwhile = told(decision.notices)[:3]
    assert "2 lack people" in counts
    assert "live high-voltage work" in counts
    assert "Garage far, 300 km" in beyond
    assert "Leave the vehicle" in meanwhile


def test_an_empty_directory_and_a_need_nobody_can_show_have_notices_too() -> None:
    assert "near enough" in told(decided(case(ENGINE)).notices)[0]
    notices = told(decided(case(need("hydrogen")), site("a", [LIGHT])).notices)
    assert any("can show what this case needs: hydrogen" in notice for notice in notices)
    for ruled_out in (
        site("a", [LIGHT], makes=frozenset({"kia"})),
        site("a", [LIGHT], opening_hours="24/7 off"),
    ):
        notices = told(decided(case(ENGINE), ruled_out).notices)
        assert any("fulfils everything that this case asks for" in notice for notice in notices)


def test_an_unregistered_vehicle_of_unknown_class_is_served_and_told_so() -> None:
    wanted = case(ENGINE, is_registered=False, vehicle_class=VehicleClass.UNKNOWN)
    decision = decided(wanted, site("a", [LIGHT]))
    assert decision.offers
    assert any("Nobody registered" in notice for notice in told(decision.notices))
    assert any("taken for a car" in notice for notice in told(decision.notices))


def test_the_first_place_says_why_not_the_nearer_one() -> None:
    decision = decided(case(ENGINE), site("near"), site("far", [LIGHT], lat_deg=km_north(5)))
    assert told(decision.offers[0].why)[-1] == (
        "Garage near is nearer (0 m): nobody there can show petrol engines"
    )


def test_the_free_choice_is_told_with_every_list() -> None:
    for decision in (decided(case(ENGINE), site("a", [LIGHT])), decided(case(ENGINE))):
        assert any("free to go to any repairer" in notice for notice in told(decision.notices))


def test_equal_sites_stand_in_the_order_of_their_ids() -> None:
    sites = [site(name, [LIGHT]) for name in ("c", "a", "d", "b")]
    for turn in range(4):
        decision = decided(case(ENGINE), *sites[turn:], *sites[:turn], policy=SMALL)
        assert [offer.site.site_id for offer in decision.offers] == ["a", "b"]
        assert [(one.site.site_id, one.missing) for one in decision.excluded] == [
            ("c", ("0 points",)),
            ("d", ("0 points",)),
        ]


def test_only_the_nearest_of_very_many_eligible_sites_compete() -> None:
    sites = [site(f"s{n:03}", [LIGHT], lat_deg=km_north(n / 10)) for n in range(80)]
    decision = decided(case(ENGINE), *sites)
    offered = {offer.site.site_id for offer in decision.offers}
    beaten = {one.site.site_id for one in decision.excluded}
    assert offered | beaten == {f"s{n:03}" for n in range(load_policy().ranked_max)}
    assert {one.rule for one in decision.excluded} == {Rule.OUTRANKED}


def test_the_score_is_the_sum_of_the_terms() -> None:
    offer = decided(case(ENGINE), site("a", [LIGHT], lat_deg=km_north(10))).offers[0]
    names = [term.name for term in offer.terms]
    assert names == ["travel", "slot", "outcomes", "evidence", "preference", "price", "turn"]
    # The last three are a principal's and a referral's, and there is neither here.
    assert [term.points for term in offer.terms[4:]] == [0, 0, 0]
    assert offer.score == round(sum(term.points for term in offer.terms), 3)


def test_a_decision_names_its_inputs() -> None:
    directory = Directory([site("a", [LIGHT])], "7")
    decision = decide(case(ENGINE), directory, load_policy(), decided_at=NOW)
    assert decision.directory_version == "7"
    assert decision.directory_digest == directory.digest
    assert decision.policy_version == load_policy().version
    assert decision.policy_digest == load_policy().digest


@pytest.mark.parametrize("place", [Position(0, 90), Position(180, -90), Position(-180, 0)])
def test_no_place_on_earth_is_without_an_answer(place: Position) -> None:
    decision = decided(case(ENGINE, position=place), site("a", [LIGHT]))
    assert decision.offers == ()
    assert "Garage a" in told(decision.notices)[1]


def test_across_the_date_line_the_neighbour_is_near() -> None:
    fiji = Position(179.99, -17.0)
    decision = decided(
        case(ENGINE, position=fiji), site("a", [LIGHT], lon_deg=-179.99, lat_deg=-17.0)
    )
    assert decision.offers[0].distance_m < 3000


def test_a_vehicle_kind_is_never_guessed_from_nothing() -> None:
    assert case(ENGINE).vehicle == VehicleKind(
        vehicle_class=VehicleClass.CAR, powertrain=case(ENGINE).vehicle.powertrain
    )


def test_an_eligible_site_is_never_excluded_for_breaking_no_rule() -> None:
    odd = msgspec.structs.replace(SMALL, offers_max=1, ranked_max=1, weighed_max=3)
    sites = [site(f"s{n}", [LIGHT], lat_deg=km_north(n)) for n in range(3)]
    decision = decided(case(ENGINE), *sites, policy=odd)
    assert [offer.site.site_id for offer in decision.offers] == ["s0"]
    assert decision.excluded == ()


def test_very_many_sites_at_one_place_are_weighed_in_the_order_of_their_ids() -> None:
    sites = [site(f"s{n:03}") for n in range(200)]
    decision = decided(case(ENGINE), *sites)
    assert [one.site.site_id for one in decision.excluded] == [f"s{n:03}" for n in range(50)]
