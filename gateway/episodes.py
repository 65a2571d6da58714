"""When a fault goes on, stays on, and goes off: a pure function of what is known and one report.

A fault is one code in one control unit of one vehicle; each time it is on is an episode.

    (nothing) ──listed──▶ open, not raised ──listed live and more than pending──▶ open, raised
                               │                                                   │
                               └────────── said to be gone ──▶ off ◀───────────────┘
                                                                │
                     listed again: the same episode within RETURN_S_MAX, else the next one

What says that a fault is gone is published in docs/episodes.md: an explicit "none found" of the
same control unit and service; the code listed with a status that says it is not there; or a
*complete* list of the same control unit and service without the code. Silence never does.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from dtc_db.codes import Code
from gateway.model import Observation, Outcome, Report, ReportedCode, Status

# A fault that is off for less than this was never away: no second alarm for a loose contact.
RETURN_S_MAX = 600

_RANK = {status: rank for rank, status in enumerate(Status)}


class TransitionKind(StrEnum):
    """What changed in an episode so that something may have to be decided."""

    ON = "on"
    CHANGED = "changed"  # status or lamps: it may have become graver
    OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """One time that one fault was on.

    Attributes:
        ordinal: 1 for the first time this fault was on; the key is (vehicle, ecu, code, ordinal).
        service: The service that gave the status; only this one can turn the episode off.
        is_raised: Some live report said more than "pending": the router has to know.
        off_at: When it was said to be gone; None while open.
        may_return: Off, but its case is still open: listed again in time, it goes on.
    """

    ecu: str
    code: Code
    ordinal: int
    service: str
    status: Status
    first_seen_at: datetime
    last_seen_at: datetime
    lamps: tuple[tuple[str, str], ...] = ()
    occurrence_count: int | None = None
    is_uncertain: bool = False
    is_raised: bool = False
    off_at: datetime | None = None
    odometer_km: float | None = None
    may_return: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """A change of one episode, for the router."""

    ecu: str
    code: Code
    ordinal: int
    kind: TransitionKind
    at: datetime


@dataclass(frozen=True, slots=True)
class Advance:
    """What a report made of the episodes of its vehicle.

    Attributes:
        episodes: Those that are new or changed, each once, in its last state.
        transitions: In the order in which they happened; empty for old news.
    """

    episodes: tuple[Episode, ...]
    transitions: tuple[Transition, ...]


def advance(known: Iterable[Episode], report: Report) -> Advance:
    """Take one report into account.

    Args:
        known: The latest episode of each fault of the vehicle, open or off.
        report: The report; its `received_at` is the time of all that follows from it.
    """
    ledger = _Ledger(known, report)
    for observation in report.observations:
        ledger.take(observation)
    return Advance(tuple(ledger.changed.values()), tuple(ledger.transitions))


def return_deadline(off_at: datetime) -> datetime:
    """When a fault that went off is taken to be gone for good."""
    return off_at + timedelta(seconds=RETURN_S_MAX)


class _Ledger:
    """The episodes of one vehicle while one report is worked through."""

    def __init__(self, known: Iterable[Episode], report: Report) -> None:
        self._report = report
        self._at = report.received_at
        self._latest = {(episode.ecu, episode.code): episode for episode in known}
        self.changed: dict[tuple[str, Code], Episode] = {}
        self.transitions: list[Transition] = []

    def take(self, observation: Observation) -> None:
        for reported in observation.codes:
            if reported.status is not None:
                self._listed(observation, reported, reported.status)
        # Old news may tell of a fault; that it is gone, only the present can tell.
        if not self._report.is_historical:
            self._turn_off(observation)

    def _listed(self, observation: Observation, reported: ReportedCode, status: Status) -> None:
        key = (observation.ecu, reported.code)
        before = self._latest.get(key)
        if before is None or not self._goes_on(before):
            after = self._begin(observation, reported, status, before)
        else:
            after = self._go_on(before, observation, reported, status)
        raised = after.status is not Status.PENDING and not self._report.is_historical
        if raised and (before is None or before.ordinal != after.ordinal or not before.is_raised):
            after = replace(after, is_raised=True)
            self._transition(after, TransitionKind.ON)
        elif after.is_raised and before is not None and _differs(before, after):
            self._transition(after, TransitionKind.CHANGED)
        self._keep(after)

    def _goes_on(self, before: Episode) -> bool:
        if before.off_at is None:
            return True
        return before.may_return and self._at < return_deadline(before.off_at)

    def _begin(
        self,
        observation: Observation,
        reported: ReportedCode,
        status: Status,
        before: Episode | None,
    ) -> Episode:
        return Episode(
            ecu=observation.ecu,
            code=reported.code,
            ordinal=1 if before is None else before.ordinal + 1,
            service=observation.service,
            status=status,
            first_seen_at=self._at,
            last_seen_at=self._at,
            lamps=observation.lamps,
            occurrence_count=reported.occurrence_count,
            is_uncertain=reported.is_uncertain,
            odometer_km=self._report.odometer_km,
        )

    def _go_on(
        self, before: Episode, observation: Observation, reported: ReportedCode, status: Status
    ) -> Episode:
        # The service that is surest of the fault speaks for it: that a code is no longer pending
        # says nothing about a code that is stored.
        speaks = observation.service == before.service or _RANK[status] > _RANK[before.status]
        return replace(
            before,
            service=observation.service if speaks else before.service,
            status=status if speaks else before.status,
            lamps=observation.lamps or before.lamps,
            occurrence_count=_latest(reported.occurrence_count, before.occurrence_count),
            last_seen_at=max(before.last_seen_at, self._at),
            off_at=None,
        )

    def _turn_off(self, observation: Observation) -> None:
        for episode in self._gone(observation, tuple(self._latest.values())):
            after = replace(episode, off_at=self._at)
            if after.is_raised:
                self._transition(after, TransitionKind.OFF)
            self._keep(after)

    @staticmethod
    def _gone(observation: Observation, episodes: Sequence[Episode]) -> Iterable[Episode]:
        none_found = observation.outcome is Outcome.NONE_FOUND
        is_complete = observation.outcome is Outcome.CODES and observation.is_complete
        listed = {reported.code: reported.status for reported in observation.codes}
        for episode in episodes:
            is_spoken_of = episode.service == observation.service and (
                episode.ecu == observation.ecu or (none_found and not observation.ecu)
            )
            if episode.off_at is not None or not is_spoken_of:
                continue
            if episode.code in listed:
                if listed[episode.code] is None:
                    yield episode
            elif none_found or is_complete:
                yield episode

    def _transition(self, episode: Episode, kind: TransitionKind) -> None:
        self.transitions.append(
            Transition(
                ecu=episode.ecu,
                code=episode.code,
                ordinal=episode.ordinal,
                kind=kind,
                at=self._at,
            )
        )

    def _keep(self, episode: Episode) -> None:
        key = (episode.ecu, episode.code)
        self._latest[key] = self.changed[key] = episode


def _differs(before: Episode, after: Episode) -> bool:
    return (before.status, before.lamps, before.off_at) != (after.status, after.lamps, after.off_at)


def _latest[T](new: T | None, old: T | None) -> T | None:
    return old if new is None else new
