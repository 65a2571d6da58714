"""Rows of episodes and transitions, and the values that the gateway's core makes of them."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from uuid import UUID

import asyncpg

from dtc_db.codes import parse_code
from gateway.clock import Doubt
from gateway.episodes import Episode, Transition
from gateway.evidence import NOTHING_NEW, Evidence
from gateway.model import Status
from storage.history import Row
from storage.keys import episode_id_of
from storage.pool import Connection
from storage.statements import load_statements

SQL = load_statements("episodes")

# Parsing a code costs more than reading its row; there are not many different ones.
_parse_code = lru_cache(maxsize=8192)(parse_code)


async def fetch_latest_episodes(
    connection: Connection, vehicles: Sequence[UUID]
) -> Mapping[UUID, list[Row]]:
    """The latest episode of each fault of each vehicle."""
    known: dict[UUID, list[Row]] = defaultdict(list)
    for row in await connection.fetch(SQL["select_latest_episodes"], vehicles):
        known[row["vehicle_id"]].append(Row(_episode(row), row["is_standing"]))
    return known


async def write_episodes(
    connection: Connection,
    rows: Sequence[tuple[UUID, Row]],
    followed: Sequence[tuple[UUID, Episode]],
) -> None:
    """Write new and changed episodes.

    Args:
        connection: In a transaction that holds the vehicles.
        rows: Of one fault several may come, the latest last.
        followed: Stored episodes after which a new one began: they are no longer the latest.
    """
    if followed:
        # Only one row of a fault may be the latest, so this comes first.
        await connection.execute(
            SQL["retire_episodes"],
            [vehicle for vehicle, _ in followed],
            [e.ecu for _, e in followed],
            [str(e.code) for _, e in followed],
        )
    columns = zip(*(_columns(vehicle, row) for vehicle, row in rows), strict=True)
    await connection.execute(SQL["upsert_episodes"], *columns)


async def write_transitions(
    connection: Connection, rows: Sequence[tuple[UUID, Transition]]
) -> None:
    """Add transitions, in the order in which they happened."""
    await connection.execute(
        SQL["insert_transitions"],
        [vehicle for vehicle, _ in rows],
        [episode_id_of(vehicle, t.ecu, str(t.code), t.ordinal) for vehicle, t in rows],
        [t.kind.value for _, t in rows],
        [t.at for _, t in rows],
    )


def _columns(vehicle: UUID, row: Row) -> tuple[object, ...]:
    """In the order of the statement."""
    e, code = row.episode, str(row.episode.code)
    return (
        vehicle,
        episode_id_of(vehicle, e.ecu, code, e.ordinal),
        e.ecu,
        code,
        e.ordinal,
        e.service,
        e.status.value,
        e.status_byte,
        json.dumps(e.lamps),
        e.occurrence_count,
        e.is_uncertain,
        e.is_raised,
        e.first_seen_at,
        e.last_seen_at,
        e.onset_at,
        e.observed_at,
        e.seq,
        e.confirmed_at,
        e.permanent_at,
        e.off_at,
        e.return_count,
        e.odometer_km,
        e.doubt,
        row.is_latest,
        _evidence_json(e.evidence),
        row.is_standing,
    )


def _evidence_json(evidence: Evidence) -> str:
    if evidence is NOTHING_NEW:
        return "{}"
    told = {
        "report": evidence.report,
        "raw": evidence.raw.hex().upper(),
        "signals": dict(evidence.signals),
        "snapshot": dict(evidence.snapshot),
        "records": [
            {"kind": one.kind, "number": one.number, "did": one.did, "raw": one.raw.hex().upper()}
            for one in evidence.records
        ],
    }
    return json.dumps({key: value for key, value in told.items() if value})


def _episode(row: asyncpg.Record) -> Episode:
    return Episode(
        ecu=row["ecu"],
        code=_parse_code(row["code"]),
        ordinal=row["ordinal"],
        service=row["service"],
        status=Status(row["status"]),
        status_byte=row["status_byte"],
        lamps=tuple((lamp, state) for lamp, state in json.loads(row["lamps"])),
        occurrence_count=row["occurrence_count"],
        is_uncertain=row["is_uncertain"],
        is_raised=row["is_raised"],
        first_seen_at=row["first_seen_at"],
        last_seen_at=row["last_seen_at"],
        onset_at=row["onset_at"],
        observed_at=row["observed_at"],
        seq=row["seq"],
        confirmed_at=row["confirmed_at"],
        permanent_at=row["permanent_at"],
        off_at=row["off_at"],
        return_count=row["return_count"],
        odometer_km=row["odometer_km"],
        doubt=None if row["time_doubt"] is None else Doubt(row["time_doubt"]),
        may_return=row["may_return"],
    )
