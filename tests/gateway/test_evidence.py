"""What is kept of a fault: the bytes, the values near it, and the control unit's own snapshot."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from gateway.decode import decode_frames
from gateway.dialects.traffic import read_traffic
from gateway.episodes import Episode, advance
from gateway.evidence import NOTHING_NEW, RAW_LENGTH_MAX, SIGNALS_MAX, Evidence
from gateway.model import Bus, DataRecord, Frame, Observation, Report
from gateway.protocols.messages import DEFAULTS, BusSettings
from gateway.protocols.uds_records import UdsSettings

P0301 = "0443010301"
WHOSE, RPM, COOLANT = "0542020003 01", "0542 0C 00 1AF8", "0442 05 00 7B"


def frames(*texts: str) -> list[Frame]:
    return [Frame(0.0, 0x7E8, bytes.fromhex(one).ljust(8, b"\xaa")) for one in texts]


def report(observations: Sequence[Observation], **more: Any) -> Report:
    return Report(
        unit="u",
        event_id="r1",
        digest=b"",
        payload=b"",
        received_at=datetime(2026, 3, 1, tzinfo=UTC),
        observations=tuple(observations),
        **more,
    )


def episodes(*texts: str, known: Sequence[Episode] = (), **more: Any) -> tuple[Episode, ...]:
    observations, rejections = decode_frames(frames(*texts), bus=Bus.CAN)
    assert rejections == ()
    return advance(known, report(observations, **more)).episodes


def test_the_values_of_now_and_those_of_the_freeze_frame_are_kept_apart() -> None:
    (episode,) = episodes(P0301, WHOSE, RPM, COOLANT, signals={"coolant_c": 40.0}, speed_kmh=12.0)
    assert episode.evidence == Evidence(
        report="r1",
        raw=bytes.fromhex("43010301"),
        signals=(("coolant_c", 40.0), ("speed_kmh", 12.0)),
        snapshot=(("engine_rpm", 1726.0), ("coolant_c", 83.0)),
    )


def test_a_freeze_frame_belongs_to_the_code_that_caused_it_only() -> None:
    first, second = episodes("0643020301 0302", WHOSE, RPM)
    assert first.evidence.snapshot == (("engine_rpm", 1726.0),)
    assert second.evidence.snapshot == ()
    (other,) = episodes(P0301, "0542020103 01", RPM)  # of another frame: number 1, not 0
    assert other.evidence.snapshot == ()


def test_a_freeze_frame_that_comes_later_is_added_and_the_first_values_stay() -> None:
    (first,) = episodes(P0301, speed_kmh=12.0)
    (later,) = episodes(P0301, WHOSE, RPM, known=[first], speed_kmh=90.0)
    assert later.evidence.signals == (("speed_kmh", 12.0),)
    assert later.evidence.snapshot == (("engine_rpm", 1726.0),)
    # As the store gives it back: what it keeps already is not read again.
    (stored,) = episodes(P0301, known=[first], speed_kmh=90.0)
    assert stored.evidence == first.evidence


def test_snapshots_of_uds_are_kept_with_their_code() -> None:
    answer = bytes.fromhex("5904 0301 1C 09 01 01 F40D 32")
    settings = BusSettings(uds=UdsSettings(did_lengths={0xF40D: 1}))
    long = [Frame(0.0, 0x7E8, bytes((0x00, len(answer))) + answer)]
    observations, _ = decode_frames(long, bus=Bus.CAN, settings=settings)
    (episode,) = advance((), report(observations)).episodes
    (record,) = episode.evidence.records
    assert record == DataRecord(kind="snapshot", number=1, did=0xF40D, raw=b"\x32")


def test_what_is_kept_is_bounded_and_ours_comes_first() -> None:
    many = {f"x{number}_v": 1.0 for number in range(200)} | {"coolant_c": 90.0}
    codes = "".join(f"{number:04X}" for number in range(1, 256))
    whole = bytes.fromhex(f"43FF{codes}")
    (observation,) = [
        Observation(ecu="7E8", protocol="obd", service="03", outcome=one.outcome, codes=one.codes)
        for one in [_observe(whole)]
    ]
    made = advance((), report([observation._replace(raw=whole * 2)], signals=many)).episodes
    evidence = made[0].evidence
    assert len(made) == 255
    assert len(evidence.signals) == SIGNALS_MAX
    assert ("coolant_c", 90.0) in evidence.signals
    assert len(evidence.raw) == RAW_LENGTH_MAX


def _observe(payload: bytes) -> Observation:
    chunks = [payload[6:][at : at + 7] for at in range(0, len(payload) - 6, 7)]
    first = bytes((0x10 | len(payload) >> 8, len(payload) & 0xFF)) + payload[:6]
    rest = [bytes((0x20 | (at + 1) & 0x0F,)) + chunk for at, chunk in enumerate(chunks)]
    sent = [Frame(0.0, 0x7E8, one) for one in (first, *rest)]
    ((observation,), _) = decode_frames(sent, bus=Bus.CAN)
    return observation


def test_live_values_reach_the_report_without_a_file() -> None:
    live = frames("0441057BAAAA", "06410D32 2F80AA", "0641018307E5E5AA", WHOSE, RPM)
    traffic = read_traffic(live, bus=Bus.CAN, settings=DEFAULTS)
    assert traffic.values["coolant_c"] == 83.0
    assert traffic.values["speed_kmh"] == 50.0
    assert "engine_rpm" not in traffic.values
    assert "monitors_supported" not in traffic.values
    assert traffic.position is None


def test_a_report_without_news_adds_no_evidence() -> None:
    assert NOTHING_NEW.with_details((), ()) == NOTHING_NEW
    assert episodes("0243 00", WHOSE)[0].evidence.raw == bytes.fromhex("4202000301")
