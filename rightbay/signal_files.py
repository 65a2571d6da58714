"""Signal files for those who read by them; slow to import, because it brings cantools."""

from pathlib import Path

from gateway.signals.folder import SignalFolder
from gateway.signals.keeping import Keeper
from gateway.vehicles import Vehicles
from storage.pool import Pool
from storage.vehicles import PostgresVehicleRegister


def make_keeper(folder: Path, vehicles: Vehicles, pool: Pool) -> Keeper:
    """Say who brings a folder's files and the register's makes to those who read."""
    return Keeper(vehicles, SignalFolder(folder), PostgresVehicleRegister(pool))
