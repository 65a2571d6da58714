"""A folder with a road map that is ready for use, and the one file in it that says so.

FOLDER/map.json            which map is current; replaced in one step when a new one is whole
FOLDER/map-…/car/…         what OSRM needs for each profile
FOLDER/building-…          a map that is being built, or that nobody finished
"""

from pathlib import Path
from typing import Literal

import msgspec

from dtc_db.vehicle import VehicleClass
from routing.errors import RoadsError

MANIFEST = "map.json"
BASE = "map.osrm"  # what the names of OSRM's files begin with
MANIFEST_BYTES_MAX = 1_000_000

Profile = Literal["car", "truck"]
PROFILES: tuple[Profile, ...] = ("car", "truck")
_HEAVY = frozenset({VehicleClass.TRUCK, VehicleClass.BUS})


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What the current map is.

    Attributes:
        version: Follows from the map's content, the profiles and OSRM's version.
        source: Name of the file that it was built from.
        folder: Within the folder of the manifest.
        bytes_by_file: Size of each file, by its path within that folder.
    """

    format: Literal["rightbay roads 1"]
    version: str
    source: str
    osrm: str
    folder: str
    bytes_by_file: dict[str, int]

    @property
    def total_bytes(self) -> int:
        """Of all files."""
        return sum(self.bytes_by_file.values())


def profile_for(vehicle_class: VehicleClass) -> Profile:
    """Which roads a vehicle may take; an unknown one is taken for a car, as everywhere."""
    return "truck" if vehicle_class in _HEAVY else "car"


def load_manifest(folder: Path) -> Manifest:
    """Say which map is current, having looked whether all of it is there.

    Raises:
        RoadsError: If there is no map, or not all of it.
    """
    try:
        with (folder / MANIFEST).open("rb") as file:
            content = file.read(MANIFEST_BYTES_MAX)
        manifest = msgspec.json.decode(content, type=Manifest)
    except OSError as error:
        raise RoadsError(
            f"no road map in {folder} ({error.strerror}): build one by `rightbay roads build`"
        ) from error
    except msgspec.MsgspecError as error:
        raise RoadsError(f"{folder / MANIFEST}: {error}") from error
    # OSRM trusts its files: one that was cut short could end the process that reads it.
    for name, expected in manifest.bytes_by_file.items():
        path = folder / manifest.folder / name
        found = path.stat().st_size if path.is_file() else 0
        if found != expected:
            raise RoadsError(f"{path}: expected {expected} bytes, got {found}; build it again")
    return manifest
