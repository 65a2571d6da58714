"""Who holds a skill on a given day, by which title, and why a title does not count.

A title counts if its scheme knows it, it counts in the country where the work is done, the day lies
within its dates, and nobody revoked it. A team holds what its people hold together, each skill by
its best title, and only until the first of the titles it rests on ends.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from routing.catalogue import Catalogue, load_catalogue
from routing.model import Credential, Evidence, Person, Site, SkillEvidence

STRENGTH: Mapping[Evidence, int] = {evidence: level for level, evidence in enumerate(Evidence)}


class Shortfall(StrEnum):
    """Why a title does not count."""

    UNKNOWN_TITLE = "unknown_title"  # the scheme, or the title under it, is not in the catalogue
    OTHER_COUNTRY = "other_country"
    REVOKED = "revoked"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lapse:
    """A title that somebody holds and that would show a skill, but does not count."""

    skill: str
    person: int
    credential: Credential
    shortfall: Shortfall


def find_shortfall(
    credential: Credential, *, country: str, day: date, catalogue: Catalogue
) -> Shortfall | None:
    """Why the title does not count on this day in this country; None if it does."""
    if catalogue.find_title(credential.scheme, credential.title) is None:
        return Shortfall.UNKNOWN_TITLE
    if not catalogue.is_valid_in(credential.scheme, credential.title, country):
        return Shortfall.OTHER_COUNTRY
    if credential.is_revoked:
        return Shortfall.REVOKED
    if credential.valid_until is not None and credential.valid_until < day:
        return Shortfall.EXPIRED
    if day < credential.valid_from:
        return Shortfall.NOT_YET_VALID
    return None


def skills_held(
    person: Person, *, country: str, day: date, catalogue: Catalogue | None = None
) -> dict[str, SkillEvidence]:
    """The skills that one person can show on a day, each by the best of their titles.

    Args:
        person: Whose titles are read.
        country: Where the work is done; with an empty one only titles that count anywhere do.
        day: The day of arrival.
        catalogue: The schemes; those that come with the program if None.
    """
    catalogue = catalogue or load_catalogue()
    held: dict[str, SkillEvidence] = {}
    for credential in person.credentials:
        if find_shortfall(credential, country=country, day=day, catalogue=catalogue) is not None:
            continue
        title = catalogue.find_title(credential.scheme, credential.title)
        for skill in title.skills if title else ():
            _keep_better(held, _evidence(skill, person, credential))
    return held


def team_evidence(
    site: Site, *, day: date, catalogue: Catalogue | None = None
) -> dict[str, SkillEvidence]:
    """The skills that a site's people can show together on a day, each by its best title."""
    held: dict[str, SkillEvidence] = {}
    for person in site.people:
        for found in skills_held(
            person, country=site.country, day=day, catalogue=catalogue
        ).values():
            _keep_better(held, found)
    return held


def find_lapses(
    site: Site, skills: Collection[str], *, day: date, catalogue: Catalogue | None = None
) -> tuple[Lapse, ...]:
    """Titles at a site that would show one of the skills but for a date, a border or a revocation.

    Unknown titles are never among them: nobody can say what they would show.
    """
    catalogue = catalogue or load_catalogue()
    lapses = []
    for person in site.people:
        for credential in person.credentials:
            title = catalogue.find_title(credential.scheme, credential.title)
            reason = find_shortfall(credential, country=site.country, day=day, catalogue=catalogue)
            if title is None or reason is None:
                continue
            lapses += [
                Lapse(skill=skill, person=person.number, credential=credential, shortfall=reason)
                for skill in sorted(title.skills.intersection(skills))
            ]
    return tuple(lapses)


def earliest_end(evidence: Collection[SkillEvidence]) -> date | None:
    """Until when a team holds all of these together; None if without end."""
    return min((found.valid_until for found in evidence if found.valid_until), default=None)


def _evidence(skill: str, person: Person, credential: Credential) -> SkillEvidence:
    return SkillEvidence(
        skill=skill,
        person=person.number,
        scheme=credential.scheme,
        title=credential.title,
        evidence=credential.evidence,
        valid_until=credential.valid_until,
    )


def _keep_better(held: dict[str, SkillEvidence], found: SkillEvidence) -> None:
    best = held.get(found.skill)
    if best is None or _preference(found) < _preference(best):
        held[found.skill] = found


def _preference(found: SkillEvidence) -> tuple[int, int, int, str, str]:
    """Strongest first, then the one that lasts longest, then by number and name."""
    until = found.valid_until or date.max
    return (
        -STRENGTH[found.evidence],
        -until.toordinal(),
        found.person,
        found.scheme,
        found.title,
    )
