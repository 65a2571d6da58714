"""Who holds a skill at a moment, by which title, and why a title does not count.

A title counts if its scheme knows it, it counts in the country where the work is done, the day lies
within its dates, nobody revoked or suspended it and, where the employer issues it, its holder still
works for that employer. A team holds what those of its people hold together who are there, each
skill by its best title, and only until the first of the titles it rests on ends.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from routing.competence.catalogue import Catalogue, Role, Title, load_catalogue
from routing.competence.presence import Away, away_on, find_away
from routing.decision import SkillEvidence
from routing.model import Credential, Evidence, Person, Site

STRENGTH: Mapping[Evidence, int] = {evidence: level for level, evidence in enumerate(Evidence)}


class Shortfall(StrEnum):
    """Why a title does not count."""

    UNKNOWN_TITLE = "unknown_title"  # the scheme, or the title under it, is not in the catalogue
    OTHER_COUNTRY = "other_country"
    REVOKED = "revoked"
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    OTHER_EMPLOYER = "other_employer"  # issued by an employer for whom the person works no longer
    HOLDER_AWAY = "holder_away"  # in force, but who holds it is not there then


@dataclass(frozen=True, slots=True, kw_only=True)
class Lapse:
    """A title that somebody holds and that would show a skill, but does not count."""

    skill: str
    person: int
    credential: Credential
    shortfall: Shortfall


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One person of a site at one moment.

    Attributes:
        away: Why they are not there; None if they are.
        held: The skills their titles show, each by the best one, whether they are there or not.
        roles: What their titles let them do, and in which skills.
    """

    person: int
    away: Away | None
    held: Mapping[str, SkillEvidence]
    roles: Mapping[Role, frozenset[str]]

    def may(self, role: Role, skill: str) -> bool:
        """Whether they are there and may do this part of such a job."""
        return self.away is None and skill in self.roles.get(role, frozenset())


def find_shortfall(
    credential: Credential,
    *,
    country: str,
    day: date,
    catalogue: Catalogue,
    holder: Person | None = None,
) -> Shortfall | None:
    """Why the title does not count on this day in this country; None if it does.

    Args:
        credential: Of one person.
        country: Where the work is done.
        day: The day of arrival.
        catalogue: The schemes.
        holder: Who has it; if None, nothing is asked about employers.
    """
    if catalogue.find_title(credential.scheme, credential.title) is None:
        return Shortfall.UNKNOWN_TITLE
    if not catalogue.is_valid_in(credential.scheme, credential.title, country):
        return Shortfall.OTHER_COUNTRY
    if (
        holder is not None
        and catalogue.schemes[credential.scheme].is_issued_by_employer
        and _is_of_another_employer(credential, holder)
    ):
        return Shortfall.OTHER_EMPLOYER
    return _shortfall_on(credential, day)


def _shortfall_on(credential: Credential, day: date) -> Shortfall | None:
    if credential.is_revoked or (credential.revoked_on or date.max) <= day:
        return Shortfall.REVOKED
    if credential.is_suspended:
        return Shortfall.SUSPENDED
    if credential.valid_until is not None and credential.valid_until < day:
        return Shortfall.EXPIRED
    return Shortfall.NOT_YET_VALID if day < credential.valid_from else None


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
    held: dict[str, SkillEvidence] = {}
    for credential, title in _counting(person, country, day, catalogue or load_catalogue()):
        for skill in title.skills:
            _keep_better(held, _evidence(skill, person, credential))
    return held


def team_evidence(
    site: Site, *, day: date, at: datetime | None = None, catalogue: Catalogue | None = None
) -> dict[str, SkillEvidence]:
    """The skills that a site's people can show together, each by its best title.

    Args:
        site: Whose people are asked.
        day: The day, by UTC, on which titles must count.
        at: The moment of arrival; if None, whoever is there at some time of the day counts.
        catalogue: The schemes; those that come with the program if None.
    """
    held: dict[str, SkillEvidence] = {}
    for person in site.people:
        if _find_away(person, site, day, at) is not None:
            continue
        for found in skills_held(
            person, country=site.country, day=day, catalogue=catalogue
        ).values():
            _keep_better(held, found)
    return held


