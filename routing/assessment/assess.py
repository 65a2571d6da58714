"""What a site could take of the cases that occurred near it, and which one change opens most.

A change is tried, not guessed: the site as it would then be is asked every question again, so what
is promised is what a second look after the change finds. A case is asked as if it arose on the day
of asking, with everybody there who is employed: no holiday and no hour says what a site lacks.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from dtc_db.vehicle import VehicleClass
from routing.competence.catalogue import Catalogue, Title
from routing.competence.held import find_shortfall, team_evidence
from routing.decision import Case, Rule
from routing.geo import distance_m
from routing.matching.eligible import Question, judge
from routing.matching.match import arrival_for
from routing.matching.policy import Policy
from routing.model import Credential, Person, Site

# Counts from 1 to one below this could point at a vehicle or at a competitor's work.
SHOWN_MIN = 5
CHANGES_MAX = 5
ENDING_DAYS = 180


class ChangeKind(StrEnum):
    """What a site can change by itself."""

    TITLE = "title"
    EQUIPMENT = "equipment"
    ACCESS = "access"
    VEHICLE_CLASS = "vehicle_class"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing to have that the site has not.

    Attributes:
        name: Of the title, or the word of the vocabulary.
        scheme: Of a title; empty otherwise.
    """

    kind: ChangeKind
    name: str
    scheme: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """A change, and the cases it would have opened.

    Attributes:
        same: Other titles that open exactly the same cases.
        opened: Ids of the cases; for counting and checking, never for showing.
    """

    change: Change
    same: tuple[Change, ...]
    opened: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """A title that ends soon, and the cases that then cannot be taken any more."""

    person: int
    credential: Credential
    ends: date
    lost: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """A site beside the cases that occurred within its reach.

    Attributes:
        able: Ids of the cases it could take.
        unable: The others, by id, with the first rule that stands against each.
        advice: The changes that open most, best first.
        endings: Titles that end within `ENDING_DAYS`, soonest first, if anything is lost by it.
    """

    site: Site
    able: frozenset[str]
    unable: Mapping[str, Rule]
    advice: tuple[Advice, ...]
    endings: tuple[Ending, ...]


@dataclass(frozen=True, slots=True)
class _Asker:
    """Asks a site all questions; equal ones once."""

    cases: Mapping[Question, frozenset[str]]
    policy: Policy
    catalogue: Catalogue
    at: datetime

    def unable(self, site: Site) -> dict[str, Rule]:
        """The cases that the site cannot take, by id."""
        found: dict[str, Rule] = {}
        for question, case_ids in self.cases.items():
            failure = judge(
                site, question, self.policy, self.catalogue, day=self.at.date(), at=self.at
            ).failure
            if failure is not None:
                found.update(dict.fromkeys(case_ids, failure.rule))
        return found


def assess(
    site: Site, cases: Sequence[Case], *, policy: Policy, catalogue: Catalogue, at: datetime
) -> Assessment:
    """Say what a site could take of the cases within its reach, and what would open more.

    Args:
        site: With its people.
        cases: That occurred in a period; those without a position or out of reach are left out.
        policy: For the reach of each way of arriving, and for what is assumed of a site.
        catalogue: The schemes.
        at: The moment (aware) for which people and titles are asked.
    """
    site = _with_everybody_there(site)
    reached = [case for case in cases if _is_within_reach(case, site, policy)]
    asker = _Asker(_by_question(reached), policy, catalogue, at)
    unable = asker.unable(site)
    able = frozenset(case.case_id for case in reached) - unable.keys()
    return Assessment(
        site=site,
        able=able,
        unable=unable,
        advice=_advice(site, unable, asker) if unable else (),
        endings=tuple(_endings(site, unable, asker)),
    )


def follow(site: Site, change: Change, *, policy: Policy, catalogue: Catalogue, on: date) -> Site:
    """The site after a change: one person more for a title, one thing more for the rest."""
    match change.kind:
        case ChangeKind.TITLE:
            number = max((person.number for person in site.people), default=0) + 1
            title = Credential(
                scheme=change.scheme, title=change.name, valid_from=on, valid_until=None
            )
            return replace(site, people=(*site.people, Person(number=number, credentials=(title,))))
        case ChangeKind.EQUIPMENT:
            return replace(site, equipment=_equipment(site, policy, catalogue, on) | {change.name})
        case ChangeKind.ACCESS:
            return replace(site, access=site.access | {change.name})
        case _:
            classes = site.vehicle_classes or policy.unstated.vehicle_classes
            return replace(site, vehicle_classes=classes | {VehicleClass(change.name)})


def shown(count: int) -> int | None:
    """A count as it may be shown: None for one that is small, but not nothing."""
    return None if 0 < count < SHOWN_MIN else count


