"""The payload forms of other makers' devices, as their documents, tests and users show them."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.foreign import PAYLOAD_LENGTH_MAX
from gateway.dialects.openxc import ANSWER_LENGTH_MAX, ANSWERS_MAX, PARTS_MAX
from gateway.dialects.registry import FOREIGN, Registry
from gateway.dialects.wican import DEVICES_MAX
from gateway.model import DeadLetter, Outcome, Position, Reason, Report, Status
from gateway.protocols.messages import defaults_of

NOW = datetime(2026, 11, 23, tzinfo=UTC)
AT = "2026-11-22T10:00:00Z"
TRACCAR = {
    "position": {
        "protocol": "teltonika",
        "deviceTime": "2026-11-22T10:00:00.000+00:00",
        "valid": True,
        "outdated": False,
        "latitude": 47.14,
        "longitude": 9.52,
        "speed": 50.0,
        "attributes": {"dtcs": "P0128 U0100", "odometer": 120345600},
    },
    "device": {"uniqueId": "tracker-1"},
}
FLEETWISE = {
    "DetectedDTCs": [
        {
            "DTCAndSnapshot": {
                "DTCStatusAvailabilityMask": "AA",
                "dtcCodes": [{"DTC": "112233", "DTCExtendedData": "", "DTCSnapshotRecord": "AABB"}],
            },
            "ECUID": "01",
        }
    ]
}
WICAN = {
    "bus": 0,
    "type": "rx",
    "ts": 34610,
    "frame": [
        {"id": 2024, "dlc": 8, "rtr": False, "extd": False, "data": [4, 67, 1, 1, 40, 0, 0, 0]}
    ],
}


def parse(topic: str, body: object, *, registry: Registry | None = None) -> Report | DeadLetter:
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    registry = registry or Registry([one(defaults_of) for one in FOREIGN.values()])
    return registry.parse(topic, payload, NOW)


def read(topic: str, body: object) -> Report:
    found = parse(topic, body)
    assert isinstance(found, Report), found
    return found


def codes_of(found: Report) -> list[str]:
    return [str(code.code) for one in found.observations for code in one.codes]


def reasons_of(found: Report) -> list[Reason]:
    return [one.reason for one in found.rejections]


def test_traccar_positions_carry_codes_of_any_tracker() -> None:
    found = read("positions", TRACCAR)
    assert (found.unit, codes_of(found)) == ("tracker-1", ["P0128", "U0100"])
    assert found.unit_at == datetime(2026, 11, 22, 10, tzinfo=UTC)
    assert found.position == Position(9.52, 47.14)
    assert found.speed_kmh == pytest.approx(92.6)
    assert found.odometer_km == 120345.6
    # Many trackers send only what is new.
    assert not found.observations[0].is_complete


def test_traccar_passes_on_codes_that_cannot_exist() -> None:
    attributes = {"dtcs": "P538f,U029f"}
    found = read("positions", TRACCAR | {"position": {"attributes": attributes}})
    assert codes_of(found) == ["U029F"]
    assert reasons_of(found) == [Reason.BAD_CODE]
    many = {"dtcs": " ".join(["P0128"] * 300)}
    found = read("positions", TRACCAR | {"position": {"attributes": many}})
    assert reasons_of(found) == [Reason.LIMIT]


def test_a_traccar_position_without_codes_or_fix_says_neither() -> None:
    position = {"valid": False, "latitude": 47.14, "longitude": 9.52}
    found = read("positions", TRACCAR | {"position": position})
    assert (found.observations, found.rejections, found.position) == ((), (), None)


def test_fleetwise_codes_come_without_status() -> None:
    found = read("fleetwise/car-1/dtc", FLEETWISE)
    (observation,) = found.observations
    assert (found.unit, observation.ecu, observation.is_complete) == ("car-1", "ECU 01", False)
    (code,) = observation.codes
    assert (str(code.code), code.status) == ("P1122-33", Status.STORED)
    assert [(one.kind, one.raw.hex()) for one in code.records] == [("snapshot", "aabb")]


def test_a_fleetwise_list_that_is_empty_or_bad_says_nothing() -> None:
    assert read("fleetwise/car-1/dtc", {"DetectedDTCs": []}).observations == ()
    for dtc in ("C1234", "zz", None):
        entry = {"ECUID": "01", "DTCAndSnapshot": {"dtcCodes": [{"DTC": dtc}]}}
        found = read("fleetwise/car-1/dtc", {"DetectedDTCs": [entry]})
        assert (found.observations, reasons_of(found)) == ((), [Reason.BAD_CODE])


@pytest.mark.parametrize(
    ("topic", "body"),
    [
        (
            "vss/car-1/subscription",
            {"data": {"path": "Vehicle.Diagnostics.DTCList", "dp": {"value": ["P0301"]}}},
        ),
        ("vss/car-1/x", {"path": "Vehicle.Diagnostics.DTCList", "value": ["P0301"]}),
        ("vss/car-1/Vehicle/Diagnostics/DTCList", {"value": ["P0301"]}),
        ("vss/car-1/Vehicle.Diagnostics.DTCList", ["P0301"]),
    ],
)
def test_vss_lists_are_read_in_all_their_forms(topic: str, body: object) -> None:
    found = read(topic, body)
    assert (found.unit, codes_of(found)) == ("car-1", ["P0301"])
    assert found.observations[0].is_complete


def test_vss_tells_an_empty_list_from_a_count() -> None:
    (none,) = read("vss/car-1/Vehicle/Diagnostics/DTCList", []).observations
    assert none.outcome is Outcome.NONE_FOUND
    (count,) = read("vss/car-1/Vehicle/Diagnostics/DTCCount", {"value": 0}).observations
    assert (count.outcome, count.count) == (Outcome.DATA, 0)


def test_inhand_counts_codes_and_names_none() -> None:
    body = {"obd.ts": 1639037377, "obd.mil": 0, "obd.dtcs": 0}
    found = read("v1/gateway-1/obd/info", body)
    (observation,) = found.observations
    assert (observation.outcome, observation.mil, observation.count) == (Outcome.DATA, False, 0)
    assert (found.unit, found.unit_at) == ("gateway-1", datetime.fromtimestamp(1639037377, UTC))
    (observation,) = read("v1/g/obd/info", {"obd.mil": "1", "obd.dtcs": "3"}).observations
    assert (observation.mil, observation.count, observation.codes) == (True, 3, ())
    assert read("v1/g/obd/info", {"obd.dtcs": None}).observations == ()


def test_openxc_answers_are_put_together_again() -> None:
    body = {"bus": 1, "id": 2024, "mode": 3, "success": True, "payload": "0x010128"}
    assert codes_of(read("openxc/car-1/diagnostic", body)) == ["P0128"]
    uds = {"message_id": 2024, "mode": 25, "pid": 2, "success": True, "payload": "0xff12345608"}
    assert codes_of(read("openxc/car-1/diagnostic", uds)) == ["P1234-56"]
    live = {"id": 2024, "mode": 1, "pid": 13, "payload": "0x50"}
    (observation,) = read("openxc/c/diagnostic", json.dumps(live).encode() + b"\0").observations
    assert dict(observation.signals) == {"speed_kmh": 80.0}


def test_openxc_refusals_and_bad_lists_are_no_codes() -> None:
    refused = {"id": 0x18DAF110, "mode": 3, "success": False, "negative_response_code": 17}
    (observation,) = read("openxc/car-1/diagnostic", refused).observations
    assert (observation.ecu, observation.outcome) == ("18DAF110", Outcome.REFUSED)
    bad = {"id": 2024, "mode": 3, "success": True, "payload": "0x0101"}
    assert reasons_of(read("openxc/car-1/diagnostic", bad)) == [Reason.LENGTH]


def openxc_part(number: object, payload: str, unit: str = "car-1") -> tuple[str, object]:
    body = {"bus": 1, "id": 2024, "mode": 3, "total_size": 5, "frame": number}
    return f"openxc/{unit}/diagnostic", body | {"payload": payload}


def test_an_openxc_answer_in_parts_is_joined() -> None:
    registry = Registry([FOREIGN["openxc"](defaults_of)])

    def send(number: object, payload: str, unit: str = "car-1") -> Report:
        found = parse(*openxc_part(number, payload, unit), registry=registry)
        assert isinstance(found, Report)
        return found

    for _ in range(2):  # a first part begins anew
        assert send(0, "0x030120").observations == ()
    assert reasons_of(send(1, "0x0121", "car-2")) == [Reason.OUT_OF_SEQUENCE]
    assert send(1, "0x0121").observations == ()
    assert codes_of(send(-1, "0x0122")) == ["P0120", "P0121", "P0122"]
    assert reasons_of(send(-1, "0x0122")) == [Reason.OUT_OF_SEQUENCE]


@pytest.mark.parametrize("number", [2, "1", None, [], -2])
def test_an_openxc_part_out_of_turn_ends_the_answer(number: object) -> None:
    registry = Registry([FOREIGN["openxc"](defaults_of)])
    parse(*openxc_part(0, "0x030120"), registry=registry)
    for found in (
        parse(*openxc_part(number, "0x0121"), registry=registry),
        parse(*openxc_part(-1, "0x0122"), registry=registry),
    ):
        assert isinstance(found, Report)
        assert reasons_of(found) == [Reason.OUT_OF_SEQUENCE]


def test_openxc_parts_of_a_device_that_was_silent_for_long_are_forgotten() -> None:
    registry = Registry([FOREIGN["openxc"](defaults_of)])
    for number in range(ANSWERS_MAX + 1):
        parse(*openxc_part(0, "0x010128", f"car-{number}"), registry=registry)
    found = parse(*openxc_part(-1, "", "car-0"), registry=registry)
    assert isinstance(found, Report)
    assert reasons_of(found) == [Reason.OUT_OF_SEQUENCE]
    found = parse(*openxc_part(-1, "", "car-1"), registry=registry)
    assert isinstance(found, Report)
    assert codes_of(found) == ["P0128"]


def test_an_openxc_answer_has_an_end() -> None:
    registry = Registry([FOREIGN["openxc"](defaults_of)])
    for number in range(PARTS_MAX):
        parse(*openxc_part(number, "0x00"), registry=registry)
    found = parse(*openxc_part(PARTS_MAX, "0x00"), registry=registry)
    assert isinstance(found, Report)
    assert reasons_of(found) == [Reason.OUT_OF_SEQUENCE]


@pytest.mark.parametrize(
    ("metric", "text", "name"),
    [
        ("v/p/speed", "81", "speed_kmh"),
        ("v/p/odometer", "100000.5", "odometer_km"),
        ("v/b/soc", "55.5", "soc_pct"),
        ("v/b/12v/voltage", "12.4", "battery_v"),
    ],
)
def test_ovms_metrics_come_alone_and_as_text(metric: str, text: str, name: str) -> None:
    found = read(f"ovms/user/car-1/metric/{metric}", text.encode())
    assert (found.unit, found.signals) == ("car-1", {name: float(text)})
    assert getattr(found, name, float(text)) == float(text)
    assert found.observations == ()


def test_an_ovms_metric_without_a_value_says_nothing() -> None:
    assert read("ovms/user/car-1/metric/v/b/soc", b"").signals == {}
    found = read("ovms/user/car-1/metric/v/b/soc", b"101")
    assert (found.signals, reasons_of(found)) == ({}, [Reason.BAD_FIELD])
    assert read("ovms/user/car-1/metric/v/b/soc", b"nan").signals == {}


OVMS = "RT-OBD-ClusterDTC,1,604800,{ecu},{code},2,{present},1,0,1,0,1,0,0,0,0,12345,45,80,57,9,3"


def ovms(ecu: object = 3, code: object = 1234, present: object = 2, age: str = "-12") -> Report:
    text = OVMS.format(ecu=ecu, code=code, present=present).encode()
    return read(f"ovms/user/car-1/notify/data/xrt.obd.cluster.dtc/7/{age}", text)


def test_an_ovms_code_of_a_twizy_stays_raw_and_uncertain() -> None:
    (observation,) = ovms().observations
    (code,) = observation.codes
    assert (observation.ecu, str(code.code), code.status) == ("ECU 3", "0x0004D2", Status.ACTIVE)
    assert code.is_uncertain
    assert not observation.is_complete
    (observation,) = ovms(present=0).observations
    assert observation.codes[0].status is Status.STORED
    slashes = "ovms/user/car-1/notify/data/xrt/obd/cluster/dtc/7/-12"
    assert codes_of(read(slashes, OVMS.format(ecu=1, code=2, present=1).encode())) == ["0x000002"]


def test_an_ovms_record_that_waited_is_old_news() -> None:
    assert not ovms().is_historical
    assert ovms(age="-86400").is_historical
    assert ovms(age="dtc").is_historical


def test_an_ovms_record_without_a_code_is_none() -> None:
    assert ovms(code=0).observations == ()
    for bad in (-1, "x", 65536, "", "٣"):
        assert reasons_of(ovms(code=bad)) == [Reason.BAD_CODE]


def test_wican_frames_are_read_with_the_quirks_of_their_examples() -> None:
    found = read("wican/w-1/can/rx", WICAN)
    assert (found.unit, codes_of(found)) == ("w-1", ["P0128"])
    assert codes_of(read("wican/w-1/can/rx", json.dumps(WICAN).encode() + b";")) == ["P0128"]
    assert codes_of(read("wican/w-1/can/rx", WICAN | {"bus": "0"})) == ["P0128"]
    assert read("wican/w-1/can/rx", WICAN | {"type": "tx"}).observations == ()


def wican_frame(data: str, fields: dict[str, object] | None = None) -> dict[str, object]:
    entry = {"id": 2024, "data": list(bytes.fromhex(data)), "rtr": False, "extd": False}
    return WICAN | {"frame": [entry | (fields or {})]}


def test_a_long_answer_of_a_wican_goes_on_in_the_next_message() -> None:
    registry = Registry([FOREIGN["wican"](defaults_of)])

    def send(unit: str, data: str) -> Report | DeadLetter:
        return parse(f"wican/{unit}/can/rx", wican_frame(data), registry=registry)

    first, other, second = (
        send("w-1", "1008430301200121"),
        send("w-2", "2100000000000000"),
        send("w-1", "210122AAAAAAAAAA"),
    )
    assert isinstance(first, Report)
    assert isinstance(other, Report)
    assert isinstance(second, Report)
    assert (first.observations, first.rejections) == ((), ())
    assert reasons_of(other) == [Reason.OUT_OF_SEQUENCE]
    assert codes_of(second) == ["P0120", "P0121", "P0122"]


def test_a_wican_that_was_silent_for_long_is_forgotten() -> None:
    registry = Registry([FOREIGN["wican"](defaults_of)])
    topics = ["wican/w/can/rx", *(f"wican/w{n}/can/rx" for n in range(DEVICES_MAX))]
    for topic in topics:
        parse(topic, wican_frame("1008430301200121"), registry=registry)
    found = parse("wican/w/can/rx", wican_frame("210122AAAAAAAAAA"), registry=registry)
    assert isinstance(found, Report)
    assert reasons_of(found) == [Reason.OUT_OF_SEQUENCE]


@pytest.mark.parametrize(
    "fields",
    [{"id": -1}, {"id": 2048}, {"id": "7E8"}, {"data": "00"}, {"data": [256]}, {"data": [0] * 65}],
)
def test_a_bad_frame_of_a_wican_is_set_aside(fields: dict[str, object]) -> None:
    assert reasons_of(read("wican/w-1/can/rx", wican_frame("00", fields))) == [Reason.BAD_FRAME]


def test_what_a_wican_polled_are_values() -> None:
    found = read("wican/w-1/can/rx", {"SOC": 55.5, "HV_V": 360})
    assert found.signals == {"SOC": 55.5, "HV_V": 360.0}
    assert read("wican/w-1/can/rx", wican_frame("", {"rtr": True, "data": None})).rejections == ()


@pytest.mark.parametrize(
    ("topic", "body", "reason"),
    [
        ("positions", b"{", Reason.NOT_JSON),
        ("positions", b'"\xff"', Reason.NOT_UTF8),
        ("positions", b"[" * 100_000, Reason.NOT_JSON),
        ("positions", b" " * (PAYLOAD_LENGTH_MAX + 1), Reason.TOO_LARGE),
        ("positions", [], Reason.SCHEMA),
        ("positions", {"position": {}, "device": {}}, Reason.SCHEMA),
        ("positions", {"position": {}, "device": {"uniqueId": "a/b"}}, Reason.SCHEMA),
        ("positions", {"position": {"attributes": 1}, "device": {}}, Reason.SCHEMA),
        ("fleetwise/v/dtc", {}, Reason.SCHEMA),
        ("fleetwise/v/dtc", {"DetectedDTCs": [{"DTCAndSnapshot": {}}]}, Reason.SCHEMA),
        ("vss/v/x", {"value": []}, Reason.SCHEMA),
        ("vss/v/Vehicle/Diagnostics/DTCList", {"value": "P0301"}, Reason.SCHEMA),
        ("vss/v/Vehicle/Diagnostics/DTCCount", {"value": -1}, Reason.SCHEMA),
        ("openxc/v/diagnostic", {"mode": 3}, Reason.SCHEMA),
        ("openxc/v/diagnostic", {"mode": 64, "id": 1}, Reason.SCHEMA),
        ("openxc/v/diagnostic", {"mode": 3, "id": 1, "payload": "0xg"}, Reason.SCHEMA),
        ("wican/v/can/rx", {"frame": {}}, Reason.SCHEMA),
        ("wican//can/rx", WICAN, Reason.SCHEMA),
        ("ovms/u/v/metric/v/b/soc", b"half", Reason.SCHEMA),
        ("ovms/u/v/metric/v/b/soc", b"\xff", Reason.NOT_UTF8),
        ("ovms/u/v/metric/v/b/12v/power", b"1", Reason.TOPIC),
        ("ovms/u/v/notify/data/xrt.obd.cluster.dtc/1/-1", b"RT-OBD-ClusterDTC,1", Reason.SCHEMA),
        ("ovms/u/v/notify/data/xrt.obd.cluster.dtc/1/-1", b"1,2,3,4,5,6,7,8", Reason.SCHEMA),
    ],
    ids=lambda value: None if isinstance(value, bytes) else str(value)[:40],
)
def test_what_has_another_form_is_a_dead_letter(topic: str, body: object, reason: Reason) -> None:
    found = parse(topic, body)
    assert isinstance(found, DeadLetter)
    assert found.reason is reason


def test_a_topic_that_is_configured_too_short_names_no_device() -> None:
    registry = Registry([FOREIGN["vss"](defaults_of)])
    dialect = registry.find("vss/v/x")
    assert dialect is not None
    found = dialect.parse("vss", b"[]", received_at=NOW)
    assert isinstance(found, DeadLetter)


def test_the_same_message_twice_is_one_report_if_the_device_tells_the_time() -> None:
    registry = Registry([one(defaults_of) for one in FOREIGN.values()])
    later = NOW + timedelta(seconds=1)

    def ids(topic: str, body: object) -> set[str | None]:
        payload = json.dumps(body).encode()
        return {registry.parse(topic, payload, at).event_id for at in (NOW, later)}

    assert len(ids("positions", TRACCAR)) == 1
    assert len(ids("vss/v/Vehicle/Diagnostics/DTCList", [])) == 2


TOPICS = [
    "positions",
    "fleetwise/v/dtc",
    "vss/v/Vehicle/Diagnostics/DTCList",
    "v1/v/obd/info",
    "openxc/v/diagnostic",
    "wican/v/can/rx",
    "ovms/u/v/metric/v/p/speed",
    "ovms/u/v/notify/data/xrt.obd.cluster.dtc/7/-12",
]
KEYS = [
    *("position", "device", "attributes", "dtcs", "uniqueId", "deviceTime", "DetectedDTCs"),
    *("DTCAndSnapshot", "dtcCodes", "DTC", "ECUID", "value", "path", "data", "dp", "ts"),
    *("obd.mil", "obd.dtcs", "obd.ts", "mode", "id", "payload", "frame", "pid", "success"),
]
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(KEYS), inner),
    max_leaves=20,
)


@given(st.sampled_from(TOPICS), values)
def test_no_body_raises(topic: str, body: object) -> None:
    assert isinstance(parse(topic, body), Report | DeadLetter)


@pytest.mark.parametrize(
    "data",
    [
        [{"path": "Vehicle.Diagnostics.DTCList", "dp": {"value": ["P0301"], "ts": AT}}],
        {"path": "Vehicle.Diagnostics.DTCList", "dp": [{"value": ["P0301"], "ts": AT}]},
        {"path": "Vehicle/Diagnostics/DTCList", "dp": {"value": ["P0301"], "ts": AT}},
    ],
)
def test_a_viss_message_may_be_wrapped_in_lists_or_have_slashes(data: object) -> None:
    found = read("vss/car/x", {"action": "subscription", "data": data})
    assert codes_of(found) == ["P0301"]
    assert found.unit_at == datetime(2026, 11, 22, 10, tzinfo=UTC)


def test_numbers_of_viss_are_texts() -> None:
    (observation,) = read("vss/car/Vehicle/Diagnostics/DTCCount", {"value": "2"}).observations
    assert observation.count == 2
    dead = parse("vss/car/Vehicle/Diagnostics/DTCCount", {"value": "two"})
    assert isinstance(dead, DeadLetter)


def test_two_signals_in_one_viss_message_are_not_guessed_at() -> None:
    one = {"path": "Vehicle.Diagnostics.DTCList", "dp": {"value": [], "ts": AT}}
    assert isinstance(parse("vss/car/x", {"data": [one, one]}), DeadLetter)


def test_a_lamp_of_inhand_may_be_a_truth_value() -> None:
    found = read("v1/d/obd/info", {"obd.mil": True, "obd.dtcs": 3})
    assert [(one.mil, one.count) for one in found.observations] == [(True, 3)]
    assert found.rejections == ()


def test_a_value_that_openxc_worked_out_is_one_and_never_a_list_of_codes() -> None:
    body = {"bus": 1, "id": 2024, "mode": 1, "pid": 5, "success": True, "value": 40}
    found = read("openxc/car/diagnostic", body)
    assert (found.signals, found.observations, found.rejections) == ({"coolant_c": 40.0}, (), ())
    fast = read("openxc/car/diagnostic", body | {"pid": 13, "value": 81})
    assert fast.speed_kmh == 81.0
    for other in ({"pid": 200}, {"mode": 3, "pid": 5}, {"pid": "5"}):
        found = read("openxc/car/diagnostic", body | other)
        assert (found.signals, found.observations) == ({}, ())
    assert reasons_of(read("openxc/car/diagnostic", body | {"value": "hot"})) == [Reason.BAD_FIELD]


def test_parts_of_openxc_answers_hold_no_more_than_an_answer_can() -> None:
    registry = Registry([FOREIGN["openxc"](defaults_of)])
    half = "0x" + "00" * (ANSWER_LENGTH_MAX // 2 + 1)
    expected: list[list[Reason]] = [[], [Reason.LIMIT], [Reason.OUT_OF_SEQUENCE]]
    for number, reasons in enumerate(expected):  # what was given up is not gone on with
        found = parse(*openxc_part(number, half), registry=registry)
        assert isinstance(found, Report)
        assert reasons_of(found) == reasons
