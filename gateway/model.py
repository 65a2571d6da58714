"""The gateway's values: what arrives, what was understood of it, and what was not."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from dtc_db.codes import Code


class Reason(StrEnum):
    """Why bytes were set aside. One of these stands with every rejection and dead letter."""

    # The message as a whole; nothing of it is stored but its dead letter.
    TOPIC = "topic"  # no dialect reads this topic, or its unit id is not allowed
    TOO_LARGE = "too_large"
    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"
    SCHEMA = "schema"  # JSON, but not the report contract
    ID_CONFLICT = "id_conflict"  # this id was used before for another payload
    STORE_REFUSED = "store_refused"  # well formed, yet the database does not take it
    # A part of a report; the rest is stored.
    BAD_FRAME = "bad_frame"
    BAD_CODE = "bad_code"
    BAD_FIELD = "bad_field"  # position, time or a measured value that cannot be one
    OUT_OF_SEQUENCE = "out_of_sequence"
    TRUNCATED = "truncated"  # a transfer whose end did not come
    REPLACED = "replaced"  # a transfer that a new one cut off
    ABORTED = "aborted"
    LENGTH = "length"  # the length contradicts the content
    AMBIGUOUS = "ambiguous"  # several readings are possible; none is guessed
    NOT_SUPPORTED = "not_supported"
    LIMIT = "limit"  # a named maximum was reached


WHOLE_MESSAGES = frozenset(
    {
        Reason.TOPIC,
        Reason.TOO_LARGE,
        Reason.NOT_UTF8,
        Reason.NOT_JSON,
        Reason.SCHEMA,
        Reason.ID_CONFLICT,
        Reason.STORE_REFUSED,
    }
)
"""Reasons of dead letters that are a message as it came; the others are parts of stored reports."""


class Status(StrEnum):
    """How sure the control unit is of a fault, from least to most."""

    PENDING = "pending"
    STORED = "stored"  # listed, but not said to be confirmed or active
    CONFIRMED = "confirmed"
    ACTIVE = "active"  # failing now (J1939 DM1, UDS testFailed)
    PERMANENT = "permanent"


class Outcome(StrEnum):
    """What came of asking a control unit for its codes. These are five different things."""

    CODES = "codes"
    NONE_FOUND = "none_found"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    REFUSED = "refused"
    DATA = "data"  # an answer that lists no codes by its nature: a count, values, an identity


class Bus(StrEnum):
    """What the frames of one report were read from; the bytes alone do not tell."""

    CAN = "can"
    KLINE = "kline"
    J1939 = "j1939"


class Frame(NamedTuple):
    """One frame as it was on the bus; a tuple, because buses bring hundreds of thousands.

    Attributes:
        t_ms: On the unit's own monotonic clock; only differences mean anything.
        can_id: 11 or 29 bits; on a K-line the address of the control unit, 0 to 0xFF.
        data: 0 to 64 bytes; on a K-line the message without header and checksum, up to 255 bytes.
        is_extended: Whether the id has 29 bits.
    """

    t_ms: float
    can_id: int
    data: bytes
    is_extended: bool = False


@dataclass(frozen=True, slots=True)
class Position:
    """A place on the WGS 84 ellipsoid."""

    lon_deg: float
    lat_deg: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A part of a report that could not be understood, with its bytes as evidence.

    Attributes:
        reason: Why, for machines.
        text: What was expected and what came, for people; never a VIN or a position.
        raw: The bytes as they were on the wire.
        ecu: The control unit, where known.
    """

    reason: Reason
    text: str
    raw: bytes
    ecu: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataRecord:
    """What a control unit kept about one code: a snapshot or extended data (UDS).

    Attributes:
        kind: ``snapshot`` or ``extended``.
        number: Of the record; None where the bytes could not be split into records.
        did: Data identifier, 0 to 0xFFFF; None where the data is not split into identifiers.
        raw: The data, empty where only the record's existence was told.
    """

    kind: str
    number: int | None
    did: int | None = None
    raw: bytes = b""


