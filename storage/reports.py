"""Reports and what follows from them: the gateway's port on PostgreSQL.

The order within the transaction is also the order of its locks, the same for every gateway:
message ids (sorted), then vehicles (sorted). So two gateways that hold messages of the same vehicle
wait for each other and never for ever.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import asyncpg

from dtc_db.codes import Code
from gateway.clock import Clock, Reading, read_clock
from gateway.episodes import Episode, Transition, TransitionKind, advance, return_deadline
from gateway.errors import ReportRefusedError, StoreUnavailableError
from gateway.model import DeadLetter, Position, Reason, Report
from storage.deadletters import keep_dead_letters
from storage.episodes import fetch_latest_episodes, write_episodes, write_transitions
from storage.errors import DatabaseUnavailableError
from storage.keys import vehicle_id_of
from storage.pool import Connection, Pool, transaction
from storage.statements import load_statements

SQL = load_statements("reports")

# A smaller change of a clock is not worth a row; reports that overtake each other by less than this
# count in the order in which they came.
CLOCK_STEP_S_MIN = 0.1


class PostgresReportStore:
    """Implements `gateway.ports.ReportStore`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def store(self, reports: Sequence[Report], dead_letters: Sequence[DeadLetter]) -> None:
        """See the port."""
        try:
            async with transaction(self._pool) as connection:
                new, conflicts = await _admit(connection, reports)
                await keep_dead_letters(connection, [*dead_letters, *conflicts, *_parts(new)])
                if new:
                    await _take(connection, new)
        except DatabaseUnavailableError as error:
            raise StoreUnavailableError(str(error)) from error
        except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError) as error:
            raise ReportRefusedError(type(error).__name__) from error


async def _admit(
    connection: Connection, reports: Sequence[Report]
) -> tuple[list[Report], list[DeadLetter]]:
    """Keep the ids, and tell new reports from repeated ones and from ids used twice."""
    first: dict[tuple[str, str], Report] = {}
    repeated: list[Report] = []
    for report in reports:
        key = (report.unit, report.event_id)
        if first.setdefault(key, report) is not report:
            repeated.append(report)
    in_order = sorted(first.values(), key=lambda report: (report.unit, report.event_id))
    rows = await connection.fetch(
        SQL["insert_events"],
        [report.unit for report in in_order],
        [report.event_id for report in in_order],
        [report.digest for report in in_order],
        [report.received_at for report in in_order],
    )
    inserted = {(row["unit"], row["event_id"]) for row in rows}
    repeated += [report for key, report in first.items() if key not in inserted]
    conflicts = await _conflicts(connection, repeated) if repeated else []
    return [report for key, report in first.items() if key in inserted], conflicts


async def _conflicts(connection: Connection, repeated: Sequence[Report]) -> list[DeadLetter]:
    rows = await connection.fetch(
        SQL["select_digests"],
        [report.unit for report in repeated],
        [report.event_id for report in repeated],
    )
    digests = {(row["unit"], row["event_id"]): row["digest"] for row in rows}
    return [
        DeadLetter(
            topic="",
            unit=report.unit,
            event_id=report.event_id,
            reason=Reason.ID_CONFLICT,
            text="this id was used before for another payload; the first one counts",
            raw=report.payload,
            received_at=report.received_at,
        )
        for report in repeated
        if digests[report.unit, report.event_id] != report.digest
    ]


def _parts(reports: Sequence[Report]) -> list[DeadLetter]:
    """What could not be understood within reports that are stored."""
    return [
        DeadLetter(
            topic="",
            unit=report.unit,
            event_id=report.event_id,
            reason=rejection.reason,
            text=rejection.text,
            raw=rejection.raw,
            received_at=report.received_at,
        )
        for report in reports
        for rejection in report.rejections
    ]


@dataclass(slots=True, kw_only=True)
class _Changes:
    """What a batch did to one vehicle.

    Attributes:
        clock: As it is known afterwards; `is_clock_new` says whether that is worth a row.
        readings: One for each report, in their order.
        episodes: New and changed ones; of one fault several, the latest last.
        followed: Stored episodes that are no longer the latest of their fault.
    """

    clock: Clock
    is_clock_new: bool = False
    readings: list[Reading] = field(default_factory=list)
    episodes: dict[tuple[str, Code, int], Episode] = field(default_factory=dict)
    followed: list[Episode] = field(default_factory=list)
    transitions: list[Transition] = field(default_factory=list)
    position: Position | None = None


