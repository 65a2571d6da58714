"""The same made-up answers read by us and by udsoncan and py-uds: every difference is explained.

The suite compares a few thousand messages; RIGHTBAY_DIFFERENTIAL=100000 compares so many.
"""

import os
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from dtc_db.codes import J2012Dtc, RawDtc
from gateway.model import Observation, Rejection, ReportedCode
from gateway.protocols import uds
from gateway.protocols.uds_code import CodeFormat
from gateway.protocols.uds_records import UdsSettings

COUNT = int(os.environ.get("RIGHTBAY_DIFFERENTIAL", "2000"))
# Three bytes are three bytes to both peers, whatever an answer says of their format.
SETTINGS = UdsSettings(code_format=CodeFormat.RAW)
BY_STATUS = (0x02, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F, 0x13, 0x15)
FIRST_OR_LATEST = (0x0B, 0x0C, 0x0D, 0x0E)
COUNTS = (0x01, 0x07, 0x11, 0x12)
EDITION = 2013  # that of 2020 dropped 0F, 11, 12 and 13


def answers(rng: Random, subfunctions: tuple[int, ...]) -> Iterator[bytes]:
    """Make answers: mostly sound, some padded, cut short or with bytes too many."""
    for _ in range(COUNT):
        subfunction = rng.choice(subfunctions)
        head = bytes((0x59, subfunction))
        number = rng.choice((0, 1, 1, 2, 3, rng.randrange(40)))
        if subfunction in COUNTS:
            body = rng.randbytes(4)
        elif subfunction in (0x08, 0x09):
            number = min(number, 1) if subfunction == 0x09 else number
            body = rng.randbytes(1) + b"".join(record(rng, 6) for _ in range(number))
        elif subfunction in (0x03, 0x14):
            body = b"".join(record(rng, 4) for _ in range(number))
        else:
            body = rng.randbytes(1) + b"".join(record(rng, 4) for _ in range(number))
        if subfunction not in COUNTS:
            match rng.randrange(12):
                case 0:
                    body += bytes(rng.randint(1, 5))
                case 1:
                    body += rng.randbytes(rng.randint(1, 3))
                case 2:
                    body = body[: rng.randrange(len(body) + 1)]
        yield head + body


def record(rng: Random, length: int) -> bytes:
    return bytes(length) if rng.randrange(50) == 0 else rng.randbytes(length)


def three_bytes(reported: ReportedCode) -> int:
    match reported.code:
        case J2012Dtc(number, failure_type):
            return number << 8 | (failure_type or 0)
        case RawDtc(number):
            return number
        case other:
            raise AssertionError(other)


