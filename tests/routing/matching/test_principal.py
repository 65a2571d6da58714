"""A principal's rules narrow what is recommended in its name, and hide nothing from the driver."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from dtc_db.urgency import Urgency
from routing.canonical import canonical
from routing.decision import Case, Decision, Rule
from routing.directory.snapshot import Directory
from routing.errors import DataFileError
from routing.matching.laws import load_laws
from routing.matching.match import decide
from routing.matching.policy import load_policy
from routing.matching.principal import convert_principal, parse_principal, principal_digest
from routing.matching.texts import load_texts
from routing.model import HourlyRate, Site
from routing.principal import Principal, PrincipalKind
from routing.referral import match_document, referral_document, short_referral
from routing.replay import parse_recording, record, replay
from routing.testing import HERE, LIGHT, NOW, case, need, site

ENGINE = case(need("engine.petrol"), make="toyota")
POLICY = load_policy()
FLEET = Principal(name="north", version="1")


def km(distance_km: float) -> float:
    return HERE.lat_deg + distance_km / 111.195


def garages(*names: str) -> list[Site]:
    """Able ones, each farther than the one before."""
    return [site(name, [LIGHT], lat_deg=km(2 * n)) for n, name in enumerate(names, start=1)]


def under(principal: Principal | None, *sites: Site, **more: Any) -> Decision:
    asked = replace(ENGINE, principal=principal, **more)
    return decide(asked, Directory(sites, "1"), POLICY, decided_at=NOW)


def names(offers: Any) -> list[str]:
    return [offer.site.site_id for offer in offers]


def test_with_an_approved_list_of_two_only_those_are_recommended_and_the_rest_is_shown() -> None:
    fleet = replace(FLEET, approved_sites=frozenset({"b", "d"}))
    decision = under(fleet, *garages("a", "b", "c", "d", "e", "f"))
    assert names(decision.offers) == ["b", "d"]
    assert names(decision.free_choice) == ["a", "c", "e"]
    assert {one.outside for one in decision.free_choice} == {Rule.APPROVED}
    assert [(one.site.site_id, one.rule, one.missing) for one in decision.excluded] == [
        ("f", Rule.APPROVED, ("north",))
    ]
    told = load_texts().tell_all(decision.notices)
    assert any("rules of north" in text for text in told)
    assert any("You are free" in text for text in told)


def test_without_a_principal_nothing_stands_beside_the_list() -> None:
    """The control: the same sites, and nobody's rules."""
    decision = under(None, *garages("a", "b"))
    assert (names(decision.offers), decision.free_choice) == (["a", "b"], ())


def test_what_is_free_to_choose_is_as_competent_as_what_is_recommended() -> None:
    fleet = replace(FLEET, approved_sites=frozenset({"b"}))
    decision = under(fleet, site("a"), *garages("b"), site("far", [LIGHT], lat_deg=km(170)))
    assert decision.free_choice == ()
    assert {(one.site.site_id, one.rule) for one in decision.excluded} == {
        ("a", Rule.SKILLS),
        ("far", Rule.DISTANCE),
    }


@pytest.mark.parametrize(
    ("until", "day", "offered"),
    [
        (date(2026, 11, 23), datetime(2026, 11, 23, 23, tzinfo=UTC), ["dealer"]),
        (date(2026, 11, 22), datetime(2026, 11, 23, 1, tzinfo=UTC), ["corner", "dealer"]),
        (None, NOW, ["corner", "dealer"]),
    ],
)
def test_while_the_warranty_lasts_only_what_the_maker_authorised_is_recommended(
    until: date | None, day: datetime, offered: list[str]
) -> None:
    corner, dealer = garages("corner", "dealer")
    dealer = replace(dealer, access=frozenset({"authorised:toyota", "make.diagnostics:toyota"}))
    other = replace(corner, site_id="kia-dealer", access=frozenset({"authorised:kia"}))
    maker = replace(FLEET, is_warranty_bound=True, approved_sites=frozenset({"corner", "dealer"}))
    asked = replace(ENGINE, principal=maker, warranty_until=until)
    decision = decide(asked, Directory([corner, dealer, other], "1"), POLICY, decided_at=day)
    assert names(decision.offers) == offered
    if offered == ["dealer"]:
        assert [one.outside for one in decision.free_choice] == [Rule.WARRANTY, Rule.WARRANTY]


