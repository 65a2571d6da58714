"""Splits the records of UDS 19 answers into codes.

Each reader takes what follows the head of an answer and returns its codes, or raises
`MalformedRecordsError`, which the decoder turns into a rejection.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from gateway.model import DataRecord, ReportedCode, Status
from gateway.protocols.known import Known, split
from gateway.protocols.uds_code import ALL_BITS, CodeFormat, code_of, status_of

# Masks and formats of which codes are remembered; a fleet has a handful.
_MASKS_REMEMBERED_MAX = 16


class MalformedRecordsError(ValueError):
    """The bytes do not divide into records; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UdsSettings:
    """What the bytes do not say and somebody may know of a vehicle.

    Attributes:
        code_format: Of the three bytes in lists that do not carry it. J2012 is an assumption that
            holds for most cars.
        did_length: Bytes of a data identifier in snapshots, 1 to 4.
        did_lengths: Data identifier to the length of its data; without it snapshots stay whole.
        extended_lengths_by_code: Three bytes of a code to the length of its extended data.
        extended_lengths: Number of an extended data record to the length of its data, for other
            codes.
        extended_length: The same for all the rest; None keeps the data whole.
        tolerates_zero_padding: Zero bytes after the last whole record are filler.
        ignores_zero_codes: A record of nothing but zeros is filler, not a fault.
    """

    code_format: CodeFormat = CodeFormat.J2012
    did_length: int = 2
    did_lengths: Mapping[int, int] = field(default_factory=dict)
    extended_lengths_by_code: Mapping[int, int] = field(default_factory=dict)
    extended_lengths: Mapping[int, int] = field(default_factory=dict)
    extended_length: int | None = None
    tolerates_zero_padding: bool = True
    ignores_zero_codes: bool = True

    def extended_length_of(self, code: bytes, number: int) -> int | None:
        """Find the length of one extended data record; None if nobody knows it."""
        default = self.extended_lengths.get(number, self.extended_length)
        return self.extended_lengths_by_code.get(int.from_bytes(code[:3]), default)


class Head(NamedTuple):
    """What is known of an answer before its records.

    Attributes:
        code_format: As the answer says, or as the settings assume.
        availability: Status bits that the control unit supports.
        record: Number of the extended data record that was asked for.
    """

    code_format: CodeFormat
    availability: int = ALL_BITS
    record: int = 0


Reader = Callable[[bytes, Head, UdsSettings], tuple[ReportedCode, ...]]


def read_status(body: bytes, head: Head, settings: UdsSettings) -> tuple[ReportedCode, ...]:
    """Code, status; repeated."""
    known = _known(head.availability, head.code_format)
    return tuple(map(known.__getitem__, _records(body, 4, settings)))


def read_severity(body: bytes, head: Head, settings: UdsSettings) -> tuple[ReportedCode, ...]:
    """Severity, functional unit, code, status; repeated."""
    return tuple(
        _code(record[2:], head)._replace(severity=record[0], functional_unit=record[1])
        for record in _records(body, 6, settings)
    )


def read_one_severity(body: bytes, head: Head, settings: UdsSettings) -> tuple[ReportedCode, ...]:
    """The same for the one code that was asked for; more bytes are filler."""
    return read_severity(body[:6], head, settings)


def read_group_severity(body: bytes, head: Head, settings: UdsSettings) -> tuple[ReportedCode, ...]:
    """Severity, code, status; repeated (WWH-OBD)."""
    return tuple(
        _code(record[1:], head)._replace(severity=record[0])
        for record in _records(body, 5, settings)
    )


def read_counters(body: bytes, head: Head, settings: UdsSettings) -> tuple[ReportedCode, ...]:
    """Code, fault detection counter; repeated. Such codes are on the way to failing, not failed."""
    return tuple(
        ReportedCode(
            code=code_of(record, head.code_format),
            status=None,
            fault_counter=int.from_bytes(record[3:], signed=True),
        )
        for record in _records(body, 4, settings)
    )


def read_snapshot_names(body: bytes, head: Head, settings: UdsSettings) -> tuple[ReportedCode, ...]:
    """Code, number of a snapshot that exists; repeated, a code once for each of its snapshots."""
    numbers: dict[bytes, list[int]] = {}
    for record in _records(body, 4, settings):
        numbers.setdefault(record[:3], []).append(record[3])
    return tuple(
        ReportedCode(
            code=code_of(code, head.code_format),
            status=Status.STORED,
            records=tuple(DataRecord(kind="snapshot", number=one) for one in found),
        )
        for code, found in numbers.items()
    )


