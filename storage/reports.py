"""Reports, episodes and dead letters: the gateway's port on PostgreSQL.

The order within the transaction is also the order of its locks, the same for every gateway:
message ids (sorted), then vehicles (sorted). So two gateways that hold messages of the same vehicle
wait for each other and never for ever.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from dtc_db.codes import parse_code
from gateway.episodes import Advance, Episode, Transition, TransitionKind, advance, return_deadline
from gateway.errors import ReportRefusedError, StoreUnavailableError
from gateway.model import DeadLetter, Position, Reason, Report, Status
from storage.errors import DatabaseUnavailableError
from storage.keys import episode_id_of, vehicle_id_of
from storage.pool import Connection, Pool, transaction
from storage.statements import load_statements

SQL = load_statements("reports")


class PostgresReportStore:
    """Implements `gateway.ports.ReportStore`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def store(self, reports: Sequence[Report], dead_letters: Sequence[DeadLetter]) -> None:
        """See the port."""
        try:
            async with transaction(self._pool) as connection:
                new, conflicts = await _admit(connection, reports)
                await _insert_dead_letters(connection, [*dead_letters, *conflicts, *_parts(new)])
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


async def _insert_dead_letters(connection: Connection, letters: Sequence[DeadLetter]) -> None:
    unique = {_dead_letter_digest(letter): letter for letter in letters}
    if not unique:
        return
    in_order = sorted(unique.items())
    await connection.execute(
        SQL["upsert_dead_letters"],
        [digest for digest, _ in in_order],
        [_text(letter.topic) for _, letter in in_order],
        [_text(letter.unit) for _, letter in in_order],
        [_text(letter.event_id) for _, letter in in_order],
        [letter.reason.value for _, letter in in_order],
        [_text(letter.text) for _, letter in in_order],
        [letter.raw for _, letter in in_order],
        [letter.received_at for _, letter in in_order],
    )


def _dead_letter_digest(letter: DeadLetter) -> bytes:
    key = [letter.topic, letter.unit, letter.event_id, letter.reason.value, letter.raw.hex()]
    return hashlib.sha256(json.dumps(key).encode()).digest()


def _text(value: str | None) -> str | None:
    """PostgreSQL's text holds every character but NUL, and no lone surrogates."""
    if value is None:
        return None
    return value.replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode()


@dataclass(slots=True)
class _Changes:
    """What a batch did to one vehicle."""

    episodes: dict[tuple[str, str], Episode]
    transitions: list[Transition]
    position: Position | None = None


async def _take(connection: Connection, reports: Sequence[Report]) -> None:
    by_vehicle: dict[UUID, list[Report]] = defaultdict(list)
    for report in reports:
        by_vehicle[vehicle_id_of(report.unit)].append(report)
    vehicles = sorted(by_vehicle)
    await connection.execute(
        SQL["insert_vehicles"], vehicles, [by_vehicle[vehicle][0].unit for vehicle in vehicles]
    )
    await connection.execute(SQL["lock_vehicles"], vehicles)
    await _insert_reports(connection, by_vehicle)
    if not any(report.observations for report in reports):
        return
    known = await _latest_episodes(connection, vehicles)
    changes = {
        vehicle: _work_through(known[vehicle], arrived) for vehicle, arrived in by_vehicle.items()
    }
    await _write(connection, changes)


async def _insert_reports(connection: Connection, by_vehicle: Mapping[UUID, list[Report]]) -> None:
    rows = [(vehicle, report) for vehicle, arrived in by_vehicle.items() for report in arrived]
    await connection.execute(
        SQL["insert_reports"],
        [vehicle for vehicle, _ in rows],
        [report.event_id for _, report in rows],
        [report.received_at for _, report in rows],
        [report.unit_at for _, report in rows],
        [report.is_historical for _, report in rows],
        [report.payload for _, report in rows],
    )


def _work_through(known: Sequence[Episode], reports: Sequence[Report]) -> _Changes:
    latest = {(episode.ecu, str(episode.code)): episode for episode in known}
    changes = _Changes(episodes={}, transitions=[])
    for report in reports:
        step: Advance = advance(latest.values(), report)
        for episode in step.episodes:
            key = (episode.ecu, str(episode.code))
            before = changes.episodes.get(key)
            if before is not None and before.ordinal != episode.ordinal:
                # Two episodes of one fault in one batch: both are rows of their own.
                changes.episodes[episode.ecu, f"{episode.code}#{before.ordinal}"] = before
            latest[key] = changes.episodes[key] = episode
        changes.transitions += step.transitions
        if step.transitions and report.position is not None:
            changes.position = report.position
    return changes


async def _latest_episodes(
    connection: Connection, vehicles: Sequence[UUID]
) -> Mapping[UUID, list[Episode]]:
    known: dict[UUID, list[Episode]] = defaultdict(list)
    for row in await connection.fetch(SQL["select_latest_episodes"], vehicles):
        known[row["vehicle_id"]].append(_episode(row))
    return known


def _episode(row: asyncpg.Record) -> Episode:
    return Episode(
        ecu=row["ecu"],
        code=parse_code(row["code"]),
        ordinal=row["ordinal"],
        service=row["service"],
        status=Status(row["status"]),
        lamps=tuple((lamp, state) for lamp, state in json.loads(row["lamps"])),
        occurrence_count=row["occurrence_count"],
        is_uncertain=row["is_uncertain"],
        is_raised=row["is_raised"],
        first_seen_at=row["first_seen_at"],
        last_seen_at=row["last_seen_at"],
        off_at=row["off_at"],
        odometer_km=row["odometer_km"],
        may_return=row["may_return"],
    )


async def _write(connection: Connection, changes: Mapping[UUID, _Changes]) -> None:
    rows = [(vehicle, episode) for vehicle, c in changes.items() for episode in c.episodes.values()]
    if rows:
        await _upsert_episodes(connection, rows)
    transitions = [(vehicle, t) for vehicle, c in changes.items() for t in c.transitions]
    if not transitions:
        return
    await connection.execute(
        SQL["insert_transitions"],
        [vehicle for vehicle, _ in transitions],
        [episode_id_of(vehicle, t.ecu, str(t.code), t.ordinal) for vehicle, t in transitions],
        [t.kind.value for _, t in transitions],
        [t.at for _, t in transitions],
    )
    work = [(vehicle, c) for vehicle, c in changes.items() if c.transitions]
    await connection.execute(
        SQL["upsert_work"],
        [vehicle for vehicle, _ in work],
        [_due_at(c.transitions) for _, c in work],
    )
    placed = [(vehicle, c.position) for vehicle, c in work if c.position is not None]
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


async def _upsert_episodes(connection: Connection, rows: Sequence[tuple[UUID, Episode]]) -> None:
    await connection.execute(
        SQL["upsert_episodes"],
        [vehicle for vehicle, _ in rows],
        [episode_id_of(vehicle, e.ecu, str(e.code), e.ordinal) for vehicle, e in rows],
        [e.ecu for _, e in rows],
        [str(e.code) for _, e in rows],
        [e.ordinal for _, e in rows],
        [e.service for _, e in rows],
        [e.status.value for _, e in rows],
        [json.dumps(e.lamps) for _, e in rows],
        [e.occurrence_count for _, e in rows],
        [e.is_uncertain for _, e in rows],
        [e.is_raised for _, e in rows],
        [e.first_seen_at for _, e in rows],
        [e.last_seen_at for _, e in rows],
        [e.off_at for _, e in rows],
        [e.odometer_km for _, e in rows],
    )
