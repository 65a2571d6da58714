"""The register of vehicles: which unit sits in what. The only place where a VIN is kept."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import asyncpg

from gateway.errors import StoreUnavailableError
from gateway.vehicles import KINDS_MAX, Kind
from routing.model import RegisteredVehicle
from storage.errors import ConflictError, DatabaseUnavailableError
from storage.keys import vehicle_id_of
from storage.pool import Pool, transaction
from storage.principals import find_principals
from storage.statements import load_statements

SQL = load_statements("vehicles")


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """What a registration did."""

    added: int
    changed: int
    unchanged: int


async def register_vehicles(pool: Pool, vehicles: Sequence[RegisteredVehicle]) -> Registered:
    """Register vehicles or change what is known of them, all or nothing.

    A vehicle that was heard before it was registered is one that changed; the open case it may have
    is looked at again, now that its need can be told better.

    Args:
        pool: Of the database.
        vehicles: Each unit once.

    Raises:
        ConflictError: If a VIN is registered with another unit, or a principal has no rules.
        DatabaseUnavailableError: Nothing is known to have changed.
    """
    rows = json.dumps([_vehicle_json(vehicle) for vehicle in vehicles])
    named = {vehicle.principal for vehicle in vehicles if vehicle.principal is not None}
    if lacking := named - await find_principals(pool, sorted(named)):
        raise ConflictError(
            f"nobody stored rules of {min(lacking)!r:.40}: import them first, or correct the file"
        )
    async with transaction(pool) as connection:
        try:
            written = await connection.fetch(SQL["upsert_vehicles"], rows)
        except asyncpg.UniqueViolationError as error:
            raise ConflictError(
                "one of these VINs is already registered with another unit: "
                "a vehicle has one unit; correct the file, or register the other unit without VIN"
            ) from error
        await connection.execute(
            SQL["wake_open_cases"], [row["vehicle_id"] for row in written], datetime.now(UTC)
        )
    added = sum(row["is_new"] for row in written)
    return Registered(
        added=added, changed=len(written) - added, unchanged=len(vehicles) - len(written)
    )


async def find_registered(pool: Pool, units: Sequence[str]) -> frozenset[str]:
    """Which of these units somebody registered."""
    async with transaction(pool) as connection:
        rows = await connection.fetch(SQL["find_registered"], list(units))
    return frozenset(row["unit"] for row in rows)


class PostgresVehicleRegister:
    """Implements `gateway.ports.VehicleRegister`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def kinds_of(self, makes: Sequence[str]) -> Mapping[str, Kind]:
        """See the port."""
        try:
            async with transaction(self._pool) as connection:
                rows = await connection.fetch(SQL["select_kinds"], list(makes), KINDS_MAX)
        except DatabaseUnavailableError as error:
            raise StoreUnavailableError(str(error)) from error
        # A million vehicles share a few hundred kinds.
        alike: dict[Kind, Kind] = {}
        kinds = ((row["unit"], Kind(row["make"], row["model"])) for row in rows)
        return {unit: alike.setdefault(kind, kind) for unit, kind in kinds}


def _vehicle_json(vehicle: RegisteredVehicle) -> dict[str, object]:
    until = vehicle.warranty_until
    return {
        "vehicle_id": str(vehicle_id_of(vehicle.unit)),
        "unit": vehicle.unit,
        "vin": vehicle.vin,
        "make": vehicle.make,
        "model": vehicle.model,
        "model_year": vehicle.model_year,
        "powertrain": vehicle.powertrain,
        "vehicle_class": vehicle.vehicle_class,
        "fleet": vehicle.fleet,
        "principal": vehicle.principal,
        "warranty_until": None if until is None else until.isoformat(),
        "lang": vehicle.lang,
    }
