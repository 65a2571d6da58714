"""Registering a vehicle says what a unit sits in, whenever that is said."""

from collections.abc import AsyncIterator

import pytest

from dtc_db.vehicle import Powertrain, VehicleClass
from gateway.errors import StoreUnavailableError
from gateway.vehicles import Kind
from routing.model import RegisteredVehicle
from storage.errors import ConflictError
from storage.migrate import migrate
from storage.pool import Pool, open_pool
from storage.testing import refer
from storage.vehicles import (
    PostgresVehicleRegister,
    Registered,
    find_registered,
    register_vehicles,
)

pytestmark = pytest.mark.integration

VIN, OTHER_VIN = "1M8GDM9AXKP042788", "WVWZZZ1KZAW000001"


@pytest.fixture
async def pool(postgres_url: str) -> AsyncIterator[Pool]:
    async with open_pool(postgres_url, size_max=4) as opened:
        await migrate(opened)
        yield opened


def vehicle(unit: str, *, vin: str | None = None, make: str | None = None) -> RegisteredVehicle:
    return RegisteredVehicle(
        unit=unit,
        vin=vin,
        make=make,
        powertrain=Powertrain.BEV,
        vehicle_class=VehicleClass.CAR,
    )


async def test_the_same_again_changes_nothing(pool: Pool) -> None:
    fleet = [vehicle("u1", vin=VIN), vehicle("u2")]
    assert await register_vehicles(pool, fleet) == Registered(added=2, changed=0, unchanged=0)
    assert await register_vehicles(pool, fleet) == Registered(added=0, changed=0, unchanged=2)
    assert await find_registered(pool, ["u1", "u3"]) == {"u1"}


async def test_a_unit_that_was_heard_before_keeps_its_faults_and_is_looked_at_again(
    pool: Pool,
) -> None:
    await refer(pool, "u1", "P0128")
    assert await pool.fetchval("select count(*) from work") == 0
    assert await find_registered(pool, ["u1"]) == frozenset()
    done = await register_vehicles(pool, [vehicle("u1", vin=VIN, make="toyota")])
    assert done == Registered(added=0, changed=1, unchanged=0)
    assert await pool.fetchval("select count(*) from episode") == 1
    assert await pool.fetchval("select count(*) from work where due_at <= now()") == 1


async def test_one_vehicle_cannot_have_two_units_and_then_nothing_is_registered(
    pool: Pool,
) -> None:
    await register_vehicles(pool, [vehicle("u1", vin=VIN)])
    with pytest.raises(ConflictError) as told:
        await register_vehicles(pool, [vehicle("u2", vin=OTHER_VIN), vehicle("u3", vin=VIN)])
    assert VIN not in str(told.value)
    assert await find_registered(pool, ["u1", "u2", "u3"]) == {"u1"}


async def test_the_register_tells_makes_however_they_are_written(pool: Pool) -> None:
    fleet = [vehicle("u1", make="Example"), vehicle("u2", make="EXAMPLE"), vehicle("u3", make="No")]
    await register_vehicles(pool, [*fleet, vehicle("u4")])
    register = PostgresVehicleRegister(pool)
    kinds = await register.kinds_of(["example"])
    assert kinds == {"u1": Kind("Example", None), "u2": Kind("EXAMPLE", None)}
    assert await register.kinds_of([]) == {}
    await pool.close()
    with pytest.raises(StoreUnavailableError):
        await register.kinds_of(["example"])
