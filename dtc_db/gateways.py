"""Which vehicles lock their diagnostic socket; ``data/gateways.toml`` explains its own form."""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from dtc_db.errors import TableError
from dtc_db.makes import make_key
from dtc_db.tables import FOLDER
from dtc_db.vehicle import HEAVY, VehicleKind

VEHICLES_REMEMBERED_MAX = 4096


class Lock(StrEnum):
    """What nobody does at the socket without being let in."""

    TESTS = "tests"
    WRITING = "writing"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecureGateway:
    """A carmaker's lock; the fields are those of the table."""

    makes: frozenset[str]
    from_year: int
    locks: Lock
    source: str


class SecureGateways:
    """All locks that are known of."""

    def __init__(self, gateways: Iterable[SecureGateway] = ()) -> None:
        self._by_make = {make: gateway for gateway in gateways for make in gateway.makes}
        self._find = lru_cache(maxsize=VEHICLES_REMEMBERED_MAX)(self._find_by_make)

    @classmethod
    def load(cls, name: str = "gateways.toml") -> "SecureGateways":
        """Read the table.

        Raises:
            TableError: If an entry has a mistake, or two speak of one make; names it.
        """
        document = tomllib.loads((FOLDER / name).read_text(encoding="utf-8"))
        gateways: list[SecureGateway] = []
        for number, fields in enumerate(document.pop("gateway", ()), start=1):
            try:
                gateway = SecureGateway(
                    makes=frozenset(map(make_key, fields.pop("makes"))),
                    from_year=int(fields.pop("from_year")),
                    locks=Lock(fields.pop("locks")),
                    source=str(fields.pop("source")),
                )
                if fields:
                    raise ValueError(f"unknown: {', '.join(fields)}")  # noqa: TRY301 - one place says which entry
                if any(gateway.makes & other.makes for other in gateways):
                    raise ValueError("a make stands twice")  # noqa: TRY301 - likewise
            except (KeyError, TypeError, ValueError) as error:
                raise TableError(name, 0, f"[[gateway]] no. {number}: {error}") from error
            gateways.append(gateway)
        return cls(gateways)

    def find(self, vehicle: VehicleKind) -> SecureGateway | None:
        """The lock of a vehicle, taken for locked if only its year is not known."""
        if vehicle.make is None or vehicle.vehicle_class in HEAVY:
            return None
        return self._find(vehicle.make, vehicle.model_year)

    def _find_by_make(self, make: str, year: int | None) -> SecureGateway | None:
        gateway = self._by_make.get(make_key(make))
        if gateway is None or (year is not None and year < gateway.from_year):
            return None
        return gateway
