"""When a reminder is due, and what it says: by the day."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from routing.competence.catalogue import load_catalogue
from routing.model import Credential, Person, Site
from routing.register.reminders import Reminder, due_reminders
from routing.testing import LIGHT, LONG_AGO, held, site

FR = "fr-nf-c-18-550"
TODAY = date(2026, 11, 26)


def day(ahead: int) -> date:
    return TODAY + timedelta(days=ahead)


def bcl(ahead: int, *, valid_from: date = LONG_AGO) -> Credential:
    return held(FR, "BCL", until=day(ahead), valid_from=valid_from)


def due(where: Site) -> list[Reminder]:
    return list(due_reminders(where, today=TODAY, catalogue=load_catalogue()))


@pytest.mark.parametrize(
    ("ahead", "mark"),
    [(91, None), (90, 90), (31, 90), (30, 30), (8, 30), (7, 7), (0, 7), (-1, None)],
)
def test_each_mark_is_passed_once_on_the_way(ahead: int, mark: int | None) -> None:
    found = due(site("a", [bcl(ahead)]))
    assert [one.ahead_days for one in found] == ([] if mark is None else [mark])


def test_it_says_what_ends_with_the_title_and_not_what_others_still_show() -> None:
    alone = due(site("a", [bcl(20), LIGHT]))
    assert [one.title for one in alone] == ["BCL"]
    assert "hv.isolate" in alone[0].lost
    assert "diag.basic" not in alone[0].lost
    (helped,) = due(site("a", [bcl(20)], [bcl(400)]))
    assert helped.lost == ()


def test_a_title_ends_with_the_earliest_of_what_it_rests_on() -> None:
    base = site("a", [bcl(80)])
    leaving = replace(base, people=(replace(base.people[0], employed_until=day(5)),))
    assert [(one.ends, one.ahead_days) for one in due(leaving)] == [(day(5), 7)]
    taken = replace(bcl(80), revoked_on=day(11))
    (found,) = due(replace(base, people=(Person(number=1, credentials=(taken,)),)))
    assert found.ends == day(10)


def test_what_was_renewed_or_does_not_count_needs_no_reminder() -> None:
    renewed = bcl(400, valid_from=day(21))
    assert due(site("a", [bcl(20), renewed])) == []
    too_late = bcl(400, valid_from=day(22))
    assert len(due(site("a", [bcl(20), too_late]))) == 1
    leaving = site("a", [bcl(20), renewed])
    leaving = replace(leaving, people=(replace(leaving.people[0], employed_until=day(20)),))
    assert [one.ends for one in due(leaving)] == [day(20)]
    assert due(site("a", [replace(bcl(20), is_revoked=True)])) == []
    assert due(site("a", [bcl(20)], country="DE")) == []
    assert due(site("a", [LIGHT])) == []