def _is_within_reach(case: Case, site: Site, policy: Policy) -> bool:
    if case.position is None:
        return False
    radius_m = policy.arrivals[arrival_for(case)].radius_m
    return distance_m(case.position, site.position) <= radius_m


def _by_question(cases: Sequence[Case]) -> Mapping[Question, frozenset[str]]:
    by_question: dict[Question, set[str]] = {}
    for case in cases:
        by_question.setdefault(Question.of(case), set()).add(case.case_id)
    return {question: frozenset(ids) for question, ids in by_question.items()}


def _advice(site: Site, unable: Mapping[str, Rule], asker: _Asker) -> tuple[Advice, ...]:
    """The best changes; of titles that open the same cases the one that asks least is named."""
    opening: dict[tuple[ChangeKind, frozenset[str]], list[Change]] = {}
    for change in _changes(site, asker):
        changed = follow(
            site, change, policy=asker.policy, catalogue=asker.catalogue, on=asker.at.date()
        )
        opened = unable.keys() - asker.unable(changed).keys()
        if opened:
            opening.setdefault((change.kind, frozenset(opened)), []).append(change)
    found = [
        Advice(change=changes[0], same=tuple(changes[1:]), opened=opened)
        for (_, opened), changes in opening.items()
    ]
    found.sort(key=lambda one: (-len(one.opened), one.change.kind, one.change.name))
    return tuple(found[:CHANGES_MAX])


def _changes(site: Site, asker: _Asker) -> Iterator[Change]:
    """Everything the site could have and that some case asks for; titles that ask least first."""
    wanted = {
        ChangeKind.EQUIPMENT: frozenset().union(*(one.equipment for one in asker.cases)),
        ChangeKind.ACCESS: frozenset().union(*(one.access for one in asker.cases)) - site.access,
        ChangeKind.VEHICLE_CLASS: frozenset(one.vehicle_class.value for one in asker.cases)
        - site.vehicle_classes,
    }
    for title, scheme in sorted(_titles(site, asker.catalogue), key=_effort):
        yield Change(kind=ChangeKind.TITLE, name=title.symbol, scheme=scheme)
    for kind, words in wanted.items():
        for word in sorted(words):
            yield Change(kind=kind, name=word)


def _titles(site: Site, catalogue: Catalogue) -> Iterator[tuple[Title, str]]:
    """The titles that count where the site is and show something."""
    for scheme in catalogue.schemes.values():
        for title in scheme.titles:
            if title.skills and catalogue.is_valid_in(scheme.name, title.symbol, site.country):
                yield title, scheme.name


def _effort(pair: tuple[Title, str]) -> tuple[int, str, str]:
    title, scheme = pair
    return len(title.skills), scheme, title.symbol


def _endings(site: Site, unable: Mapping[str, Rule], asker: _Asker) -> Iterator[Ending]:
    """Titles in force that end soon, each taken away by itself."""
    for ends, number, credential in sorted(_ending_soon(site, asker), key=_ending_order):
        lost = asker.unable(_without(site, number, credential)).keys() - unable.keys()
        if lost:
            yield Ending(person=number, credential=credential, ends=ends, lost=frozenset(lost))


def _ending_soon(site: Site, asker: _Asker) -> Iterator[tuple[date, int, Credential]]:
    today = asker.at.date()
    for person in site.people:
        for credential in person.credentials:
            shortfall = find_shortfall(
                credential,
                country=site.country,
                day=today,
                catalogue=asker.catalogue,
                holder=person,
            )
            ends = min(credential.valid_until or date.max, person.employed_until or date.max)
            if shortfall is None and today <= ends <= today + timedelta(days=ENDING_DAYS):
                yield ends, person.number, credential


def _ending_order(one: tuple[date, int, Credential]) -> tuple[date, int, str, str]:
    ends, number, credential = one
    return ends, number, credential.scheme, credential.title


def _without(site: Site, number: int, credential: Credential) -> Site:
    people = tuple(
        replace(one, credentials=tuple(held for held in one.credentials if held != credential))
        if one.number == number
        else one
        for one in site.people
    )
    return replace(site, people=people)


def _with_everybody_there(site: Site) -> Site:
    people = tuple(replace(one, hours=None, absences=()) for one in site.people)
    return replace(site, people=people)


def _equipment(site: Site, policy: Policy, catalogue: Catalogue, on: date) -> frozenset[str]:
    """What it states; if nothing, what it is assumed to have, which would else be lost."""
    if site.equipment:
        return site.equipment
    held = team_evidence(site, day=on, catalogue=catalogue)
    by_skill = policy.unstated.with_skill
    assumed = [policy.unstated, *(by_skill[skill] for skill in by_skill if skill in held)]
    return frozenset().union(*(one.equipment for one in assumed))


def count_rules(assessment: Assessment) -> Counter[Rule]:
    """How many cases each rule stands against."""
    return Counter(assessment.unable.values())
