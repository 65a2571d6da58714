from dtc_db.codes import J1939Dtc
from simulators.model import BusType, Fault, Frame
from simulators.wire.dm1 import dm1_frames, encode_dm1
from simulators.wire.listener import SILENCE_S_MAX, Listener
from simulators.wire.reading import Reading


def payload(*spns: int) -> bytes:
    return encode_dm1(
        [Fault(ecu="", code=J1939Dtc(spn, 1), code_text=f"SPN {spn} FMI 1") for spn in spns]
    )


def frames(source: int, *spns: int) -> tuple[Frame, ...]:
    return dm1_frames(payload(*spns), source_address=source)


class Ear:
    def __init__(self) -> None:
        self.listener = Listener(period_s=10, first_s=1)

    def hear(self, *heard: Frame, at_s: float) -> None:
        for number, frame in enumerate(heard):
            self.listener.receive(frame, now_s=at_s + number / 1000)

    def reading(self, at_s: float) -> Reading | None:
        self.listener.tick(now_s=at_s)
        return self.listener.take()


def test_the_first_reading_waits_until_everyone_spoke() -> None:
    ear = Ear()
    ear.hear(*frames(0), at_s=0.1)
    assert ear.reading(0.9) is None
    ear.hear(*frames(11, 1087, 1088), at_s=0.95)
    reading = ear.reading(1.0)
    assert reading is not None
    assert reading.bus is BusType.J1939
    assert reading.answers == {(0, payload()), (11, payload(1087, 1088))}
    assert [seen.frame for seen in reading.frames] == [*frames(0), *frames(11, 1087, 1088)]


def test_a_change_is_read_when_the_bus_has_settled() -> None:
    ear = Ear()
    ear.hear(*frames(0), at_s=0.1)
    assert ear.reading(1.0)
    ear.hear(*frames(0, 100), at_s=1.1)
    assert ear.reading(1.2) is None
    ear.hear(*frames(3, 191), at_s=1.2)
    reading = ear.reading(1.45)
    assert reading is not None
    assert reading.answers == {(0, payload(100)), (3, payload(191))}


def test_what_is_said_again_is_no_reason_to_read() -> None:
    ear = Ear()
    ear.hear(*frames(0, 100), at_s=0.1)
    assert ear.reading(1.0)
    ear.hear(*frames(0, 100), at_s=1.1)
    assert ear.reading(5.0) is None


def test_a_transfer_with_a_lost_packet_is_in_no_reading() -> None:
    ear = Ear()
    announcement, first, _lost, third = frames(0, 100, 101, 102, 103)
    ear.hear(announcement, first, third, *frames(3), at_s=0.1)
    reading = ear.reading(1.0)
    assert reading is not None
    assert reading.answers == {(3, payload())}
    assert [seen.frame for seen in reading.frames] == [*frames(3)]


def test_interleaved_transfers_are_both_whole() -> None:
    ear = Ear()
    one, other = frames(0, 100, 101, 102), frames(11, 1087, 1088, 1089)
    mixed = [frame for pair in zip(one, other, strict=True) for frame in pair]
    ear.hear(*mixed, at_s=0.1)
    reading = ear.reading(1.0)
    assert reading is not None
    assert reading.answers == {(0, payload(100, 101, 102)), (11, payload(1087, 1088, 1089))}


def test_a_source_that_fell_silent_says_nothing_any_more() -> None:
    ear = Ear()
    ear.hear(*frames(0, 100), *frames(3), at_s=0.1)
    assert ear.reading(1.0)
    ear.hear(*frames(3), at_s=10)
    reading = ear.reading(11 + SILENCE_S_MAX / 10)
    assert reading is not None
    assert reading.answers == {(3, payload())}


def test_other_traffic_is_not_kept() -> None:
    ear = Ear()
    noise = (
        Frame(0x18F00400, bytes(8), is_extended=True),  # engine speed
        Frame(0x7E8, bytes(8)),
        Frame(0x1CECFF00, bytes.fromhex("20120003ffe5fe00"), is_extended=True),  # other group
        Frame(0x1CEBFF00, bytes.fromhex("0100000000000000"), is_extended=True),
    )
    ear.hear(*noise, at_s=0.1)
    assert ear.reading(2.0) is None
