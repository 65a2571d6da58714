"""Who holds what on a day: table of teams, and why a title does not count."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from routing.competence.catalogue import load_catalogue
from routing.competence.held import (
    Shortfall,
    earliest_end,
    find_lapses,
    find_shortfall,
    foreign_evidence,
    team_evidence,
)
from routing.model import Absence, Credential, Evidence, Person, Site
from routing.testing import HEAVY, LIGHT, held, site

DAY = date(2026, 11, 23)
FR, DE = "fr-nf-c-18-550", "de-dguv-209-093"
HV = ("hv.isolate", "hv.deenergised", "hv.live")


def check(garage: Site, expected: set[str], *, of: tuple[str, ...] = HV) -> None:
    """Of the skills asked for, the team can show exactly these on the day."""
    assert set(of) & team_evidence(garage, day=DAY).keys() == expected


def german(*people: list[Credential]) -> Site:
    return site("g", *people, country="DE")


@pytest.mark.parametrize(
    ("garage", "expected"),
    [
        (site("a"), set()),
        (site("a", []), set()),
        (site("a", [LIGHT]), set()),
        (site("a", [held(FR, "B0L")]), set()),
        (site("a", [held(FR, "BCL")]), {"hv.isolate"}),
        (site("a", [held(FR, "B2VL")]), {"hv.deenergised"}),
        (site("a", [held(FR, "BCL"), held(FR, "B2VL")]), {"hv.isolate", "hv.deenergised"}),
        (site("a", [held(FR, "BCL")], [held(FR, "B2VL")]), {"hv.isolate", "hv.deenergised"}),
        (site("a", [held(FR, "B1VL")], [held(FR, "BCL")]), {"hv.isolate"}),  # nobody in charge
        (site("a", [held(FR, "B2TL")]), {"hv.deenergised", "hv.live"}),
        (german([held(DE, "1S")]), set()),
        (german([held(DE, "2S")]), {"hv.isolate", "hv.deenergised"}),
        (german([held(DE, "3S")]), set(HV)),
        (german([held(DE, "fuP")], [held(DE, "3s")]), set(HV)),
        (site("a", [held(DE, "3S")]), set()),  # a German title at a French site
        (site("a", [held(FR, "BCL")], country=""), set()),  # nobody knows whose law it is
        (german([held(DE, "3S", until=DAY)]), set(HV)),  # its last day
        (german([held(DE, "3S", until=date(2026, 11, 22))]), set()),
        (german([held(DE, "3S", valid_from=DAY)]), set(HV)),  # its first day
        (german([held(DE, "3S", valid_from=date(2026, 11, 24))]), set()),
        (german([held(DE, "3S", is_revoked=True)]), set()),
        (german([held(DE, "3S", is_revoked=True)], [held(DE, "2S")]), set(HV) - {"hv.live"}),
        (german([held(DE, "7S")]), set()),
        (german([held("no-such-scheme", "3S")]), set()),
    ],
)
def test_a_team_shows_what_its_titles_in_force_show(garage: Site, expected: set[str]) -> None:
    check(garage, expected)


def test_ordinary_work_is_shown_by_the_trade_in_any_country() -> None:
    ordinary = ("engine.petrol", "brakes", "electrics.12v", "brakes.air", "truck.general")
    check(
        site("a", [LIGHT], country="AT"), {"engine.petrol", "brakes", "electrics.12v"}, of=ordinary
    )
    check(site("a", [HEAVY], country="GB"), set(ordinary) - {"engine.petrol"}, of=ordinary)


@pytest.mark.parametrize(
    ("titles", "best"),
    [
        (
            [held(DE, "2S"), held(DE, "2S", evidence=Evidence.REGISTER_CHECKED, until=DAY)],
            (1, Evidence.REGISTER_CHECKED, DAY),
        ),
        ([held(DE, "2S", until=DAY), held(DE, "3S")], (1, Evidence.DECLARED, None)),
    ],
)
def test_a_skill_rests_on_its_strongest_and_then_its_longest_title(
    titles: list[Credential], best: tuple[int, Evidence, date | None]
) -> None:
    for order in (titles, titles[::-1]):
        found = team_evidence(german(order), day=DAY)["hv.isolate"]
        assert (found.person, found.evidence, found.valid_until) == best


def test_of_equal_titles_the_one_of_the_lowest_number_is_shown() -> None:
    garage = german([], [held(DE, "2S")], [held(DE, "2S")])
    assert team_evidence(garage, day=DAY)["hv.isolate"].person == 2


def test_a_composite_ends_with_its_first_part() -> None:
    garage = site(
        "a",
        [held(FR, "BCL", until=date(2027, 5, 1))],
        [held(FR, "B2VL", until=date(2027, 3, 3))],
        [LIGHT],
    )
    evidence = team_evidence(garage, day=DAY)
    assert earliest_end([evidence["hv.isolate"], evidence["hv.deenergised"]]) == date(2027, 3, 3)
    assert earliest_end([evidence["brakes"]]) is None
    assert earliest_end([]) is None


@pytest.mark.parametrize(
    ("credential", "shortfall"),
    [
        (held(DE, "3S", until=date(2026, 1, 1)), Shortfall.EXPIRED),
        (held(DE, "3S", valid_from=date(2027, 1, 1)), Shortfall.NOT_YET_VALID),
        (held(DE, "3S", is_revoked=True), Shortfall.REVOKED),
        (held(FR, "B2TL"), Shortfall.OTHER_COUNTRY),
        (replace(held(DE, "3S"), is_suspended=True), Shortfall.SUSPENDED),
    ],
)
def test_a_title_that_almost_counts_is_named_with_what_it_lacks(
    credential: Credential, shortfall: Shortfall
) -> None:
    lapses = find_lapses(german([LIGHT, credential]), ["hv.live"], day=DAY)
    assert [(lapse.skill, lapse.person, lapse.shortfall) for lapse in lapses] == [
        ("hv.live", 1, shortfall)
    ]


@pytest.mark.parametrize("credential", [held(DE, "2S"), held(DE, "9S"), LIGHT])
def test_titles_that_count_or_show_something_else_are_no_lapses(credential: Credential) -> None:
    assert find_lapses(german([credential]), ["hv.live", "hv.isolate"], day=DAY) == ()


@pytest.mark.parametrize(
    ("credential", "holder", "expected"),
    [
        (held(FR, "BCL"), Person(number=1), None),
        (held(FR, "BCL"), Person(number=1, employer="north"), None),
        (replace(held(FR, "BCL"), employer="north"), Person(number=1), None),
        (replace(held(FR, "BCL"), employer="north"), Person(number=1, employer="north"), None),
        (
            replace(held(FR, "BCL"), employer="north"),
            Person(number=1, employer="south"),
            Shortfall.OTHER_EMPLOYER,
        ),
        (
            held(FR, "BCL"),
            Person(number=1, employed_from=date(2020, 1, 2)),
            Shortfall.OTHER_EMPLOYER,
        ),
        (held(FR, "BCL"), Person(number=1, employed_from=date(2020, 1, 1)), None),
        (replace(LIGHT, employer="north"), Person(number=1, employer="south"), None),
        (replace(held(FR, "BCL"), is_suspended=True), None, Shortfall.SUSPENDED),
        (replace(held(FR, "BCL"), revoked_on=DAY), None, Shortfall.REVOKED),
        (replace(held(FR, "BCL"), revoked_on=date(2026, 11, 24)), None, None),
        (held(FR, "9XL"), None, Shortfall.UNKNOWN_TITLE),
    ],
)
def test_a_title_falls_short_for_one_reason(
    credential: Credential, holder: Person | None, expected: Shortfall | None
) -> None:
    found = find_shortfall(
        credential, country="FR", day=DAY, catalogue=load_catalogue(), holder=holder
    )
    assert found is expected


def test_titles_of_another_country_are_shown_apart_and_only_where_nothing_else_counts() -> None:
    mixed = site("a", [held(FR, "BCL")], [held(DE, "3S"), held(DE, "2S", is_revoked=True), LIGHT])
    shown = foreign_evidence(mixed, day=DAY)
    assert {skill: (found.person, found.title) for skill, found in shown.items()} == {
        "hv.deenergised": (2, "3S"),
        "hv.live": (2, "3S"),
    }
    assert not shown.keys() & team_evidence(mixed, day=DAY).keys()
    assert foreign_evidence(german([held(DE, "3S")]), day=DAY) == {}


def test_titles_of_another_country_need_their_holder_too() -> None:
    garage = site("a", [held(DE, "3S")])
    away = replace(garage.people[0], absences=(Absence(DAY, DAY),))
    at = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
    assert foreign_evidence(garage, day=DAY, at=at)
    assert foreign_evidence(replace(garage, people=(away,)), day=DAY, at=at) == {}


def test_what_an_absent_person_holds_is_not_the_teams() -> None:
    garage = german([held(DE, "3S")])
    away = replace(garage.people[0], absences=(Absence(DAY, DAY),))
    check(replace(garage, people=(away,)), set())
    check(garage, set(HV))


def test_a_title_whose_holder_is_away_is_named_as_that() -> None:
    garage = german([held(DE, "3S"), held(DE, "9S")])
    someone = replace(garage.people[0], hours="Tu 08:00-12:00")
    at = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
    lapses = find_lapses(replace(garage, people=(someone,)), ["hv.live"], day=DAY, at=at)
    assert [lapse.shortfall for lapse in lapses] == [Shortfall.HOLDER_AWAY]
