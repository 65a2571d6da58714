import json
import re
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.fields import REJECTIONS_MAX
from gateway.dialects.rightbay import (
    CODES_MAX,
    FRAMES_MAX,
    PAYLOAD_LENGTH_MAX,
    RightbayDialect,
)
from gateway.model import DeadLetter, Outcome, Position, Reason, Report, Status
from gateway.protocols.j1939 import Conversion
from gateway.protocols.messages import BusSettings

TOPIC = "rb/1/unit-1/up/report"
PAGE = Path(__file__).parents[3] / "docs" / "units" / "rightbay.md"
NOW = datetime(2026, 11, 23, tzinfo=UTC)
P0128 = [12, "7E8", "0443010128AAAAAA"]


def parse(body: object, *, topic: str = TOPIC) -> Report | DeadLetter:
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    return RightbayDialect().parse(topic, payload, received_at=NOW)


def report(**fields: object) -> Report:
    found = parse({"id": "r-1", "codes": []} | fields)
    assert isinstance(found, Report), found
    return found


def codes_of(found: Report) -> list[str]:
    return [str(code.code) for one in found.observations for code in one.codes]


def reasons_of(found: Report) -> list[Reason]:
    return [one.reason for one in found.rejections]


def test_a_whole_report_is_read() -> None:
    body = {
        "id": "r-1",
        "at": "2026-11-22T23:59:58.5+01:00",
        "seq": 7,
        "bus": "can",
        "frames": [P0128],
        "pos": [9.52, 47.14],
        "speed_kmh": 81,
        "odometer_km": 120345.6,
        "soc_pct": 55,
        "signals": {"coolant_c": 83},
        "historical": True,
        "firmware": {"unknown": "keys are no fault"},
    }
    payload = json.dumps(body).encode()
    found = parse(payload)
    assert isinstance(found, Report)
    assert (found.unit, found.event_id, found.received_at) == ("unit-1", "r-1", NOW)
    assert (found.digest, found.payload) == (sha256(payload).digest(), payload)
    assert found.unit_at == datetime(2026, 11, 22, 22, 59, 58, 500_000, tzinfo=UTC)
    assert (found.seq, found.speed_kmh, found.odometer_km) == (7, 81.0, 120345.6)
    assert (found.soc_pct, found.signals) == (55.0, {"coolant_c": 83.0})
    assert found.position == Position(9.52, 47.14)
    assert found.is_historical
    assert codes_of(found) == ["P0128"]
    assert found.rejections == ()


def test_what_is_absent_is_not_made_up() -> None:
    found = report(bus="j1939", frames=[], codes=None, at=None, pos=None, signals=None)
    assert (found.unit_at, found.seq, found.position, found.signals) == (None, None, None, {})
    assert (found.observations, found.rejections, found.is_historical) == ((), (), False)


def test_an_empty_list_of_codes_says_none_and_silence_says_nothing() -> None:
    (observation,) = report(codes=[]).observations
    assert (observation.ecu, observation.outcome) == ("", Outcome.NONE_FOUND)
    assert report(codes=None, frames=[]).observations == ()


def test_codes_are_texts_or_objects_and_gathered_by_control_unit() -> None:
    found = report(
        codes=["p0300", {"code": "P0128", "ecu": "7e8", "status": "pending", "oc": 2}, "609/9"]
    )
    whole, engine = found.observations
    assert [str(one.code) for one in whole.codes] == ["P0300", "SPN 609 FMI 9"]
    assert {one.status for one in whole.codes} == {Status.STORED}
    (code,) = engine.codes
    assert (engine.ecu, code.status, code.occurrence_count) == ("7E8", Status.PENDING, 2)
    assert whole.is_complete
    assert engine.is_complete


def test_a_code_that_cannot_be_read_may_be_any_so_none_is_gone() -> None:
    found = report(codes=["P538F", 7, {"ecu": "7E8"}, "P0128"])
    assert reasons_of(found) == [Reason.BAD_CODE] * 3
    (observation,) = found.observations
    assert not observation.is_complete
    assert report(codes=["P538F"]).observations == ()


def test_a_fault_with_a_status_nobody_knows_is_still_a_fault() -> None:
    found = report(codes=[{"code": "P0128", "status": "maybe", "ecu": 7}])
    assert codes_of(found) == ["P0128"]
    assert reasons_of(found) == [Reason.BAD_FIELD, Reason.BAD_FIELD]


