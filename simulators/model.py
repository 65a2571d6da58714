"""The simulators' values: frames, places, control units, faults and what happens to them."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from dtc_db.codes import J1939Dtc, J2012Dtc
from dtc_db.vehicle import VehicleKind
from routing.model import Position
from simulators.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Frame:
    """One classical CAN data frame."""

    can_id: int
    data: bytes
    is_extended: bool = False

    @property
    def id_text(self) -> str:
        """The id as reports spell it: 3 hexadecimal digits, or 8 for an extended one."""
        return f"{self.can_id:08X}" if self.is_extended else f"{self.can_id:03X}"


@dataclass(frozen=True, slots=True)
class Box:
    """A piece of the earth between two meridians and two parallels, not across the date line.

    Raises:
        SettingsError: If an edge lies outside the earth, or the box is empty or inside out.
    """

    west_deg: float
    south_deg: float
    east_deg: float
    north_deg: float

    def __post_init__(self) -> None:
        on_earth = -180 <= self.west_deg < self.east_deg <= 180
        if not (on_earth and -90 <= self.south_deg < self.north_deg <= 90):
            raise SettingsError(
                "a box is west,south,east,north in degrees, west < east and south < north, "
                f"not {self.west_deg},{self.south_deg},{self.east_deg},{self.north_deg}"
            )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``W,S,E,N``.

        Raises:
            SettingsError: If the text is not four numbers that make a box.
        """
        try:
            west, south, east, north = (float(part) for part in text.split(","))
        except ValueError:
            raise SettingsError(
                f"a box is west,south,east,north in degrees, not {text!r}"
            ) from None
        return cls(west, south, east, north)

    @property
    def text(self) -> str:
        """The form that `parse` reads."""
        return f"{self.west_deg},{self.south_deg},{self.east_deg},{self.north_deg}"

    def place(self, x: float, y: float) -> Position:
        """Return the position at the given shares of width and height, each 0 to 1."""
        return Position(
            round(self.west_deg + x * (self.east_deg - self.west_deg), 5),
            round(self.south_deg + y * (self.north_deg - self.south_deg), 5),
        )


DEMO_BOX = Box(-1.95, 47.95, -1.35, 48.3)
"""Around Rennes: a region of middling size with a city, small towns and farmland."""


class BusType(StrEnum):
    """What a vehicle's diagnostic bus speaks, in the words of the report contract."""

    CAN = "can"
    J1939 = "j1939"


class Stage(StrEnum):
    """How far a fault has come in its control unit."""

    DORMANT = "dormant"  # the control unit knows the code, but it never failed
    PENDING = "pending"
    CONFIRMED = "confirmed"
    PERMANENT = "permanent"


class Lamp(StrEnum):
    """The lamp that a fault lights, gravest first."""

    STOP = "rsl"
    MIL = "mil"
    WARNING = "awl"
    PROTECT = "pl"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One code in one control unit.

    Attributes:
        ecu: Name of the control unit within its vehicle.
        count: How often it occurred, 0 to 126 (J1939 only).
    """

    ecu: str
    code: J2012Dtc | J1939Dtc
    code_text: str
    stage: Stage = Stage.CONFIRMED
    lamp: Lamp = Lamp.MIL
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What goes wrong in a vehicle at one time.

    Attributes:
        kinds: Names of the kinds of vehicle in which it can happen.
        lasts_s: After so long it goes away by itself; None if it stays.
    """

    name: str
    kinds: tuple[str, ...]
    faults: tuple[Fault, ...]
    lasts_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EcuKind:
    """A control unit as it stands in every vehicle of a kind.

    Attributes:
        request_id: CAN id on which it hears; for J1939 its source address.
        response_id: CAN id on which it answers; for J1939 its source address.
        is_obd: It answers emission services and functional requests.
        is_uds: It answers UDS 0x19 on its own id.
        dormant: Codes it knows and lists when asked for everything.
    """

    name: str
    request_id: int
    response_id: int
    is_obd: bool = False
    is_uds: bool = False
    dormant: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Make:
    """A make with the world manufacturer identifier under which it builds this kind of vehicle."""

    name: str
    wmi: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CarKind:
    """A kind of vehicle: its bus, its control units and who builds it.

    Attributes:
        functional_id: CAN id that every emission-related control unit hears; 0 for J1939.
        is_extended: 29-bit ids.
        system_v: Voltage of the low-voltage system with the generator or converter running.
    """

    name: str
    vehicle: VehicleKind
    bus: BusType
    functional_id: int
    is_extended: bool
    system_v: float
    makes: tuple[Make, ...]
    ecus: tuple[EcuKind, ...]


class EventKind(StrEnum):
    """What can happen in a simulated fleet."""

    STARTED = "started"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    FAULT_SET = "fault_set"
    FAULT_REMOVED = "fault_removed"
    REPORT_SENT = "report_sent"
    RESEND = "resend"
    RECEIPT = "receipt"
    REFERRAL = "referral"
    DROPPED = "dropped"  # the spool was full
    FAILED = "failed"  # a vehicle stopped on a mistake of ours
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened.

    Attributes:
        at_s: Monotonic.
        unit: Empty for what concerns the whole fleet.
        id: Of the report, or of the referral.
        since_report_s: Since the report (or, for a referral, the latest one) was first sent.
        body: A referral as it came, JSON.
        text: Why, where there is a reason to tell.
    """

    kind: EventKind
    at_s: float
    unit: str = ""
    id: str | None = None
    scenario: str | None = None
    codes: tuple[str, ...] = ()
    since_report_s: float | None = None
    body: bytes | None = None
    text: str | None = None