def read_snapshots(body: bytes, head: Head, settings: UdsSettings) -> tuple[ReportedCode, ...]:
    """One code with its status, then its snapshots."""
    code, rest = _lead(body, head)
    records: list[DataRecord] = []
    while rest and not _is_padding(rest, settings):
        number, rest = rest[0], rest[1:]
        split, rest = _snapshot(rest, number, settings)
        records += split
    return (_with_records(code, records),)


def read_snapshots_by_number(
    body: bytes, head: Head, settings: UdsSettings
) -> tuple[ReportedCode, ...]:
    """Number, code, status, one snapshot; repeated."""
    codes: list[ReportedCode] = []
    rest = body
    while rest and not _is_padding(rest[1:] or rest, settings):
        number = rest[0]
        code, rest = _lead(rest[1:], head)
        split, rest = _snapshot(rest, number, settings)
        codes.append(_with_records(code, split))
    return tuple(codes)


def read_extended(body: bytes, head: Head, settings: UdsSettings) -> tuple[ReportedCode, ...]:
    """One code with its status, then its extended data records."""
    code, rest = _lead(body, head)
    records: list[DataRecord] = []
    while rest and not _is_padding(rest, settings):
        number = rest[0]
        data, rest = _take(rest[1:], settings.extended_length_of(body, number))
        records.append(DataRecord(kind="extended", number=number, raw=data))
    return (_with_records(code, records),)


def read_extended_by_number(
    body: bytes, head: Head, settings: UdsSettings
) -> tuple[ReportedCode, ...]:
    """Code, status, data of the record that the head names; repeated."""
    codes: list[ReportedCode] = []
    number, rest = head.record, body
    while rest and not _is_padding(rest, settings):
        length = settings.extended_length_of(rest, number)
        code, rest = _lead(rest, head)
        data, rest = _take(rest, length)
        codes.append(_with_records(code, [DataRecord(kind="extended", number=number, raw=data)]))
    return tuple(codes)


def _records(body: bytes, length: int, settings: UdsSettings) -> Iterable[bytes]:
    """Divide into records of one length, each once; what is left over must be filler."""
    left_over = len(body) % length
    if left_over:
        if not _is_padding(body[-left_over:], settings):
            raise MalformedRecordsError(
                f"expected records of {length} bytes, got {left_over} bytes after the last"
            )
        body = body[:-left_over]
    records = split(body, length)
    if settings.ignores_zero_codes:
        records.pop(bytes(length), None)
    return records


def _is_padding(rest: bytes, settings: UdsSettings) -> bool:
    # Compared at once: bytes that are looked at one by one, again and again, take their time.
    return settings.tolerates_zero_padding and rest == bytes(len(rest))


def _code(record: bytes, head: Head) -> ReportedCode:
    return _known(head.availability, head.code_format)[record[:4]]


@lru_cache(maxsize=_MASKS_REMEMBERED_MAX)
def _known(availability: int, code_format: CodeFormat) -> Known[ReportedCode]:
    statuses = [status_of(status_byte, availability) for status_byte in range(256)]

    def read(record: bytes) -> ReportedCode:
        status_byte = record[3]
        return ReportedCode(
            code_of(record, code_format), statuses[status_byte], status_byte & availability
        )

    return Known(read)


def _lead(rest: bytes, head: Head) -> tuple[ReportedCode, bytes]:
    if len(rest) < 4:
        raise MalformedRecordsError(f"expected a code and its status, got {len(rest)} bytes")
    return _code(rest, head), rest[4:]


def _snapshot(rest: bytes, number: int, settings: UdsSettings) -> tuple[list[DataRecord], bytes]:
    """Split one snapshot by its data identifiers; from the first unknown one on it stays whole."""
    if not rest:
        raise MalformedRecordsError(f"snapshot {number} has no number of identifiers")
    records: list[DataRecord] = []
    count, left = rest[0], rest[1:]
    for _ in range(count):
        did = int.from_bytes(left[: settings.did_length])
        length = settings.did_lengths.get(did)
        if len(left) < settings.did_length:
            raise MalformedRecordsError(f"snapshot {number} ends within an identifier")
        if length is None:
            records.append(DataRecord(kind="snapshot", number=number, raw=left))
            return records, b""
        data, left = _take(left[settings.did_length :], length)
        records.append(DataRecord(kind="snapshot", number=number, did=did, raw=data))
    return records, left


def _take(rest: bytes, length: int | None) -> tuple[bytes, bytes]:
    """Take data of a known length, or all of it if nobody knows the length."""
    if length is None:
        return rest, b""
    if len(rest) < length:
        raise MalformedRecordsError(f"expected {length} bytes of data, got {len(rest)}")
    return rest[:length], rest[length:]


def _with_records(code: ReportedCode, records: list[DataRecord]) -> ReportedCode:
    return code._replace(records=tuple(records)) if records else code