def each_once(items: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    return list(dict.fromkeys(items))


def test_udsoncan_reads_the_same() -> None:
    udsoncan: Any = pytest.importorskip("udsoncan")
    service: Any = pytest.importorskip("udsoncan.services").ReadDTCInformation
    refused = 0
    rng = Random(1)  # noqa: S311 - the same answers every time
    for payload in answers(rng, (*BY_STATUS, *COUNTS, 0x03, 0x08, 0x09, 0x14)):
        found = uds.decode(payload, ecu="", settings=SETTINGS)
        response = udsoncan.Response.from_payload(payload)
        try:
            data = service.interpret_response(
                response, subfunction=payload[1], standard_version=EDITION
            ).service_data
        except udsoncan.exceptions.InvalidResponseException:
            refused += 1
            check_refused(payload, found)
            continue
        assert isinstance(found, Observation), (payload.hex(), found)
        compare_with_udsoncan(payload, found, data)
    assert 0 < refused < COUNT / 2


def check_refused(payload: bytes, found: object) -> None:
    """What udsoncan refuses we reject, but for what is explained here."""
    if payload[1] == 0x09 and len(payload) != 9:
        return  # 09 is of one code: it wants nothing else, we read the one and its padding
    assert isinstance(found, Rejection), (payload.hex(), found)


def compare_with_udsoncan(payload: bytes, found: Observation, data: Any) -> None:
    mask = 0xFF if found.availability is None else found.availability
    if payload[1] in COUNTS:
        assert found.count == data.dtc_count, payload.hex()
        assert found.availability == data.status_availability.get_byte_as_int()
        return
    if payload[1] == 0x03:  # it makes one code of each record, we one of each code
        theirs = {one.id: set(one.snapshots) for one in data.dtcs}
        assert {
            three_bytes(one): {record.number for record in one.records} for one in found.codes
        } == theirs, payload.hex()
        return
    ours = [
        (
            three_bytes(one),
            one.status_byte or 0,
            (one.fault_counter or 0) & 0xFF,
            one.severity or 0,
        )
        for one in found.codes
    ]
    theirs_listed = [
        (
            one.id,
            one.status.get_byte_as_int() & mask if payload[1] != 0x14 else 0,
            one.fault_counter or 0,
            # Of severity it keeps the bits 7-5; 4-0 are the class of WWH-OBD.
            one.severity.get_byte_as_int() if payload[1] in (0x08, 0x09) else 0,
        )
        for one in data.dtcs
    ]
    if payload[1] in (0x08, 0x09):
        ours = [
            (code, status, counter, severity & 0xE0) for code, status, counter, severity in ours
        ]
    assert each_once(list(ours)) == each_once(list(theirs_listed)), payload.hex()


@pytest.mark.filterwarnings("ignore:No label defined")  # of functional groups it does not know
def test_py_uds_reads_the_same() -> None:
    translator: Any = pytest.importorskip("uds.translator").BASE_TRANSLATOR_2013
    refused = 0
    rng = Random(2)  # noqa: S311
    for payload in answers(rng, (*BY_STATUS, *COUNTS, 0x14, 0x42, 0x55)):
        if payload[1] in (0x42, 0x55):
            payload = wwh(payload[1], rng)  # noqa: PLW2901 - those have a head of their own
        found = uds.decode(payload, ecu="", settings=SETTINGS)
        try:
            fields = {one.name: one.raw_value for one in translator.decode(payload)}
        except Exception:  # noqa: BLE001 - whatever it calls what it cannot read
            refused += 1
            check_refused_by_py_uds(payload, found)
            continue
        assert isinstance(found, Observation), (payload.hex(), found)
        compare_with_py_uds(payload, found, fields)
    assert 0 < refused < COUNT / 2


def wwh(subfunction: int, rng: Random) -> bytes:
    length = 5 if subfunction == 0x42 else 4
    head = rng.randbytes(2) + (rng.randbytes(1) if subfunction == 0x42 else b"") + b"\x04"
    records = b"".join(rng.randbytes(length) for _ in range(rng.randrange(5)))
    return bytes((0x59, subfunction)) + head + records


def check_refused_by_py_uds(payload: bytes, found: object) -> None:
    if isinstance(found, Rejection):
        return
    assert isinstance(found, Observation)
    if payload[1] in FIRST_OR_LATEST and len(payload) > 7:
        return  # these are of one code: it wants no more, we read what is there
    # It takes no padding: after whole records, one to three zeros are none for us.
    start, length = {0x14: (2, 4), 0x42: (6, 5), 0x55: (5, 4)}.get(payload[1], (3, 4))
    rest = (len(payload) - start) % length
    assert rest, payload.hex()
    assert not any(payload[-rest:]), payload.hex()


def compare_with_py_uds(payload: bytes, found: Observation, fields: dict[str, Any]) -> None:
    mask = 0xFF if found.availability is None else found.availability
    if payload[1] in COUNTS:
        assert found.count == fields["DTCCount"], payload.hex()
        return
    is_severe = payload[1] == 0x42
    name = next((one for one in fields if one.startswith(("DTC and", "DTCSeverity, DTC"))), None)
    value: Any = (fields[name] if name else None) or ()
    numbers: tuple[int, ...] = (value,) if isinstance(value, int) else value
    if payload[1] == 0x14:
        ours = [(three_bytes(one), (one.fault_counter or 0) & 0xFF) for one in found.codes]
        theirs = [(one >> 8, one & 0xFF) for one in numbers if one]
    else:
        ours = [(three_bytes(one), one.status_byte or 0) for one in found.codes]
        theirs = [(one >> 8 & 0xFFFFFF, one & mask & 0xFF) for one in numbers if one]
    if is_severe:
        assert [one.severity for one in found.codes] == [
            one >> 32 for one in dict.fromkeys(numbers)
        ]
    # A record of zeros is filler for us and a code for it.
    assert each_once(list(ours)) == each_once(list(theirs)), payload.hex()
