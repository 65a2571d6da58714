"""Which titles end soon, and what ends with them: 90, 30 and 7 days ahead.

A title ends for a site on the last day on which it counts there: its own, or its holder's last day
at work, whichever comes first. What the people of a site hold together ends with the earliest of
the titles that it rests on, so each reminder says which skills the site then shows no more.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from routing.competence.catalogue import Catalogue
from routing.competence.held import find_shortfall, team_evidence
from routing.model import Credential, Person, Site

AHEAD_DAYS = (7, 30, 90)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminder:
    """That a title ends.

    Attributes:
        ends: The last day on which it counts at the site.
        ahead_days: Of `AHEAD_DAYS`, the one that is reached.
        lost: Skills that the site shows on that day and not on the next, sorted.
    """

    site_id: str
    person: int
    scheme: str
    title: str
    ends: date
    ahead_days: int
    lost: tuple[str, ...]


def due_reminders(site: Site, *, today: date, catalogue: Catalogue) -> Iterator[Reminder]:
    """The reminders that are due for a site, each at the nearest mark that it has passed.

    Args:
        site: With its people.
        today: Titles that count on this day are looked at; one that is over needs no reminder.
        catalogue: The schemes.
    """
    for person in site.people:
        for credential in person.credentials:
            ends = last_day(credential, person)
            if ends is None or not today <= ends <= today + timedelta(days=AHEAD_DAYS[-1]):
                continue
            counts = find_shortfall(
                credential, country=site.country, day=today, catalogue=catalogue, holder=person
            )
            if counts is not None or _goes_on(credential, person, ends):
                continue
            left_days = (ends - today).days
            yield Reminder(
                site_id=site.site_id,
                person=person.number,
                scheme=credential.scheme,
                title=credential.title,
                ends=ends,
                ahead_days=next(days for days in AHEAD_DAYS if left_days <= days),
                lost=_lost(site, ends, catalogue),
            )


def last_day(credential: Credential, person: Person) -> date | None:
    """The last day on which a title counts where its holder works; None if it has no end."""
    ends = [day for day in (credential.valid_until, person.employed_until) if day is not None]
    if credential.revoked_on is not None:
        ends.append(credential.revoked_on - timedelta(days=1))
    return min(ends, default=None)


def _goes_on(credential: Credential, person: Person, ends: date) -> bool:
    """Whether the same title was renewed, so that the day after is covered."""
    after = ends + timedelta(days=1)
    if person.employed_until is not None and person.employed_until < after:
        return False
    return any(
        (one.scheme, one.title) == (credential.scheme, credential.title)
        and one.valid_from <= after <= (last_day(one, person) or date.max)
        and not (one.is_revoked or one.is_suspended)
        for one in person.credentials
    )


def _lost(site: Site, ends: date, catalogue: Catalogue) -> tuple[str, ...]:
    before = team_evidence(site, day=ends, catalogue=catalogue)
    after = team_evidence(site, day=ends + timedelta(days=1), catalogue=catalogue)
    return tuple(sorted(before.keys() - after.keys()))