def test_a_distance_that_was_agreed_shortens_the_way_and_never_lengthens_it() -> None:
    near, far = site("near", [LIGHT], lat_deg=km(9)), site("far", [LIGHT], lat_deg=km(30))
    decision = under(replace(FLEET, distance_m_max=10_000), near, far)
    assert (names(decision.offers), names(decision.free_choice)) == (["near"], ["far"])
    assert decision.free_choice[0].missing == ("within 10 km",)
    beyond = site("beyond", [LIGHT], lat_deg=km(180))
    decision = under(replace(FLEET, distance_m_max=900_000), beyond)
    assert (decision.offers, decision.free_choice) == ((), ())
    assert decision.excluded[0].rule is Rule.DISTANCE


def test_rules_that_leave_nobody_in_say_so_and_show_who_there_is() -> None:
    decision = under(replace(FLEET, approved_sites=frozenset({"nowhere"})), *garages("a", "b"))
    assert (decision.offers, names(decision.free_choice)) == ((), ["a", "b"])
    keys = [reason.key for reason in decision.notices]
    assert "notices.principal_nobody" in keys
    assert not [key for key in keys if key.startswith("notices.meanwhile")]


def test_a_vehicle_that_may_limp_to_nobody_approved_is_towed_to_somebody_who_is() -> None:
    fleet = replace(FLEET, approved_sites=frozenset({"far"}))
    near, far = site("near", [LIGHT], lat_deg=km(5)), site("far", [LIGHT], lat_deg=km(60))
    decision = under(fleet, near, far, urgency=Urgency.LIMP)
    assert (names(decision.offers), names(decision.free_choice)) == (["far"], ["near"])
    assert decision.notices[0].key == "notices.towed_instead"


def test_the_driver_sees_the_free_choice_in_the_car() -> None:
    fleet = replace(FLEET, approved_sites=frozenset({"b"}))
    document = referral_document(under(fleet, *garages("a", "b")), referral_id="11" * 16, version=1)
    short = short_referral(document)
    assert [offer["site"] for offer in short["free_choice"]] == ["a"]
    assert "you may choose it all the same" in short["free_choice"][0]["why"][0]


def test_members_of_an_approved_network_are_approved_as_well() -> None:
    member, other = garages("member", "other")
    member = replace(member, networks=frozenset({"network a"}))
    insured = replace(other, site_id="insured", insurers=frozenset({"insurer a"}))
    fleet = replace(FLEET, approved_networks=frozenset({"network a", "insurer a"}))
    decision = under(fleet, member, other, insured)
    assert (names(decision.offers), names(decision.free_choice)) == (
        ["member", "insured"],
        ["other"],
    )


@pytest.mark.parametrize(
    ("rates", "is_within"),
    [
        ((HourlyRate(amount_minor=8000, currency="EUR"),), True),
        ((HourlyRate(amount_minor=8001, currency="EUR"),), False),
        ((HourlyRate(amount_minor=8000, currency="CHF"),), False),
        ((HourlyRate(amount_minor=8000, currency="EUR", is_net=True),), False),
        (tuple(HourlyRate(amount_minor=n, currency="EUR") for n in (7000, 9000)), False),
        ((), False),
    ],
)
def test_a_price_that_is_too_high_or_not_published_is_outside(
    rates: tuple[HourlyRate, ...], *, is_within: bool
) -> None:
    (garage,) = garages("a")
    decision = under(
        replace(FLEET, hour_price_max=8000, currency="EUR"), replace(garage, hourly_rates=rates)
    )
    assert bool(decision.offers) is is_within
    assert [one.outside for one in decision.free_choice] == ([] if is_within else [Rule.PRICE])


def test_who_is_preferred_stands_higher_and_nobody_disappears() -> None:
    far, near = site("far", [LIGHT], lat_deg=km(6)), site("near", [LIGHT], lat_deg=km(2))
    preferring = replace(FLEET, preferred_sites=frozenset({"far"}))
    assert names(under(FLEET, far, near).offers) == ["near", "far"]
    decision = under(preferring, far, near)
    assert names(decision.offers) == ["far", "near"]
    for offer in decision.offers:
        assert sum(term.points for term in offer.terms) == pytest.approx(offer.score)


def test_a_price_counts_only_for_who_pays_and_asks_for_it() -> None:
    dear, cheap, silent = (
        replace(site(name, [LIGHT], lat_deg=km(n)), hourly_rates=rates)
        for n, (name, rates) in enumerate(
            {
                "dear": (HourlyRate(amount_minor=15_000, currency="EUR"),),
                "cheap": (HourlyRate(amount_minor=5_000, currency="EUR"),),
                "silent": (),
            }.items()
        )
    )
    weighing = replace(FLEET, currency="EUR", is_price_weighed=True)
    assert names(under(weighing, dear, cheap, silent).offers) == ["cheap", "dear", "silent"]
    for nobody in (None, FLEET):
        decision = under(nobody, dear, cheap, silent)
        assert names(decision.offers) == ["dear", "cheap", "silent"]
        points = {term.points for offer in decision.offers for term in offer.terms[3:]}
        assert points == {0}