class ReportedCode(NamedTuple):
    """One code as one control unit reported it; a tuple, because lists bring hundreds.

    Attributes:
        code: The code.
        status: How sure the control unit is; None if it says the fault is *not* there (a UDS list
            also holds codes that never failed).
        status_byte: The UDS status byte after the availability mask, 0 to 0xFF, where there is one.
        occurrence_count: How often, 0 to 126 (J1939), where known.
        is_uncertain: The bytes allow another reading (J1939 conversion method 1).
        conversion: The J1939 conversion method bit as it was sent, 0 or 1; None elsewhere.
        severity: The UDS severity byte, 0 to 0xFF: class in bits 4-0, what to do in bits 7-5.
        functional_unit: UDS 19 08 and 09, 0 to 0xFF.
        fault_counter: UDS 19 14, -128 to 127; 127 means failed.
        lamps: The lamps of this code alone (DM31), as in `Observation`.
        records: Snapshots and extended data.
    """

    code: Code
    status: Status | None
    status_byte: int | None = None
    occurrence_count: int | None = None
    is_uncertain: bool = False
    conversion: int | None = None
    severity: int | None = None
    functional_unit: int | None = None
    fault_counter: int | None = None
    lamps: tuple[tuple[str, str], ...] = ()
    records: tuple[DataRecord, ...] = ()


class Observation(NamedTuple):
    """One answer or broadcast of one control unit; a tuple, as `ReportedCode` is. Named arguments.

    Attributes:
        ecu: ``7E8`` or ``18DAF110`` for the id that answered, ``SA 00`` for a J1939 source address,
            two hex digits on a K-line; empty for "nobody in particular": a functional request
            without any answer, or a unit that decoded by itself and did not say.
        protocol: ``obd``, ``kline``, ``uds``, ``wwh`` or ``j1939``; ``codes`` where the unit
            decoded by itself.
        service: ``03``, ``19 02``, ``DM1`` and the like.
        outcome: What came of asking. ``NONE_FOUND`` turns faults of this ecu and service off.
        codes: In the order of the wire, without repetition; empty unless outcome is ``CODES``.
        lamps: Lamp name (``mil``, ``rsl``, ``awl``, ``pl``) to its state (``on``, ``off``,
            ``slow_flash``, ``fast_flash``, ``not_supported``), where the message carries lamps.
        raw: The reassembled payload, as evidence; empty where the unit decoded by itself.
        is_complete: ``codes`` are all that this ecu holds for this service, so what is not listed
            is gone. False where a mask that we did not see, a filter or a single code's details
            leave others out.
        mil: Whether the malfunction lamp is commanded on (OBD 01 01).
        count: How many codes the control unit says it holds, where it says so.
        availability: The UDS status bits that the control unit supports, 0 to 0xFF.
        signals: Name with its unit last to value, such as ``("coolant_c", 88.0)``; in a freeze
            frame (service 02) they are of the moment of the fault, not of now.
        identity: ``vin``, ``calibration_id``, ``cvn`` or ``ecu_name`` to text. Never logged.
        mask: The UDS status bits that the request asked for, 0 to 0xFF, where the request was seen:
            a code whose status shares no bit with it is not listed.
    """

    ecu: str
    protocol: str
    service: str
    outcome: Outcome
    codes: tuple[ReportedCode, ...] = ()
    lamps: tuple[tuple[str, str], ...] = ()
    raw: bytes = b""
    is_complete: bool = True
    mil: bool | None = None
    count: int | None = None  # type: ignore[assignment]  # nobody counts a value's fields
    availability: int | None = None
    signals: tuple[tuple[str, float], ...] = ()
    identity: tuple[tuple[str, str], ...] = ()
    mask: int | None = None


class Report(NamedTuple):
    """One message of a unit, decoded; a tuple, as `ReportedCode` is. Named arguments.

    Attributes:
        unit: Who sent it, from the topic, never from the body.
        event_id: Chosen by the unit, unique for it.
        digest: SHA-256 of the payload, 32 bytes: the same id with another digest is a conflict.
        unit_at: The unit's own clock, None if absent; may lie.
        received_at: The gateway's clock; decisions use this one.
        is_historical: The unit says these are old news: state is updated, no alarm is raised.
        payload: The message as it came, kept whole: unknown keys are kept, not refused.
    """

    unit: str
    event_id: str
    digest: bytes
    payload: bytes
    received_at: datetime
    unit_at: datetime | None = None
    seq: int | None = None
    position: Position | None = None
    speed_kmh: float | None = None
    odometer_km: float | None = None
    soc_pct: float | None = None
    signals: Mapping[str, float] = MappingProxyType({})
    is_historical: bool = False
    observations: tuple[Observation, ...] = ()
    rejections: tuple[Rejection, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A whole message that could not be taken as a report; kept, listed, never dropped unseen."""

    topic: str
    unit: str | None
    event_id: str | None
    reason: Reason
    text: str
    raw: bytes
    received_at: datetime