def foreign_evidence(
    site: Site, *, day: date, at: datetime | None = None, catalogue: Catalogue | None = None
) -> dict[str, SkillEvidence]:
    """Skills that the people there could show but for a border; arguments as `team_evidence`.

    No country has said that another one's title is as good, so this satisfies no need. It may
    be shown beside a list, with the words of `Shortfall.OTHER_COUNTRY`.
    """
    catalogue = catalogue or load_catalogue()
    recognised = team_evidence(site, day=day, at=at, catalogue=catalogue)
    shown: dict[str, SkillEvidence] = {}
    for person in site.people:
        if _find_away(person, site, day, at) is not None:
            continue
        for credential in person.credentials:
            home = catalogue.find_country(credential.scheme, credential.title)
            abroad = replace(person, credentials=(credential,))
            for found in skills_held(abroad, country=home, day=day, catalogue=catalogue).values():
                if found.skill not in recognised:
                    _keep_better(shown, found)
    return shown


def roster(
    site: Site, *, day: date, at: datetime | None = None, catalogue: Catalogue | None = None
) -> tuple[Member, ...]:
    """All people of a site with what each may do at that moment; arguments as `team_evidence`."""
    catalogue = catalogue or load_catalogue()
    return tuple(
        Member(
            person=person.number,
            away=_find_away(person, site, day, at),
            held=skills_held(person, country=site.country, day=day, catalogue=catalogue),
            roles=_roles(person, site.country, day, catalogue),
        )
        for person in site.people
    )


def assistants(members: Collection[Member], skill: str) -> tuple[int, ...]:
    """Who may only assist in such work, and has somebody there who may supervise it."""
    is_supervised = any(member.may(Role.SUPERVISE, skill) for member in members)
    return tuple(
        member.person
        for member in members
        if is_supervised and member.may(Role.ASSIST, skill) and skill not in member.held
    )


def find_lapses(
    site: Site,
    skills: Collection[str],
    *,
    day: date,
    at: datetime | None = None,
    catalogue: Catalogue | None = None,
) -> tuple[Lapse, ...]:
    """Titles at a site that would show one of the skills but for something that can be named.

    Unknown titles are never among them: nobody can say what they would show. Arguments as
    `team_evidence`.
    """
    catalogue = catalogue or load_catalogue()
    lapses = []
    for person in site.people:
        is_away = _find_away(person, site, day, at) is not None
        for credential in person.credentials:
            title = catalogue.find_title(credential.scheme, credential.title)
            reason = find_shortfall(
                credential, country=site.country, day=day, catalogue=catalogue, holder=person
            )
            if reason is None and is_away:
                reason = Shortfall.HOLDER_AWAY
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


def _find_away(person: Person, site: Site, day: date, at: datetime | None) -> Away | None:
    if at is None:
        return away_on(person, day)
    return find_away(person, site.position, at=at)


def _is_of_another_employer(credential: Credential, holder: Person) -> bool:
    """Whether it ended with an employment, as far as what is known can tell."""
    if credential.employer and holder.employer and credential.employer != holder.employer:
        return True
    # Titles are often older than what the directory knows of an employer, but never older than
    # the employment under which they were issued.
    return holder.employed_from is not None and credential.valid_from < holder.employed_from


def _counting(
    person: Person, country: str, day: date, catalogue: Catalogue
) -> Iterator[tuple[Credential, Title]]:
    for credential in person.credentials:
        title = catalogue.find_title(credential.scheme, credential.title)
        shortfall = find_shortfall(
            credential, country=country, day=day, catalogue=catalogue, holder=person
        )
        if title is not None and shortfall is None:
            yield credential, title


def _roles(
    person: Person, country: str, day: date, catalogue: Catalogue
) -> Mapping[Role, frozenset[str]]:
    roles: dict[Role, frozenset[str]] = {}
    for _, title in _counting(person, country, day, catalogue):
        for role in title.roles:
            named = title.assists if role is Role.ASSIST else title.skills
            roles[role] = roles.get(role, frozenset()) | named
    return roles


def _evidence(skill: str, person: Person, credential: Credential) -> SkillEvidence:
    """The title, until it ends, is taken back or its holder leaves, whichever comes first."""
    ends = [end for end in (credential.valid_until, person.employed_until) if end is not None]
    if credential.revoked_on is not None:
        ends.append(credential.revoked_on - timedelta(days=1))
    return SkillEvidence(
        skill=skill,
        person=person.number,
        scheme=credential.scheme,
        title=credential.title,
        evidence=credential.evidence,
        valid_until=min(ends, default=None),
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