# --- the law of the contract -------------------------------------------------------------------


def insurer(country: str) -> Principal:
    return Principal(
        name="insurer a",
        version="1",
        kind=PrincipalKind.INSURER,
        country=country,
        approved_sites=frozenset({"b"}),
    )


def test_a_french_insurer_tells_the_insured_that_the_choice_is_free() -> None:
    decision = under(insurer("FR"), *garages("a", "b"))
    assert decision.laws == ("fr-l211-5-1", "eu-p2b-5")
    assert any("L211-5-1" in text for text in load_texts().tell_all(decision.notices))
    fleet = replace(insurer("FR"), kind=PrincipalKind.FLEET)
    assert "fr-l211-5-1" not in under(fleet, *garages("a", "b")).laws


def test_where_the_law_forbids_it_an_insurer_narrows_nothing() -> None:
    decision = under(insurer("US"), *garages("a", "b"))
    assert (names(decision.offers), decision.free_choice) == (["a", "b"], ())
    assert "notices.not_narrowed" in [reason.key for reason in decision.notices]


def test_the_law_is_that_of_the_day() -> None:
    laws = load_laws()
    assert laws.on(date(2016, 8, 30), insurer("FR")) == ()
    assert [law.name for law in laws.on(date(2016, 8, 31), insurer("FR"))] == ["fr-l211-5-1"]
    assert laws.on(NOW.date(), None) == ()


# --- whose rules, by hash and again ------------------------------------------------------------


def test_whose_rules_held_stands_in_the_inputs_and_a_change_of_them_is_seen() -> None:
    fleet = replace(FLEET, approved_sites=frozenset({"b"}))
    told = match_document(under(fleet, *garages("a", "b")))["inputs"]
    assert (told["principal"], told["principal_digest"]) == ("north", principal_digest(fleet))
    other = match_document(under(replace(fleet, distance_m_max=9), *garages("a", "b")))["inputs"]
    assert {name for name in told if told[name] != other[name]} == {"case", "principal_digest"}


def asked_for(principal: Principal, until: date | None) -> Case:
    return replace(ENGINE, principal=principal, warranty_until=until, lang="fr")


def test_a_decision_under_a_principals_rules_replays_byte_for_byte() -> None:
    fleet = replace(FLEET, approved_sites=frozenset({"b"}), is_warranty_bound=True)
    directory = Directory(garages("a", "b", *(f"c{n}" for n in range(200))), "1")
    decision = decide(asked_for(fleet, NOW.date()), directory, POLICY, decided_at=NOW)
    again = replay(parse_recording(record(decision, directory, POLICY)))
    assert again.is_same
    assert again.document == canonical(match_document(decision))


# --- the file ----------------------------------------------------------------------------------

FILE = """
name = "north"
version = "2026-11"
kind = "fleet"
country = "FR"
approved_sites = ["a", "b"]
is_warranty_bound = true
distance_m_max = 60000
"""


def test_rules_are_read_from_their_file() -> None:
    principal = parse_principal(FILE)
    assert principal.approved_sites == {"a", "b"}
    assert (principal.kind, principal.distance_m_max) == (PrincipalKind.FLEET, 60_000)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("name =", "nam =", "nam"),
        ('"north"', '""', "1 to 100"),
        ('"FR"', '"France"', "two letters"),
        ("60000", "-1", "negative"),
        ('"fleet"', '"bank"', "kind"),
        ('"fleet"', "fleet", "principal"),
        ("60000", '"far"', "distance_m_max"),
        ("60000", "9\nhour_price_max = 8000", "currency"),
    ],
)
def test_a_broken_file_is_refused_with_the_place(old: str, new: str, told: str) -> None:
    with pytest.raises(DataFileError, match="principal") as caught:
        parse_principal(FILE.replace(old, new, 1))
    assert told in str(caught.value)


def test_what_is_no_table_and_what_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for given in (None, 7, ["name"]):
        with pytest.raises(DataFileError):
            convert_principal(given)
    monkeypatch.setattr("routing.matching.principal.SITES_MAX", 1)
    with pytest.raises(DataFileError, match="more than 1 sites"):
        parse_principal(FILE)