@pytest.mark.parametrize(
    "frame",
    [
        None,
        {},
        [0, "7E8"],
        ["0", "7E8", "00"],
        [True, "7E8", "00"],
        [1e300, "7E8", "00"],
        [0, 2024, "00"],
        [0, "7E8", 0],
        [0, "7E8", "0"],
        [0, "7E8", "zz"],
        [0, "7E8", "0 0"],
        [0, "7E8", "00" * 65],
        [0, "8E8", "00"],
        [0, "7G8", "00"],
        [0, "07E8", "00"],
        [0, "FFFFFFFF", "00"],
        [0, "", "00"],
    ],
)
def test_a_bad_frame_is_set_aside_alone(frame: object) -> None:
    found = report(frames=[frame, P0128], codes=None)
    assert reasons_of(found) == [Reason.BAD_FRAME]
    assert codes_of(found) == ["P0128"]


def test_k_line_frames_have_the_address_of_their_control_unit() -> None:
    message = "43010301040105"
    found = report(bus="kline", frames=[[0, "10", message], [0, "7E8", message]], codes=None)
    assert codes_of(found) == ["P0103", "P0104", "P0105"]
    assert found.observations[0].ecu == "10"
    assert reasons_of(found) == [Reason.BAD_FRAME]


def test_frames_of_an_unknown_bus_are_not_guessed_at() -> None:
    for bus in ("lin", 7, None):
        found = report(bus=bus, frames=[P0128], codes=["P0300"])
        assert reasons_of(found) == [Reason.NOT_SUPPORTED]
        assert codes_of(found) == ["P0300"]


@pytest.mark.parametrize(
    "fields",
    [
        {"at": "yesterday"},
        {"at": "2026-02-30T00:00:00Z"},
        {"at": "2026-11-23T00:00:00"},
        {"at": "0001-01-01T00:00:00+23:59"},
        {"at": 1763856000},
        {"seq": -1},
        {"seq": 1.5},
        {"seq": 10**400},
        {"seq": True},
        {"pos": [0, 0]},
        {"pos": [181, 0]},
        {"pos": [9.5]},
        {"pos": ["9.5", "47"]},
        {"pos": [True, 1]},
        {"pos": {"lon": 9.5}},
        {"speed_kmh": -1},
        {"speed_kmh": 501},
        {"speed_kmh": "80"},
        {"odometer_km": 10**400},
        {"soc_pct": 101},
        {"soc_pct": False},
        {"signals": [1]},
        {"signals": {"a": "1"}},
        {"signals": {"a": 10**400}},
        {"signals": {"a": True}},
        {"signals": {"": 1}},
        {"signals": {"a\u0000": 1}},
        {"historical": "yes"},
    ],
)
def test_a_bad_field_is_set_aside_and_the_fault_is_kept(fields: dict[str, object]) -> None:
    found = report(frames=[P0128], codes=None, **fields)
    assert reasons_of(found) == [Reason.BAD_FIELD]
    assert codes_of(found) == ["P0128"]


@pytest.mark.parametrize("number", [0, 1])
def test_the_examples_of_the_documentation_are_read_as_they_stand(number: int) -> None:
    example = re.findall(r"```json\n(.*?)```", PAGE.read_text(), re.DOTALL)[number]
    found = parse(example.encode())
    assert isinstance(found, Report)
    assert found.rejections == ()
    assert codes_of(found)[0] == "P0128"


def test_no_text_tells_a_position() -> None:
    found = report(pos=[9.52, 147.14])
    assert "9.52" not in found.rejections[0].text
    assert b"9.52" in found.rejections[0].raw


def test_rejections_and_signals_are_bounded() -> None:
    found = report(codes=[1] * 1000, signals={f"s{number}": number for number in range(1000)})
    assert len(found.rejections) == REJECTIONS_MAX
    assert found.rejections[-1].reason is Reason.LIMIT
    assert len(found.signals) == 256
    assert reasons_of(report(signals={f"s{number}": 1 for number in range(257)})) == [Reason.LIMIT]


