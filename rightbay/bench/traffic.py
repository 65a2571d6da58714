"""What `rightbay bench decode` reads: frames that our simulators encode, and a real recording.

Codes come in two kinds. *Known* ones are drawn from a fleet's few hundred, so that most were read
before; *fresh* ones are drawn from all that can be written, so that hardly any was. The difference
between the two is what remembering codes contributes.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from dtc_db.codes import FMI_MAX, SPN_MAX, J1939Dtc, J2012Dtc
from gateway.model import Frame
from rightbay.recordings.read import read_recording
from simulators.ecu import ControlUnit
from simulators.model import EcuKind, Fault
from simulators.model import Frame as SentFrame
from simulators.wire.dm1 import dm1_frames, encode_dm1
from simulators.wire.link import Link

KNOWN_CODES = 300
IDLE_IDS = 100
# 3 bytes of head and 16 codes are 67 bytes: a first frame and nine more.
UDS_CODES, DM1_CODES = 16, 4
# Of a hundred frames on a bus, how many begin an answer.
MIX_ANSWERS_PCT = 3
_CAR_ID, _TRUCK_GROUPS = 0x7E8, (0xECFF, 0xFECA)

Message = tuple[Frame, ...]


@dataclass(frozen=True, slots=True)
class Traffic:
    """Frames by the message that they make; idle frames are messages of nobody.

    Attributes:
        name: Of the kind, such as ``uds``.
        messages: Frames in the order of the bus.
        answers: How many of the messages are diagnostic.
    """

    name: str
    messages: tuple[Message, ...]
    answers: int

    @property
    def frames(self) -> list[Frame]:
        """All frames in the order of the bus."""
        return [frame for message in self.messages for frame in message]


def make_traffic(messages: int, *, is_fresh: bool, seed: int = 1) -> tuple[Traffic, ...]:
    """Make as many messages of each kind, and a mix of all."""
    rng = Random(seed)  # noqa: S311 - the same traffic for everyone, not a secret
    obd = _answers_of_cars("03", 1, rng, is_fresh=is_fresh)
    uds = _answers_of_cars("1902FF", UDS_CODES, rng, is_fresh=is_fresh)
    dm1 = _broadcasts_of_trucks(rng, is_fresh=is_fresh)
    idle = _idle_frames(rng)

    def mixed() -> Iterator[Message]:
        kinds = (obd, uds, dm1)
        while True:
            yield next(rng.choice(kinds) if rng.randrange(100) < MIX_ANSWERS_PCT else idle)

    def take(name: str, source: Iterator[Message], count: int = messages) -> Traffic:
        taken = tuple(next(source) for _ in range(count))
        return Traffic(name, taken, sum(map(_is_answer, taken)))

    return (
        take("obd", obd),
        take("uds", uds),
        take("dm1", dm1),
        take("idle", idle, 10 * messages),
        take("mix", mixed(), 10 * messages),
    )


def read_traffic(path: Path, *, times: int) -> Traffic:
    """Read a recording of DM1 broadcasts; it is short, so it is gone through several times."""
    with_frames: list[Message] = []
    for message in read_recording(path):
        frame = Frame(
            message.timestamp * 1000,
            message.arbitration_id,
            bytes(message.data),
            message.is_extended_id,
        )
        if frame.can_id >> 16 & 0xFF == 0xEC or not with_frames:
            with_frames.append(())
        with_frames[-1] += (frame,)
    return Traffic(path.stem, tuple(with_frames) * times, len(with_frames) * times)


def _is_answer(message: Message) -> bool:
    can_id = message[0].can_id
    return can_id == _CAR_ID or can_id >> 8 & 0xFFFF in _TRUCK_GROUPS


def _j2012_codes(rng: Random, *, is_fresh: bool) -> Callable[[], J2012Dtc]:
    def draw() -> J2012Dtc:
        return J2012Dtc(rng.randint(1, 0xFFFF), rng.randint(0, 0xFF))

    known = [draw() for _ in range(KNOWN_CODES)]
    return draw if is_fresh else lambda: rng.choice(known)


def _answers_of_cars(request: str, count: int, rng: Random, *, is_fresh: bool) -> Iterator[Message]:
    draw = _j2012_codes(rng, is_fresh=is_fresh)
    kind = EcuKind(name="ecu", request_id=0x7E0, response_id=0x7E8, is_obd=True, is_uds=True)
    while True:
        unit = ControlUnit(kind, vin="")
        codes: dict[int, J2012Dtc] = {}
        while len(codes) < count:
            code = draw()
            codes[code.number] = code
        for code in codes.values():
            unit.set_fault(Fault(ecu="ecu", code=code, code_text=""))
        payload = unit.answer(bytes.fromhex(request), is_functional=False)
        yield _isotp_frames(payload or b"")


def _isotp_frames(payload: bytes) -> Message:
    sent: list[SentFrame] = []
    link = Link(send_id=_CAR_ID, receive_id=0x7E0, is_extended=False, send=sent.append)
    link.send(payload)
    if len(sent) == 1 and len(payload) > 7:
        link.receive(SentFrame(0x7E0, bytes.fromhex("3000000000000000"), is_extended=False))
    return _timed(sent, 1.0)


def _broadcasts_of_trucks(rng: Random, *, is_fresh: bool) -> Iterator[Message]:
    def draw() -> J1939Dtc:
        return J1939Dtc(rng.randint(1, SPN_MAX - 1), rng.randint(0, FMI_MAX))

    known = [draw() for _ in range(KNOWN_CODES)]
    while True:
        codes: dict[J1939Dtc, None] = {}
        while len(codes) < DM1_CODES:
            codes[draw() if is_fresh else rng.choice(known)] = None
        faults = [Fault(ecu="ecu", code=one, code_text="", count=1) for one in codes]
        source = rng.choice((0x00, 0x03, 0x0B, 0x21))
        yield _timed(dm1_frames(encode_dm1(faults), source_address=source), 55.0)


def _idle_frames(rng: Random) -> Iterator[Message]:
    """Make ordinary traffic, half of a car's and half of a truck's: neither is diagnostic."""
    ids = [rng.randrange(0x100, 0x700) for _ in range(IDLE_IDS // 2)]
    ids += [0x18FE0000 | rng.randrange(0xC0) << 8 for _ in range(IDLE_IDS // 2)]
    while True:
        can_id = rng.choice(ids)
        yield (Frame(0.0, can_id, rng.randbytes(8), can_id > 0x7FF),)


def _timed(sent: Sequence[SentFrame], gap_ms: float) -> Message:
    return tuple(
        Frame(index * gap_ms, one.can_id, bytes(one.data), one.is_extended)
        for index, one in enumerate(sent)
    )
