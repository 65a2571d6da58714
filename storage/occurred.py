"""The cases that occurred in a period, as values: for asking what a repairer could have taken.

What leaves here holds no unit and no VIN. The place is where the vehicle last reported a change of
its faults: near enough for "within reach", and forgotten again when the question is answered.
"""

import json
from datetime import datetime

import asyncpg

from dtc_db.need import need_from_json
from dtc_db.urgency import Urgency
from dtc_db.vehicle import Powertrain, VehicleClass, VehicleKind
from routing.decision import Case
from routing.model import Position
from storage.pool import Pool, transaction
from storage.statements import load_statements

SQL = load_statements("occurred")

CASES_MAX = 20_000  # the newest are kept


async def fetch_occurred(
    pool: Pool, *, since: datetime, until: datetime, near: Position, within_deg: float
) -> tuple[Case, ...]:
    """Cases opened from ``since`` up to, and not with, ``until``; newest first.

    Args:
        pool: Of the database.
        since: Aware, as `until`.
        until: End of the period.
        near: The middle of what is asked for.
        within_deg: Of latitude, to either side of it; a first sieve, not a distance.

    Raises:
        DatabaseUnavailableError: If the database is away.
    """
    south, north = near.lat_deg - within_deg, near.lat_deg + within_deg
    async with transaction(pool) as connection:
        rows = await connection.fetch(SQL["select_occurred"], since, until, south, north, CASES_MAX)
    return tuple(map(_case, rows))


def _case(row: asyncpg.Record) -> Case:
    document = json.loads(row["document"])
    vehicle = document["vehicle"]
    return Case(
        case_id=str(row["case_id"]),
        vehicle=VehicleKind(
            vehicle_class=VehicleClass(vehicle["vehicle_class"]),
            powertrain=Powertrain(vehicle["powertrain"]),
            make=vehicle["make"],
            model_year=vehicle["model_year"],
        ),
        is_registered=row["is_registered"],
        position=Position(lon_deg=row["lon_deg"], lat_deg=row["lat_deg"]),
        faults=(),
        need=need_from_json(document["need"]),
        urgency=Urgency(document["urgency"]),
        driver_action=document["driver_action"],
        fleet_action=document["fleet_action"],
    )
