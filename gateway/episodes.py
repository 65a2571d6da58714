"""When a fault goes on, stays on, and goes off: a pure function of what is known and one report.

A fault is one code in one control unit of one vehicle; each time it is on is an episode.

    (nothing) ──listed──▶ open, not raised ──listed live and more than pending──▶ open, raised
                               │                                                   │
                               └────────── said to be gone ──▶ off ◀───────────────┘
                                                                │
                     listed again: the same episode within RETURN_S_MAX, else the next one

What says that a fault is gone is published in docs/episodes.md: an explicit "none found" of the
same control unit and service; the code listed with a status that says it is not there; or a
*complete* list of the same control unit and service without the code. Silence never does, and
neither does what is older than the latest sighting.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from dtc_db.codes import Code
from gateway.clock import Doubt, Reading
from gateway.evidence import NOTHING_NEW, Evidence, add_details, first_evidence, freeze_frames
from gateway.model import Observation, Outcome, Report, ReportedCode, Status

# A fault that is off for less than this was never away: no second alarm for a loose contact.
RETURN_S_MAX = 600
# An episode that came back so often is called intermittent: a contact, not a part.
INTERMITTENT_RETURNS_MIN = 3
# Reports without a usable clock are put in order by `seq` if they came within this time.
REORDER_S_MAX = 600
# A counter that falls further than this was started anew.
REORDER_SEQ_MAX = 1_000

_RANK = {status: rank for rank, status in enumerate(Status)}
# Failing now, pending, confirmed: the UDS status bits by which a fault is on (ISO 14229-1, D.2).
_ON_BITS = 0x0D


class TransitionKind(StrEnum):
    """What changed in an episode so that something may have to be decided."""

    ON = "on"
    CHANGED = "changed"  # status or lamps: it may have become graver
    OFF = "off"


class Episode(NamedTuple):
    """One time that one fault was on; a tuple, because each report changes some. Named arguments.

    Attributes:
        ordinal: 1 for the first time this fault was on; the key is (vehicle, ecu, code, ordinal).
        service: The service that gave the status; only this one can turn the episode off.
        status_byte: As that service gave it, where it gives one.
        first_seen_at: When we heard of it; `onset_at` is when the vehicle saw it, by our clock.
        observed_at: Of the latest sighting, by our clock; what is older says nothing about it.
        seq: The unit's own count of the report with the latest sighting.
        is_raised: Some live report said more than "pending": the router has to know.
        off_at: When it was said to be gone; None while open.
        return_count: How often it came back within `RETURN_S_MAX`.
        odometer_km: At onset.
        doubt: Why the time of its onset is not to be trusted.
        may_return: Off, but its case is still open: listed again in time, it goes on.
        evidence: What is to be kept in addition to what is kept already.
    """

    ecu: str
    code: Code
    ordinal: int
    service: str
    status: Status
    first_seen_at: datetime
    last_seen_at: datetime
    onset_at: datetime
    observed_at: datetime
    status_byte: int | None = None
    seq: int | None = None
    confirmed_at: datetime | None = None
    permanent_at: datetime | None = None
    lamps: tuple[tuple[str, str], ...] = ()
    occurrence_count: int | None = None
    is_uncertain: bool = False
    is_raised: bool = False
    off_at: datetime | None = None
    return_count: int = 0
    odometer_km: float | None = None
    doubt: Doubt | None = None
    may_return: bool = True
    evidence: Evidence = NOTHING_NEW

    @property
    def predecessor(self) -> int | None:
        """The ordinal of the episode before this one, if the fault was on before."""
        return self.ordinal - 1 or None

    @property
    def is_intermittent(self) -> bool:
        """Whether it flickers."""
        return self.return_count >= INTERMITTENT_RETURNS_MIN


class Transition(NamedTuple):
    """A change of one episode, for the router. Named arguments."""

    ecu: str
    code: Code
    ordinal: int
    kind: TransitionKind
    at: datetime


class Advance(NamedTuple):
    """What a report made of the episodes of its vehicle.

    Attributes:
        episodes: Those that are new or changed, each once, in its last state.
        transitions: In the order in which they happened; empty for old news.
    """

    episodes: tuple[Episode, ...]
    transitions: tuple[Transition, ...]


def advance(known: Iterable[Episode], report: Report, reading: Reading | None = None) -> Advance:
    """Take one report into account.

    Args:
        known: The latest episode of each fault of the vehicle, open or off.
        report: The report; its `received_at` is the time of all that follows from it.
        reading: Its time, of `gateway.clock.read_clock`; if absent, the unit's clock is passed over
            and only its own word can make the report old.
    """
    if reading is None:
        reading = Reading(observed_at=report.received_at, is_live=not report.is_historical)
    ledger = _Ledger(known, report, reading)
    for observation in report.observations:
        ledger.take(observation)
    if reading.held_back_since is not None:
        ledger.raise_held_back(reading.held_back_since)
    return Advance(tuple(ledger.changed.values()), tuple(ledger.transitions))


def return_deadline(off_at: datetime) -> datetime:
    """When a fault that went off is taken to be gone for good."""
    return off_at + timedelta(seconds=RETURN_S_MAX)


class _Ledger:
    """The episodes of one vehicle while one report is worked through."""

    def __init__(self, known: Iterable[Episode], report: Report, reading: Reading) -> None:
        self._report = report
        self._reading = reading
        self._at = report.received_at
        self._frames = freeze_frames(report.observations)
        self._latest = {(episode.ecu, episode.code): episode for episode in known}
        self._filtered = {
            (observation.ecu, observation.service, reported.code)
            for observation in report.observations
            if _is_filtered(observation)
            for reported in observation.codes
            if reported.status is not None
        }
        self.changed: dict[tuple[str, Code], Episode] = {}
        self.transitions: list[Transition] = []

    def take(self, observation: Observation) -> None:
        for reported in observation.codes:
            if reported.status is not None:
                self._listed(observation, reported, reported.status)
        # Old news may tell of a fault; that it is gone, only the present can tell.
        if self._reading.is_live:
            self._turn_off(observation)

    def raise_held_back(self, since: datetime) -> None:
        """The clock was wrong, not the news old: what was held back for it is raised now."""
        for episode in tuple(self._latest.values()):
            is_held = episode.doubt is Doubt.LATE and episode.first_seen_at >= since
            is_on = episode.off_at is None and episode.status is not Status.PENDING
            if is_held and is_on and not episode.is_raised:
                after = episode._replace(is_raised=True)
                self._transition(after, TransitionKind.ON)
                self._keep(after)

    def _listed(self, observation: Observation, reported: ReportedCode, status: Status) -> None:
        before = self._latest.get((observation.ecu, reported.code))
        if before is None:
            after = self._begin(observation, reported, status, ordinal=1)
        elif before.off_at is None:
            after = self._go_on(before, observation, reported, status)
        elif self._is_behind(before) or _is_echo(before, observation.service, status):
            return
        elif before.may_return and self._at < return_deadline(before.off_at):
            if not self._reading.is_live or _is_lesser(before, observation.service, status):
                return
            after = self._return(before, observation, reported, status)
        else:
            after = self._begin(observation, reported, status, ordinal=before.ordinal + 1)
        self._raise(before, after)

    def _raise(self, before: Episode | None, after: Episode) -> None:
        is_same = before is not None and before.ordinal == after.ordinal
        if not after.is_raised and after.status is not Status.PENDING and self._reading.is_live:
            after = after._replace(is_raised=True)
            self._transition(after, TransitionKind.ON)
        elif after.is_raised and before is not None and is_same and _differs(before, after):
            self._transition(after, TransitionKind.CHANGED)
        self._keep(after)

    def _begin(
        self, observation: Observation, reported: ReportedCode, status: Status, *, ordinal: int
    ) -> Episode:
        new = Episode(
            ecu=observation.ecu,
            code=reported.code,
            ordinal=ordinal,
            service=observation.service,
            status=status,
            first_seen_at=self._at,
            last_seen_at=self._at,
            onset_at=self._reading.observed_at,
            observed_at=self._reading.observed_at,
            is_uncertain=reported.is_uncertain,
            odometer_km=self._report.odometer_km,
            doubt=self._reading.doubt,
            evidence=first_evidence(self._report, observation),
        )
        return self._seen(new, observation, reported, status)

    def _go_on(
        self, before: Episode, observation: Observation, reported: ReportedCode, status: Status
    ) -> Episode:
        # The service that is surest of the fault speaks for it: that a code is no longer pending
        # says nothing about a code that is stored. What is older than the latest sighting may
        # make a fault surer, but not less sure; and old news never changes what is raised.
        is_surer = _RANK[status] > _RANK[before.status]
        is_later = observation.service == before.service and not self._is_behind(before)
        if (is_surer or is_later) and self._may_speak(before):
            return self._seen(before, observation, reported, status)
        return self._seen(before, observation, reported, None)

    def _may_speak(self, episode: Episode) -> bool:
        return self._reading.is_live or not episode.is_raised

    def _return(
        self, before: Episode, observation: Observation, reported: ReportedCode, status: Status
    ) -> Episode:
        back = before._replace(off_at=None, return_count=before.return_count + 1)
        return self._seen(back, observation, reported, status)

    def _seen(
        self,
        episode: Episode,
        observation: Observation,
        reported: ReportedCode,
        status: Status | None,
    ) -> Episode:
        """The episode after one more sighting; with a status if this one speaks for the fault."""
        at, observed_at = self._at, self._reading.observed_at
        is_behind = self._is_behind(episode) or not self._may_speak(episode)
        stage = reported.status or episode.status
        return episode._replace(
            service=episode.service if status is None else observation.service,
            status=status or episode.status,
            status_byte=episode.status_byte if status is None else reported.status_byte,
            lamps=episode.lamps if is_behind else observation.lamps or episode.lamps,
            occurrence_count=_latest(reported.occurrence_count, episode.occurrence_count),
            last_seen_at=max(episode.last_seen_at, at),
            onset_at=min(episode.onset_at, observed_at),
            observed_at=max(episode.observed_at, observed_at),
            seq=episode.seq if is_behind else self._report.seq,
            confirmed_at=_first(episode.confirmed_at, at, is_now=_is_sure(stage)),
            permanent_at=_first(episode.permanent_at, at, is_now=stage is Status.PERMANENT),
            evidence=add_details(episode.evidence, self._frames, observation, reported),
        )

    def _turn_off(self, observation: Observation) -> None:
        for episode in tuple(_gone(observation, self._latest.values())):
            key = (episode.ecu, episode.service, episode.code)
            # Two masks were asked for in one report, and one of them has the code: the empty
            # answer is the other one's.
            is_listed_elsewhere = _is_filtered(observation) and key in self._filtered
            if self._is_behind(episode) or (is_listed_elsewhere and observation.codes == ()):
                continue
            after = episode._replace(off_at=self._at, observed_at=self._reading.observed_at)
            if after.is_raised:
                self._transition(after, TransitionKind.OFF)
            self._keep(after)

    def _is_behind(self, episode: Episode) -> bool:
        """Whether this report is older than what the episode rests on."""
        if self._reading.is_ordered:
            return self._reading.observed_at < episode.observed_at
        if self._report.seq is None or episode.seq is None:
            return False
        is_near = self._at - episode.last_seen_at < timedelta(seconds=REORDER_S_MAX)
        return is_near and 0 < episode.seq - self._report.seq <= REORDER_SEQ_MAX

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


def _gone(observation: Observation, episodes: Iterable[Episode]) -> Iterator[Episode]:
    """The episodes that this observation says are over."""
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
        elif observation.mask is not None and not observation.is_complete:
            # The mask was seen: who is not listed shares no bit with it.
            if _is_covered(episode, observation.mask):
                yield episode
        elif none_found or is_complete:
            yield episode


def _is_filtered(observation: Observation) -> bool:
    """Whether a mask that was not seen may leave codes out."""
    return not observation.is_complete and observation.mask is None


def _is_covered(episode: Episode, mask: int) -> bool:
    """Whether a request with this mask would have listed the fault as it was last seen."""
    bits = _ON_BITS if episode.status_byte is None else episode.status_byte & _ON_BITS
    return bits & mask == bits


def _is_echo(before: Episode, service: str, status: Status) -> bool:
    """Whether a list of what once was repeats a fault that a surer service said is gone.

    A truck's DM2 holds what DM1 no longer does; that is no new fault.
    """
    return status is Status.STORED and _is_lesser(before, service, status)


def _is_lesser(before: Episode, service: str, status: Status) -> bool:
    """Whether another service merely suspects, or remembers, what the surer one said is gone."""
    return (
        service != before.service
        and status in (Status.PENDING, Status.STORED)
        and _RANK[status] < _RANK[before.status]
    )


def _is_sure(status: Status) -> bool:
    return status in (Status.CONFIRMED, Status.ACTIVE, Status.PERMANENT)


def _differs(before: Episode, after: Episode) -> bool:
    return (before.status, before.lamps, before.off_at) != (after.status, after.lamps, after.off_at)


def _latest[T](new: T | None, old: T | None) -> T | None:
    return old if new is None else new


def _first(before: datetime | None, at: datetime, *, is_now: bool) -> datetime | None:
    return before if before is not None or not is_now else at
