"""Who takes part in `rightbay bench decode`: we, and the peers that are installed here.

Each gets the frames in the form that it takes, made beforehand, and is driven the fastest way that
its interface allows: no threads, no sockets, no log lines. None of them is needed to run the
service; udsoncan, py-uds, can-j1939 and pretty_j1939 come with the development requirements.
"""

import importlib
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from gateway.model import Bus
from gateway.protocols import j1939, messages, obd, uds_records
from gateway.protocols.listener import Listener
from gateway.protocols.listener import Message as Heard
from rightbay.bench.traffic import Traffic
from rightbay.bench.turns import Run

OURS = "rightbay"
RECORDED = "truck_dm1_bam"
_JOINS = frozenset({"obd", "uds"})


class Contender(NamedTuple):
    """One way to read frames.

    Attributes:
        name: What it is called in the table.
        module: What has to be installed; empty for ourselves.
        kinds: The traffic it reads.
        prepare: Makes what is timed, of traffic; it returns how many messages it understood.
    """

    name: str
    module: str
    kinds: frozenset[str]
    prepare: Callable[[Traffic], Run]


def forget() -> None:
    """Empty our decoders' memories of codes, so that all that follows is fresh."""
    for module in (j1939, obd, uds_records):
        for value in vars(module).values():
            if hasattr(value, "cache_clear"):
                value.cache_clear()


def is_installed(contender: Contender) -> bool:
    """Whether it can take part here."""
    try:
        importlib.import_module(contender.module or __name__)
    except ImportError:
        return False
    return True


def _ours(traffic: Traffic) -> Run:
    frames = traffic.frames

    def run() -> int:
        done = 0
        for heard in Listener(Bus.CAN).hear(frames):
            if isinstance(heard, Heard) and messages.decode(heard, bus=Bus.CAN) is not None:
                done += 1
        return done

    return run


def _ours_joining(traffic: Traffic) -> Run:
    frames = traffic.frames
    return lambda: sum(1 for _ in Listener(Bus.CAN).hear(frames))


def _isotp(traffic: Traffic, decode: Callable[[bytes], object] | None = None) -> Run:
    isotp: Any = importlib.import_module("isotp")
    frames = [
        isotp.CanMessage(
            arbitration_id=frame.can_id,
            data=frame.data,
            dlc=len(frame.data),
            extended_id=frame.is_extended,
        )
        for frame in traffic.frames
    ]
    waiting: deque[Any] = deque()
    address = isotp.Address(isotp.AddressingMode.Normal_11bits, txid=0x7E0, rxid=0x7E8)
    layer = isotp.TransportLayerLogic(
        rxfn=lambda _timeout: waiting.popleft() if waiting else None,
        txfn=lambda _message: None,
        address=address,
        params={"stmin": 0, "blocksize": 0, "wait_func": lambda _seconds: None},
    )

    def run() -> int:
        waiting.extend(frames)
        layer.process()
        done = 0
        while (payload := layer.recv()) is not None:
            if decode is not None:
                decode(bytes(payload))
            done += 1
        return done

    return run


def _isotp_and_udsoncan(traffic: Traffic) -> Run:
    udsoncan: Any = importlib.import_module("udsoncan")
    service = importlib.import_module("udsoncan.services").ReadDTCInformation

    def decode(payload: bytes) -> None:
        service.interpret_response(udsoncan.Response.from_payload(payload), subfunction=2)

    return _isotp(traffic, decode)


def _isotp_and_py_uds(traffic: Traffic) -> Run:
    return _isotp(traffic, importlib.import_module("uds.translator").BASE_TRANSLATOR.decode)


class _Application:
    """Stands where can-j1939 expects an application, which would bring threads along."""

    def subscribe(self, callback: Callable[..., None]) -> None:
        self.callback = callback


def _can_j1939(traffic: Traffic) -> Run:
    peer: Any = importlib.import_module("j1939")
    layer = importlib.import_module("j1939.j1939_21").J1939_21
    application = _Application()
    done = 0

    def count(*_: object) -> None:
        nonlocal done
        done += 1

    peer.Dm1(application).subscribe(count)

    def notify(
        priority: int, pgn: int, source: int, _destination: int, timestamp: float, data: object
    ) -> None:
        application.callback(priority, pgn, source, timestamp, data)

    node = layer(lambda *_: None, lambda: None, notify, 255, None, None, lambda _address: True)
    frames = [(frame.can_id, bytearray(frame.data)) for frame in traffic.frames]

    def run() -> int:
        nonlocal done
        done = 0
        for can_id, data in frames:
            node.notify(can_id, data, 0.0)
        return done

    return run


def _pretty_j1939(traffic: Traffic) -> Run:
    describe: Any = importlib.import_module("pretty_j1939.describe").get_describer()
    # A hundred messages are enough to know its pace.
    frames = [frame for message in traffic.messages[:100] for frame in message]
    return lambda: sum("DTC 1" in describe(frame.data, frame.can_id) for frame in frames)


def _peers_together(traffic: Traffic) -> Run:
    """Give each frame to the peer that its id belongs to, as somebody who wires them would."""

    def part(name: str, *, is_extended: bool) -> Traffic:
        chosen = tuple(one for one in traffic.messages if one[0].is_extended is is_extended)
        return Traffic(name, chosen, 0)

    cars = _isotp(part("cars", is_extended=False), _read_as_either())
    trucks = _can_j1939(part("trucks", is_extended=True))
    answers = traffic.answers

    def run() -> int:
        cars()
        trucks()
        return answers

    return run


def _read_as_either() -> Callable[[bytes], object]:
    udsoncan: Any = importlib.import_module("udsoncan")
    service = importlib.import_module("udsoncan.services").ReadDTCInformation

    def decode(payload: bytes) -> object:
        if payload[0] != 0x59:  # it knows no OBD: that is free for it
            return None
        return service.interpret_response(udsoncan.Response.from_payload(payload), subfunction=2)

    return decode


CONTENDERS = (
    Contender(OURS, "", frozenset({"obd", "uds", "dm1", "idle", "mix", RECORDED}), _ours),
    Contender(f"{OURS}, joining only", "", _JOINS, _ours_joining),
    Contender("can-isotp, joining only", "isotp", _JOINS | {"idle"}, _isotp),
    Contender("can-isotp and udsoncan", "udsoncan", frozenset({"uds"}), _isotp_and_udsoncan),
    Contender("can-isotp and py-uds", "uds", frozenset({"uds"}), _isotp_and_py_uds),
    Contender("can-j1939", "j1939", frozenset({"dm1", "idle", RECORDED}), _can_j1939),
    Contender("pretty_j1939", "pretty_j1939.describe", frozenset({"dm1", RECORDED}), _pretty_j1939),
    Contender("can-isotp, udsoncan, can-j1939", "j1939", frozenset({"mix"}), _peers_together),
)
