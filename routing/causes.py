"""Tells the faults that make a case from those that only follow from others.

Two kinds make no case of their own (docs/cases.md has the numbers):

- a *storm*: control units that lose each other because the supply voltage fell. The voltage is the
  cause, and mending it is what the visit is for. Without a cause nothing is called a storm.
- *induced* codes: what the telematics unit itself does to the vehicle, by a table of data.

Nothing here makes a fault look harmless: a storm keeps the urgency of its gravest fault, and no
grave code counts as induced.
"""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources

import msgspec

from dtc_db.codes import Code, J1939Dtc, J2012Dtc, RawDtc, parse_code
from dtc_db.errors import MalformedCodeError
from dtc_db.urgency import RANK, Urgency
from routing.errors import DataFileError
from routing.ports import ClaimedFault

# Fewer control units that miss each other may have a cable of their own to blame.
STORM_FAULTS_MIN = 4
# The voltage and what follows from it come on together.
STORM_S_MAX = 600
# The gravest urgency that an induced code may have.
INDUCED_URGENCY_MAX = Urgency.SOON

# SAE J2012: U0100 to U02FF are "lost communication with …"; J1939-73: FMI 9 is an abnormal update
# rate, 19 received network data in error. As in public code lists; the standards were not read.
_LOST_NUMBERS = range(0xC100, 0xC300)
_LOST_FMIS = frozenset({9, 19})
# System voltage P0560 to P0562, and battery voltage U3003.
_LOW_NUMBERS = frozenset({0x0560, 0x0561, 0x0562, 0xF003})
# Key switch, charging system and battery potential, below normal in every way J1939 knows.
_LOW_SPNS = frozenset({158, 167, 168})
_LOW_FMIS = frozenset({1, 4, 17, 18})


class Reason(StrEnum):
    """Why a fault makes no case of its own."""

    STORM = "communication_storm"
    INDUCED = "device_induced"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorted:
    """Faults by the part they play, each in the order given.

    Attributes:
        causes: What the visit is for.
        storm: What follows from a cause.
        induced: What the unit provoked.
    """

    causes: tuple[ClaimedFault, ...]
    storm: tuple[ClaimedFault, ...] = ()
    induced: tuple[ClaimedFault, ...] = ()

    @property
    def set_aside(self) -> tuple[tuple[ClaimedFault, Reason], ...]:
        """Those that make no case of their own, with the reason."""
        return (
            *((fault, Reason.STORM) for fault in self.storm),
            *((fault, Reason.INDUCED) for fault in self.induced),
        )


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Codes that some kind of unit is known to provoke."""

    codes: frozenset[str]
    units: tuple[str, ...]
    because: str


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    induced: tuple[Entry, ...]


@cache
def load_induced() -> tuple[Entry, ...]:
    """The table of codes that units provoke."""
    path = resources.files("routing").joinpath("data", "induced.toml")
    return parse_induced(path.read_text(encoding="utf-8"))


def parse_induced(text: str) -> tuple[Entry, ...]:
    """Read such a table.

    Raises:
        DataFileError: If an entry is not of the form that the file itself explains.
    """
    try:
        entries = msgspec.convert(tomllib.loads(text), _File).induced
        for entry in entries:
            for code in entry.codes:
                parse_code(code)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, MalformedCodeError) as error:
        raise DataFileError(f"induced codes: {error}") from error
    return entries


def sort_out(
    faults: Sequence[ClaimedFault],
    *,
    unit: str,
    urgencies: Sequence[Urgency],
    induced: Sequence[Entry] | None = None,
) -> Sorted:
    """Tell causes from consequences.

    Args:
        faults: Of one vehicle, all that are on or may still return.
        unit: The name of the telematics unit.
        urgencies: Of each fault, in their order.
        induced: The table; the one that comes with the package if None.
    """
    entries = load_induced() if induced is None else induced
    ours = [
        RANK[urgency] >= RANK[INDUCED_URGENCY_MAX] and _is_induced(fault.code, unit, entries)
        for fault, urgency in zip(faults, urgencies, strict=True)
    ]
    rest = [fault for fault, is_ours in zip(faults, ours, strict=True) if not is_ours]
    storm = _storm(rest)
    followers = {fault.episode_id for fault in storm}
    return Sorted(
        causes=tuple(fault for fault in rest if fault.episode_id not in followers),
        storm=tuple(storm),
        induced=tuple(fault for fault, is_ours in zip(faults, ours, strict=True) if is_ours),
    )


def _storm(faults: Sequence[ClaimedFault]) -> list[ClaimedFault]:
    voltages = [fault for fault in faults if _is_low_voltage(fault.code)]
    lost = [
        fault
        for fault in faults
        if _is_lost_communication(fault.code)
        and any(_came_together(fault, voltage) for voltage in voltages)
    ]
    return lost if len(lost) >= STORM_FAULTS_MIN else []


def _came_together(fault: ClaimedFault, other: ClaimedFault) -> bool:
    if fault.onset_at is None or other.onset_at is None:
        return False
    return abs(fault.onset_at - other.onset_at) <= timedelta(seconds=STORM_S_MAX)


def _is_lost_communication(code: Code) -> bool:
    match code:
        case J2012Dtc(number):
            return number in _LOST_NUMBERS
        case J1939Dtc(_, fmi):
            return fmi in _LOST_FMIS
        case _:
            return False


def _is_low_voltage(code: Code) -> bool:
    match code:
        case J2012Dtc(number):
            return number in _LOW_NUMBERS
        case J1939Dtc(spn, fmi):
            return spn in _LOW_SPNS and fmi in _LOW_FMIS
        case _:
            return False


def _is_induced(code: Code, unit: str, entries: Sequence[Entry]) -> bool:
    if isinstance(code, RawDtc):
        return False
    text = code.base_text if isinstance(code, J2012Dtc) else str(code)
    return any(
        text in entry.codes and any(fnmatchcase(unit, pattern) for pattern in entry.units)
        for entry in entries
    )