async def _take(connection: Connection, reports: Sequence[Report]) -> None:
    by_vehicle: dict[UUID, list[Report]] = defaultdict(list)
    for report in reports:
        by_vehicle[vehicle_id_of(report.unit)].append(report)
    vehicles = sorted(by_vehicle)
    await connection.execute(
        SQL["insert_vehicles"], vehicles, [by_vehicle[vehicle][0].unit for vehicle in vehicles]
    )
    rows = await connection.fetch(SQL["lock_vehicles"], vehicles)
    clocks = {row["vehicle_id"]: _clock(row) for row in rows}
    known: Mapping[UUID, list[Episode]] = {}
    if any(report.observations for report in reports):
        known = await fetch_latest_episodes(connection, vehicles)
    changes = {
        vehicle: _work_through(clocks[vehicle], known.get(vehicle, ()), arrived)
        for vehicle, arrived in by_vehicle.items()
    }
    await _insert_reports(connection, by_vehicle, changes)
    await _write(connection, changes)


def _clock(row: asyncpg.Record) -> Clock:
    return Clock(
        error_s=row["clock_error_s"], lag_s=row["clock_lag_s"], lag_since=row["clock_lag_since"]
    )


async def _insert_reports(
    connection: Connection,
    by_vehicle: Mapping[UUID, list[Report]],
    changes: Mapping[UUID, _Changes],
) -> None:
    rows = [
        (vehicle, report, reading)
        for vehicle, arrived in by_vehicle.items()
        for report, reading in zip(arrived, changes[vehicle].readings, strict=True)
    ]
    await connection.execute(
        SQL["insert_reports"],
        [vehicle for vehicle, _, _ in rows],
        [report.event_id for _, report, _ in rows],
        [report.received_at for _, report, _ in rows],
        [report.unit_at for _, report, _ in rows],
        [report.is_historical for _, report, _ in rows],
        [report.payload for _, report, _ in rows],
        [reading.doubt for _, _, reading in rows],
    )


def _work_through(clock: Clock, known: Sequence[Episode], reports: Sequence[Report]) -> _Changes:
    """Take the reports of one vehicle into account, in the order in which they came."""
    latest = {(episode.ecu, episode.code): episode for episode in known}
    stored = dict(latest)
    changes = _Changes(clock=clock)
    for report in reports:
        reading, changes.clock = read_clock(changes.clock, report)
        changes.readings.append(reading)
        step = advance(latest.values(), report, reading)
        for episode in step.episodes:
            key = (episode.ecu, episode.code)
            before = stored.get(key)
            if before is not None and before.ordinal != episode.ordinal:
                changes.followed.append(stored.pop(key))
            latest[key] = changes.episodes[*key, episode.ordinal] = episode
        changes.transitions += step.transitions
        if step.transitions and report.position is not None:
            changes.position = report.position
    changes.is_clock_new = _is_worth_a_row(clock, changes.clock)
    return changes


def _is_worth_a_row(before: Clock, after: Clock) -> bool:
    """A clock's error falls a little with every quick message; only what matters is written."""
    if before.error_s is None or after.error_s is None:
        return before != after
    is_lower = before.error_s - after.error_s > CLOCK_STEP_S_MIN
    return is_lower or (before.lag_s, before.lag_since) != (after.lag_s, after.lag_since)


async def _write(connection: Connection, changes: Mapping[UUID, _Changes]) -> None:
    told = [(vehicle, c.clock) for vehicle, c in changes.items() if c.is_clock_new]
    if told:
        await _update_clocks(connection, told)
    episodes = [(vehicle, e) for vehicle, c in changes.items() for e in c.episodes.values()]
    followed = [(vehicle, e) for vehicle, c in changes.items() for e in c.followed]
    if episodes:
        await write_episodes(connection, episodes, followed)
    transitions = [(vehicle, t) for vehicle, c in changes.items() for t in c.transitions]
    if transitions:
        await write_transitions(connection, transitions)
        await _wake_router(connection, changes)


async def _update_clocks(connection: Connection, told: Sequence[tuple[UUID, Clock]]) -> None:
    await connection.execute(
        SQL["update_clocks"],
        [vehicle for vehicle, _ in told],
        [clock.error_s for _, clock in told],
        [clock.lag_s for _, clock in told],
        [clock.lag_since for _, clock in told],
    )


async def _wake_router(connection: Connection, changes: Mapping[UUID, _Changes]) -> None:
    work = [(vehicle, c) for vehicle, c in changes.items() if c.transitions]
    await connection.execute(
        SQL["upsert_work"],
        [vehicle for vehicle, _ in work],
        [_due_at(c.transitions) for _, c in work],
    )
    placed = [(vehicle, c.position) for vehicle, c in work if c.position is not None]
    if placed:
        await connection.execute(
            SQL["update_positions"],
            [vehicle for vehicle, _ in placed],
            [position.lon_deg for _, position in placed],
            [position.lat_deg for _, position in placed],
        )
    await connection.execute(SQL["notify_work"])


def _due_at(transitions: Sequence[Transition]) -> datetime:
    """A fault that came is decided on now; one that went, when it can no longer return."""
    return min(return_deadline(t.at) if t.kind is TransitionKind.OFF else t.at for t in transitions)
