"""Other people's answers to the same bytes: decode vectors from their tests and recordings.

Every vector agrees but one: P538f (v770) cannot exist, as the vector's own note says, and is set
aside. Two readings are ours: a status byte is compared after the availability mask, and a reserved
lamp value, which the oracle calls "other", is "on" where the lamp is lit and "not supported" where
it says nothing.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dtc_db.codes import J1939Dtc, J2012Dtc
from gateway.decode import decode_frames
from gateway.dialects.inhand import inhand
from gateway.dialects.openxc import openxc
from gateway.dialects.traccar import traccar
from gateway.model import (
    Bus,
    Frame,
    Observation,
    Outcome,
    Rejection,
    Report,
    ReportedCode,
    Status,
)
from gateway.protocols import j1939, obd, uds
from gateway.protocols.listener import Listener, Message
from gateway.protocols.uds_code import CodeFormat, code_of
from gateway.protocols.uds_records import UdsSettings

VECTORS = Path(__file__).parents[3].parent / "shared" / "data" / "decoding" / "vectors.json"

# Data identifiers of the made-up snapshots: the vectors leave their lengths out.
DID_LENGTHS = {0x4711: 5, 0x6789: 3, 0x4455: 2}
EXTENDED_LENGTHS = {0x123456: 5, 0x789ABC: 3}
LAMP_STATES = {
    "on": "on",
    "off": "off",
    "alternate off": "off",
    "slow flash": "slow_flash",
    "fast flash": "fast_flash",
    "not supported": "not_supported",
}


def load(*protocols: str, having: str = "id") -> list[Any]:
    if not VECTORS.exists():
        reason = "NOT RUN: ../shared/data/decoding/vectors.json is not beside this checkout"
        return [pytest.param(None, marks=pytest.mark.skip(reason=reason), id="no-vectors")]
    vectors = json.loads(VECTORS.read_text())
    return [
        pytest.param(one, id=one["id"])
        for one in vectors
        if one["protocol"] in protocols and having in one
    ]


def frames_of(vector: dict[str, Any]) -> list[Frame]:
    return [
        Frame(
            index * 10.0,
            int(one["can_id"], 16),
            bytes.fromhex(one["data_hex"]),
            len(one["can_id"]) > 3,
        )
        for index, one in enumerate(vector["frames"])
    ]


def texts(codes: Iterable[ReportedCode]) -> list[str]:
    return [str(one.code) for one in codes]


@pytest.mark.parametrize("vector", load("OBD-II"))
def test_obd_answers_read_as_others_read_them(vector: dict[str, Any]) -> None:
    bus = Bus.KLINE if vector.get("transport") == "pre-CAN" else Bus.CAN
    if "frames" in vector:
        frames = frames_of(vector)
    else:
        payloads = vector.get("payloads_hex") or [vector.get("payload_hex")]
        if payloads == [None]:  # text of a reader without headers: each line is one control unit
            payloads = vector["elm_lines"]
        frames = [
            Frame(0.0, 0x10, data)
            if bus is Bus.KLINE
            else Frame(0.0, 0x7E8 + index, bytes((len(data),)) + data)
            for index, data in enumerate(bytes.fromhex(one) for one in payloads)
        ]
    observations, rejections = decode_frames(frames, bus=bus)
    expected = vector["expected"]
    assert not rejections
    if "dtcs" in expected:
        assert {one.service for one in observations} == {expected["service"]}
        assert [text for one in observations for text in texts(one.codes)] == expected["dtcs"]
        return
    (found,) = observations
    assert found.service == "01"
    if "mil" in expected:
        assert (found.mil, found.count) == (expected["mil"], expected["dtc_count"])
    if "ignition" in expected:
        is_compression = expected["ignition"] == "compression"
        assert dict(found.signals)["is_compression_ignition"] == is_compression


@pytest.mark.parametrize("vector", load("tracker", having="dtc_bytes_hex"))
def test_trackers_send_pairs_of_bytes_as_cars_do(vector: dict[str, Any]) -> None:
    codes = obd.decode_pairs(bytes.fromhex(vector["dtc_bytes_hex"]), status=None)
    assert texts(codes) == vector["expected"]["dtcs"]


@pytest.mark.parametrize("vector", load("UDS", "WWH-OBD"))
def test_uds_answers_read_as_others_read_them(vector: dict[str, Any]) -> None:
    expected = vector["expected"]
    if "dtc_bytes_hex" in vector:
        code = code_of(bytes.fromhex(vector["dtc_bytes_hex"]), CodeFormat.J2012)
        assert str(code) == expected["text"]
        return
    payload = bytes.fromhex(vector["payload_hex"])
    found = uds.decode(payload, ecu="7E8", settings=settings_of(vector))
    if "error" in expected:
        assert isinstance(found, Rejection)
        return
    assert isinstance(found, Observation), found
    assert found.service == f"19 {expected['subfunction']}"
    if "records" in expected:
        check_records(found, expected["records"])
        return
    if "status_availability" in expected:
        assert found.availability == expected["status_availability"]
    if not expected.get("dtcs") and expected.get("dtc_count"):
        assert found.count == expected["dtc_count"]
    check_codes(found, expected["dtcs"])


def settings_of(vector: dict[str, Any]) -> UdsSettings:
    config = vector.get("decoder_config", {})
    size = config.get("extended_data_size")
    lengths = {} if "zero_sized" in vector["description"] else EXTENDED_LENGTHS
    return UdsSettings(
        code_format=CodeFormat.J2012,
        did_length=config.get("dtc_snapshot_did_size") or 2,
        did_lengths=DID_LENGTHS,
        extended_lengths_by_code=lengths if size == "dict" else {},
        extended_length=0 if size == "dict" else size,
        tolerates_zero_padding=config.get("tolerate_zero_padding", True),
        ignores_zero_codes=config.get("ignore_all_zero_dtc", True),
    )


def hex_of(code: ReportedCode) -> str:
    match code.code:
        case J2012Dtc(number, failure_type):
            return f"{number:04X}{failure_type or 0:02X}"
        case other:
            return str(other)


def check_codes(found: Observation, expected: list[dict[str, Any]]) -> None:
    assert [hex_of(one) for one in found.codes] == [one["dtc"] for one in expected]
    for code, wanted in zip(found.codes, expected, strict=True):
        if code.status_byte is not None:
            status = wanted["status"]
            sent = int(status, 16) if isinstance(status, str) else status
            mask = 0xFF if found.availability is None else found.availability
            assert code.status_byte == sent & mask
        if wanted.get("severity") is not None:
            assert code.severity == wanted["severity"]
        if wanted.get("functional_unit") is not None:
            assert code.functional_unit == wanted["functional_unit"]
        if wanted.get("fault_counter") is not None:
            assert code.fault_counter == wanted["fault_counter"]
        check_data(code, wanted)


def check_data(code: ReportedCode, wanted: dict[str, Any]) -> None:
    for snapshot, record in zip(wanted.get("snapshots", []), code.records, strict=False):
        if isinstance(snapshot, int):
            assert record.number == snapshot
        else:
            expected = (snapshot["record"], snapshot["did"], snapshot["raw"])
            assert (record.number, record.did, record.raw.hex()) == expected
    if "snapshots" in wanted:
        assert len(code.records) == len(wanted["snapshots"])
    if "extended_data" in wanted:
        assert [(one.number, one.raw.hex()) for one in code.records] == [
            (one["record"], one["raw"].lower()) for one in wanted["extended_data"]
        ]


def check_records(found: Observation, records: list[dict[str, Any]]) -> None:
    """Compare with a reader that names the fields of an answer and gives their numbers."""
    for record in records:
        name, raw = record["name"].partition("#")[0], record["raw"]
        numbers = raw if isinstance(raw, list) else [raw]
        if name == "DTCStatusAvailabilityMask":
            assert found.availability == raw
        elif name == "DTCCount":
            assert found.count == raw
        elif name == "DTC and DTCStatus":
            mask = 0xFF if found.availability is None else found.availability
            assert [(hex_of(one), one.status_byte) for one in found.codes] == [
                (f"{one >> 8:06X}", one & 0xFF & mask) for one in numbers
            ]
        elif name == "DTC and DTCFaultDetectionCount":
            counters = [(hex_of(one), (one.fault_counter or 0) & 0xFF) for one in found.codes]
            assert counters == [(f"{one >> 8:06X}", one & 0xFF) for one in numbers]


@pytest.mark.parametrize("vector", load("J1939"))
def test_diagnostic_messages_read_as_others_read_them(vector: dict[str, Any]) -> None:
    expected = vector["expected"]
    if "lamp_bits" in vector:
        lamps = dict(j1939.decode_lamps(vector["lamp_bits"], vector["flash_bits"]))
        # Reserved values: a lit lamp counts as on, anything else says nothing.
        reserved = "on" if vector["lamp_bits"] == 1 else "not_supported"
        assert lamps["pl"] == LAMP_STATES.get(expected["state"], reserved)
        return
    if "dtc_bytes_hex" in vector:
        data = bytes.fromhex(vector["dtc_bytes_hex"])
        code = j1939.decode_code(data, status=Status.ACTIVE)
        assert code.code == J1939Dtc(expected["spn"], expected["fmi"])
        assert (code.conversion, code.occurrence_count) == (expected["cm"], expected["oc"])
        return
    service = expected.get("dm") or vector["description"].partition(" ")[0].removesuffix("-layout")
    pgn = next(pgn for pgn, name in j1939.SERVICES.items() if name == service)
    source = expected.get("sa", 0)
    found = j1939.decode(pgn, bytes.fromhex(vector["payload_hex"]), source=source)
    assert isinstance(found, Observation)
    assert (found.service, found.ecu) == (service, f"SA {source:02X}")
    for name, state in expected.get("lamps", {}).items():
        assert dict(found.lamps)[name] == LAMP_STATES.get(state, "not_supported")
    if "n_dtcs" in expected:
        assert len(found.codes) == expected["n_dtcs"]
    codes = [one.code for one in found.codes]
    if "spns" in expected:
        assert [one.spn for one in codes if isinstance(one, J1939Dtc)] == expected["spns"]
    if "dtcs" in expected:
        assert codes == [J1939Dtc(one["spn"], one["fmi"]) for one in expected["dtcs"]]
        counts = [
            one.get("oc", code.occurrence_count)
            for one, code in zip(expected["dtcs"], found.codes, strict=True)
        ]
        assert [one.occurrence_count for one in found.codes] == counts


@pytest.mark.parametrize("vector", load("ISO-TP", "J1939-TP"))
def test_frames_join_as_others_join_them(vector: dict[str, Any]) -> None:
    listener = Listener(Bus.CAN)
    heard = [one for frame in frames_of(vector) for one in listener.receive(frame)]
    messages = [one for one in heard if isinstance(one, Message)]
    expected = vector["expected"]
    if expected["payload_hex"] is None:
        assert not messages
        return
    (message,) = messages
    assert message.data.hex().upper() == expected["payload_hex"]
    if "pgn" in expected:
        assert message.pgn == int(expected["pgn"], 16)
        assert message.source == expected["sa"]
        assert message.destination == expected.get("da", 0xFF)


@pytest.mark.parametrize("vector", load("OpenXC-JSON"))
def test_a_refusal_in_the_words_of_openxc_is_one(vector: dict[str, Any]) -> None:
    payload = json.dumps(vector["json"]).encode()
    found = openxc().parse("openxc/car/diagnostic", payload, received_at=datetime.now(UTC))
    assert isinstance(found, Report)
    (observation,) = found.observations
    assert observation.outcome is Outcome.REFUSED
    assert observation.raw[-1] == vector["expected"]["nrc"]


@pytest.mark.parametrize("vector", load("tracker", having="mqtt"))
def test_a_number_of_codes_that_a_tracker_sends_is_one(vector: dict[str, Any]) -> None:
    topic, payload = vector["mqtt"]["topic"], json.dumps(vector["mqtt"]["payload"]).encode()
    found = inhand().parse(topic, payload, received_at=datetime.now(UTC))
    assert isinstance(found, Report)
    (observation,) = found.observations
    expected = vector["expected"]
    assert (observation.mil, observation.count) == (expected["mil"], expected["dtc_count"])
    assert observation.codes == ()


@pytest.mark.parametrize("vector", load("tracker", having="ascii"))
def test_of_codes_in_text_those_that_cannot_exist_are_set_aside(vector: dict[str, Any]) -> None:
    body = {"device": {"uniqueId": "t"}, "position": {"attributes": {"dtcs": vector["ascii"]}}}
    found = traccar().parse("positions", json.dumps(body).encode(), received_at=datetime.now(UTC))
    assert isinstance(found, Report)
    read = [text for one in found.observations for text in texts(one.codes)]
    # The oracle passes on what it gets; its own note says that P538F is none.
    wanted = [text.upper() for text in vector["expected"]["dtcs_text"].split()]
    assert read == [text for text in wanted if text[1] in "0123"]
    assert len(found.rejections) == len(wanted) - len(read)


def test_every_vector_is_read_by_some_test_above() -> None:
    if not VECTORS.exists():
        pytest.skip("NOT RUN: ../shared/data/decoding/vectors.json is not beside this checkout")
    taken = [
        *load("OBD-II", "UDS", "WWH-OBD", "J1939", "ISO-TP", "J1939-TP", "OpenXC-JSON"),
        *(one for key in ("dtc_bytes_hex", "mqtt", "ascii") for one in load("tracker", having=key)),
    ]
    every = {one["id"] for one in json.loads(VECTORS.read_text())}
    assert {one.id for one in taken} == every