@pytest.mark.parametrize(
    ("payload", "reason", "event_id"),
    [
        (b"", Reason.NOT_JSON, None),
        (b"{", Reason.NOT_JSON, None),
        (b'{"id": NaN}', Reason.NOT_JSON, None),
        (b"\xff", Reason.NOT_UTF8, None),
        (b'{"id":"\xff","codes":[]}', Reason.NOT_UTF8, None),
        (b'{"id":' + b"[" * 100_000, Reason.NOT_JSON, None),
        (b"[]", Reason.SCHEMA, None),
        (b'{"codes":[]}', Reason.SCHEMA, None),
        (b'{"id":7,"codes":[]}', Reason.SCHEMA, None),
        (b'{"id":"","codes":[]}', Reason.SCHEMA, None),
        (b'{"id":"a\\u0000","codes":[]}', Reason.SCHEMA, None),
        (b'{"id":"' + b"x" * 65 + b'","codes":[]}', Reason.SCHEMA, None),
        (b'{"id":"r-1"}', Reason.SCHEMA, "r-1"),
        (b'{"id":"r-1","codes":{}}', Reason.SCHEMA, "r-1"),
        (b'{"id":"r-1","frames":"","codes":[]}', Reason.SCHEMA, "r-1"),
        (b'{"id":"r-1","codes":[],"speed_kmh":1e999}', Reason.SCHEMA, "r-1"),
        (b'{"id":"r-1","codes":[' + b"0," * CODES_MAX + b"0]}", Reason.TOO_LARGE, "r-1"),
        (b'{"id":"r-1","frames":[' + b"0," * FRAMES_MAX + b"0]}", Reason.TOO_LARGE, "r-1"),
        (b'{"id":"r-1"' + b" " * PAYLOAD_LENGTH_MAX + b"}", Reason.TOO_LARGE, "r-1"),
        (b" " * PAYLOAD_LENGTH_MAX + b"[]", Reason.TOO_LARGE, None),
    ],
    ids=lambda value: None if isinstance(value, bytes) else str(value),
)
def test_a_message_that_is_no_report_is_a_dead_letter(
    payload: bytes, reason: Reason, event_id: str | None
) -> None:
    found = parse(payload)
    assert isinstance(found, DeadLetter)
    assert (found.reason, found.event_id, found.unit) == (reason, event_id, "unit-1")
    assert found.raw == payload


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "rb/1//up/report",
        "rb/1/a/b/up/report",
        "rb/1/+/up/report",
        "rb/1/#/up/report",
        "rb/1/$SYS/up/report",
        "rb/1/a\u0000/up/report",
        f"rb/1/{'x' * 65}/up/report",
        "rb/1/unit/up/answer",
        "rb/2/unit/up/report",
    ],
)
def test_a_unit_has_a_name_without_wildcards(topic: str) -> None:
    found = parse({"id": "r-1", "codes": []}, topic=topic)
    assert isinstance(found, DeadLetter)
    assert (found.reason, found.unit) == (Reason.TOPIC, None)


def test_the_prefix_is_configurable() -> None:
    dialect = RightbayDialect("fleet/eu")
    assert dialect.topic_filters == ("fleet/eu/+/up/report",)
    payload = b'{"id":"r-1","codes":[]}'
    found = dialect.parse("fleet/eu/u/up/report", payload, received_at=NOW)
    assert isinstance(found, Report)


def test_what_is_known_of_a_vehicle_is_asked_for_by_unit() -> None:
    asked: list[str] = []

    def settings_of(unit: str) -> BusSettings:
        asked.append(unit)
        return BusSettings(conversion=Conversion.V3)

    payload = json.dumps(
        {"id": "r-1", "bus": "j1939", "frames": [[0, "18FECA00", "00FF34124381FFFF"]]}
    )
    dialect = RightbayDialect(settings_of=settings_of)
    found = dialect.parse(TOPIC, payload.encode(), received_at=NOW)
    assert isinstance(found, Report)
    assert not found.observations[0].codes[0].is_uncertain
    assert asked == ["unit-1"]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
bodies = st.dictionaries(
    st.sampled_from(
        [
            "at",
            "seq",
            "bus",
            "frames",
            "codes",
            "pos",
            "speed_kmh",
            "odometer_km",
            "soc_pct",
            "signals",
            "historical",
            "x",
        ]
    ),
    values,
)


@given(bodies)
def test_no_body_raises(body: dict[str, object]) -> None:
    assert isinstance(parse({"id": "r-1"} | body), Report | DeadLetter)


@given(st.binary(), st.text())
def test_no_bytes_on_any_topic_raise(payload: bytes, topic: str) -> None:
    assert isinstance(parse(payload), Report | DeadLetter)
    assert isinstance(parse(payload, topic=f"rb/1/{topic}/up/report"), Report | DeadLetter)
