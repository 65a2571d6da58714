"""Whatever comes in, there is a referral that says what happened, and never a silence."""

import math
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtc_db.codes import parse_code
from dtc_db.knowledge import Knowledge
from dtc_db.languages import LANGUAGES
from dtc_db.need import AllOf, AnyOf, Arrival, AtLeast, Need, Skill
from dtc_db.urgency import Urgency
from dtc_db.vehicle import VehicleClass, VehicleKind
from routing.canonical import canonical
from routing.cases import ObservedFault, case_of
from routing.decision import Case
from routing.directory.snapshot import Directory
from routing.matching.match import decide
from routing.matching.policy import load_policy
from routing.model import Position
from routing.principal import Principal, PrincipalKind
from routing.referral import match_document, referral_document, short_referral
from routing.testing import HERE, LIGHT, NOW, case, need, site

POLICY = load_policy()
ENGINE = case(need("engine.petrol"))
GARAGES = Directory(
    [
        site("near", [LIGHT]),
        site("dateline", [LIGHT], lon_deg=179.99, lat_deg=-17.0),
        site("pole", [LIGHT], lon_deg=12.0, lat_deg=89.9),
        site("none"),
    ],
    "1",
)


def keys(a_case: Case, directory: Directory = GARAGES) -> list[str]:
    return [reason.key for reason in decide(a_case, directory, POLICY, decided_at=NOW).notices]


@pytest.mark.parametrize(
    ("place", "found"),
    [
        (Position(-179.99, -17.0), "dateline"),
        (Position(180.0, -17.0), "dateline"),
        (Position(-180.0, -17.0), "dateline"),
        (Position(-170.0, 90.0), "pole"),
        (HERE, "near"),
    ],
)
def test_the_date_line_and_the_pole_are_places_like_others(place: Position, found: str) -> None:
    decision = decide(replace(ENGINE, position=place), GARAGES, POLICY, decided_at=NOW)
    assert [offer.site.site_id for offer in decision.offers] == [found]
    assert decision.offers[0].distance_m < 12_000


def test_at_sea_the_nearest_is_named_with_its_distance() -> None:
    told = keys(replace(ENGINE, position=Position(-30.0, 30.0)))
    assert told[:3] == ["notices.nobody", "notices.beyond", "notices.meanwhile_drives"]


def test_without_a_place_the_driver_is_asked_for_it() -> None:
    assert keys(replace(ENGINE, position=None))[0] == "notices.no_position"


def test_a_need_that_nobody_knows_is_said_to_be_met_by_nobody() -> None:
    assert "notices.beyond_none" in keys(case(need("time.travel")))
    assert "notices.beyond_none" in keys(case(Need(skills=AnyOf(()))))


def test_a_code_that_nobody_knows_gets_the_careful_need() -> None:
    unknown = case_of(
        [ObservedFault(code=parse_code("P3FFF"), ecu="", status="confirmed")],
        case_id="",
        vehicle=VehicleKind(),
        is_registered=False,
        position=HERE,
        knowledge=Knowledge.load(),
    )
    decision = decide(unknown, GARAGES, POLICY, decided_at=NOW)
    assert decision.offers == ()
    assert {"notices.class_unknown", "notices.unregistered"} <= {
        reason.key for reason in decision.notices
    }


def test_an_empty_directory_says_so() -> None:
    assert keys(ENGINE, Directory([], "0"))[0] == "notices.nobody_at_all"


@pytest.mark.parametrize("value", [math.nan, math.inf, -181.0])
def test_a_place_that_is_none_never_gets_in(value: float) -> None:
    with pytest.raises(ValueError, match="longitude"):
        Position(value, 0.0)


words = st.sampled_from([Skill("engine.petrol"), Skill("time.travel"), AllOf(()), AnyOf(())])
principals = st.builds(
    Principal,
    name=st.just("north"),
    version=st.just("1"),
    kind=st.sampled_from(PrincipalKind),
    country=st.sampled_from(["", "FR", "US"]),
    approved_sites=st.sampled_from([frozenset(), frozenset({"near"}), frozenset({"nowhere"})]),
    is_warranty_bound=st.booleans(),
    distance_m_max=st.sampled_from([None, 0, 10**12]),
)


@settings(max_examples=150, deadline=None)
@given(
    st.builds(
        case,
        st.builds(
            Need,
            skills=words | st.builds(AtLeast, st.integers(1, 2), st.tuples(words, words)),
            arrival=st.sampled_from(Arrival),
        ),
        position=st.none() | st.builds(Position, st.floats(-180, 180), st.floats(-90, 90)),
        vehicle_class=st.sampled_from(VehicleClass),
        make=st.sampled_from([None, "kia"]),
        urgency=st.sampled_from(Urgency),
    ),
    st.none() | principals,
    st.sampled_from([None, NOW.date(), date.max]),
    st.sampled_from([*LANGUAGES, "xx"]),
)
def test_there_is_always_a_document_that_says_what_happened(
    drawn: Case, principal: Principal | None, until: date | None, lang: str
) -> None:
    asked = replace(drawn, principal=principal, warranty_until=until, lang=lang)
    decision = decide(asked, GARAGES, POLICY, decided_at=NOW)
    document = referral_document(decision, referral_id="r", version=1)
    assert canonical(document)
    assert canonical(short_referral(document))
    assert match_document(decision)["notices"]
    if not decision.offers:
        silent = {"notices.estimate", "notices.free_choice"}
        assert {reason.key for reason in decision.notices} - silent
    for text in (*document["notices"], *(one["why"] for one in document["excluded"])):
        assert "{" not in text
