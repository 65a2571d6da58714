"""Reports and what follows from them: the gateway's port on PostgreSQL.

The order within the transaction is also the order of its locks, the same for every gateway:
message ids (sorted), then vehicles (sorted). So two gateways that hold messages of the same vehicle
wait for each other and never for ever.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from gateway.clock import Clock
from gateway.episodes import Transition, TransitionKind, return_deadline
from gateway.errors import ReportRefusedError, StoreUnavailableError
from gateway.model import DeadLetter, Reason, Report
from gateway.standing import Standing
from storage.deadletters import keep_dead_letters
from storage.episodes import fetch_latest_episodes, write_episodes, write_transitions
from storage.errors import DatabaseUnavailableError
from storage.history import Changes, Told, Vehicle, take, take_repeats
from storage.keys import vehicle_id_of
from storage.pool import Connection, Pool, transaction
from storage.statements import load_statements

SQL = load_statements("reports")


REPORT_COLUMNS = (
    *("vehicle_id", "event_id", "received_at", "unit_at", "is_historical", "payload"),
    "time_doubt",
)
_NONE = (None, None, None, None)


class PostgresReportStore:
    """Implements `gateway.ports.ReportStore`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def store(self, reports: Sequence[Report], dead_letters: Sequence[DeadLetter]) -> None:
        """See the port."""
        try:
            async with transaction(self._pool) as connection:
                new, conflicts, strangers = await _admit(connection, reports)
                await keep_dead_letters(connection, [*dead_letters, *conflicts, *_parts(new)])
                if new:
                    await _take(connection, new, strangers)
        except DatabaseUnavailableError as error:
            raise StoreUnavailableError(str(error)) from error
        except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError) as error:
            raise ReportRefusedError(type(error).__name__) from error


async def _admit(
    connection: Connection, reports: Sequence[Report]
) -> tuple[list[Report], list[DeadLetter], set[str]]:
    """Keep the ids, and tell new reports from repeated ones and from ids used twice.

    Returns:
        New reports, dead letters of ids used twice, and units of new reports that were not known.
    """
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
    strangers = {row["unit"] for row in rows if not row["is_unit_known"]}
    return [report for key, report in first.items() if key in inserted], conflicts, strangers


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


async def _take(
    connection: Connection, reports: Sequence[Report], strangers: Collection[str]
) -> None:
    by_vehicle: dict[UUID, list[Report]] = defaultdict(list)
    for report in reports:
        by_vehicle[vehicle_id_of(report.unit)].append(report)
    vehicles = await _lock(connection, sorted(by_vehicle), strangers)
    changes = {key: take_repeats(vehicles[key], arrived) for key, arrived in by_vehicle.items()}
    moved = [key for key, change in changes.items() if change is None]
    known = await fetch_latest_episodes(connection, moved) if moved else {}
    done = {
        key: change or take(vehicles[key], known.get(key, ()), by_vehicle[key])
        for key, change in changes.items()
    }
    await _insert_reports(connection, by_vehicle, done)
    await _write(connection, done)


async def _lock(
    connection: Connection, keys: Sequence[UUID], strangers: Collection[str]
) -> dict[UUID, Vehicle]:
    """Hold the vehicles until the end of the transaction; who is new is noted first."""
    if strangers:
        # Another gateway may know them by now: the constraint decides.
        new = sorted((vehicle_id_of(unit), unit) for unit in strangers)
        await connection.execute(SQL["insert_vehicles"], *zip(*new, strict=True))
    rows = await connection.fetch(SQL["lock_vehicles"], keys)
    return {row["vehicle_id"]: _vehicle(row) for row in rows}


def _vehicle(row: asyncpg.Record) -> Vehicle:
    _, error_s, lag_s, lag_since, digest, last_seen_at, observed_at, seq = row
    clock = Clock(error_s=error_s, lag_s=lag_s, lag_since=lag_since)
    if digest is None:
        return Vehicle(clock, None)
    return Vehicle(
        clock,
        Standing(digest=digest, last_seen_at=last_seen_at, observed_at=observed_at, seq=seq),
    )


async def _insert_reports(
    connection: Connection,
    by_vehicle: Mapping[UUID, list[Report]],
    changes: Mapping[UUID, Changes],
) -> None:
    # COPY, because for arrays asyncpg asks of each value whether it is an array itself.
    await connection.copy_records_to_table(
        "report",
        columns=REPORT_COLUMNS,
        records=[
            (vehicle, r.event_id, r.received_at, r.unit_at, r.is_historical, r.payload, told.doubt)
            for vehicle, arrived in by_vehicle.items()
            for r, told in zip(arrived, changes[vehicle].readings, strict=True)
        ],
    )


async def _write(connection: Connection, changes: Mapping[UUID, Changes]) -> None:
    vehicles = [
        (key, c.vehicle, c.told)
        for key, c in changes.items()
        if c.is_vehicle_new or c.told is not None
    ]
    if vehicles:
        await _update_vehicles(connection, vehicles)
    moved = [(key, c.vehicle.standing) for key, c in changes.items() if c.is_moved]
    if moved:
        await _move_standings(connection, moved)
    rows = [(key, row) for key, c in changes.items() for row in c.rows]
    followed = [(key, e) for key, c in changes.items() for e in c.followed]
    if rows:
        await write_episodes(connection, rows, followed)
    transitions = [(key, t) for key, c in changes.items() for t in c.transitions]
    if transitions:
        await write_transitions(connection, transitions)
        await _wake_router(connection, changes)


async def _update_vehicles(
    connection: Connection,
    rows: Sequence[tuple[UUID, Vehicle, Told | None]],
) -> None:
    columns = zip(
        *(
            (
                key,
                *(clock.error_s, clock.lag_s, clock.lag_since),
                *(_NONE if s is None else (s.digest, s.last_seen_at, s.observed_at, s.seq)),
                *_told(told),
            )
            for key, (clock, s), told in rows
        ),
        strict=True,
    )
    await connection.execute(SQL["update_vehicles"], *columns)


async def _move_standings(
    connection: Connection, rows: Sequence[tuple[UUID, Standing | None]]
) -> None:
    columns = zip(
        *((key, s.last_seen_at, s.observed_at, s.seq) for key, s in rows if s is not None),
        strict=True,
    )
    await connection.execute(SQL["move_standings"], *columns)


def _told(told: Told | None) -> tuple[object, ...]:
    """Whether anything was told, and what: place, charge, speed."""
    if told is None:
        return (False, None, None, None, None)
    place = told.position
    lon_lat = (None, None) if place is None else (place.lon_deg, place.lat_deg)
    return (True, *lon_lat, told.soc_pct, told.speed_kmh)


async def _wake_router(connection: Connection, changes: Mapping[UUID, Changes]) -> None:
    work = [(key, c) for key, c in changes.items() if c.transitions]
    await connection.execute(
        SQL["upsert_work"],
        [key for key, _ in work],
        [_due_at(c.transitions) for _, c in work],
    )
    await connection.execute(SQL["notify_work"])


def _due_at(transitions: Sequence[Transition]) -> datetime:
    """A fault that came is decided on now; one that went, when it can no longer return."""
    return min(return_deadline(t.at) if t.kind is TransitionKind.OFF else t.at for t in transitions)
