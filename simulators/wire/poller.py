"""Asks the control units of a car or van for their codes, in turn and again and again.

    resting ──period──▶ asking ──answered or late──▶ asking the next … ──all asked──▶ resting
                                                                            (a reading stands)

Emission services are asked of everyone at once (the functional id), so an answer does not end the
waiting: silence does. UDS is asked of each control unit by itself. Nothing sent could change a
vehicle.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from simulators.model import BusType, CarKind, Frame
from simulators.wire.link import Link
from simulators.wire.reading import FRAMES_MAX, Reading, Send, TimedFrame

ANSWER_S_MAX = 0.15
"""How long to wait for a first answer: P2 is 50 ms (ISO 14229-2), and we are not alone here."""
QUIET_S = 0.05
"""Silence after which nobody else will answer a functional request (P2 of ISO 15765-4)."""
PENDING_S_MAX = 5.0
"""How long "answer pending" (7F xx 78) keeps us waiting: P2* of ISO 14229-2."""

TRANSFER_S_MAX = 1.0
"""How long the next frame of an answer may take (N_Cr of ISO 15765-2)."""

EMISSION_SERVICES = (b"\x03", b"\x07", b"\x0a")


@dataclass(frozen=True, slots=True)
class Request:
    """What to ask, and of whom; ``response_id`` is None where everyone may answer."""

    request_id: int
    payload: bytes
    response_id: int | None


def requests_of(car: CarKind, *, status_mask: int) -> tuple[Request, ...]:
    """List what one poll asks.

    Args:
        car: Emission services are left out where no control unit has them.
        status_mask: For UDS 0x19 02: only codes that share a status bit with it are listed.
    """
    emission = EMISSION_SERVICES if any(ecu.is_obd for ecu in car.ecus) else ()
    return (
        *(Request(car.functional_id, service, None) for service in emission),
        *(
            Request(ecu.request_id, bytes((0x19, 0x02, status_mask)), ecu.response_id)
            for ecu in car.ecus
            if ecu.is_uds
        ),
    )


class Poller:
    """A reader for CAN with ISO-TP."""

    def __init__(
        self,
        car: CarKind,
        send: Send,
        *,
        period_s: float,
        first_s: float,
        status_mask: int = 0x0D,
    ) -> None:
        """Get ready to ask.

        Args:
            car: Who is on the bus.
            send: Puts a frame on it.
            period_s: Between the beginnings of two polls.
            first_s: When to begin the first poll, monotonic.
            status_mask: Of UDS 0x19 02; failing now, pending or confirmed unless told otherwise.
        """
        self._car = car
        self._send = send
        self._period_s = period_s
        self._requests = requests_of(car, status_mask=status_mask)
        self._links: Mapping[int, Link] = {
            ecu.response_id: Link(
                send_id=ecu.request_id,
                receive_id=ecu.response_id,
                is_extended=car.is_extended,
                send=send,
            )
            for ecu in car.ecus
        }
        self._ids = frozenset(_ids(car))
        self._open: deque[Request] = deque()
        self._asked: Request | None = None
        self._give_up_s = 0.0
        self._next_s = first_s
        self._frames: list[TimedFrame] = []
        self._answers: set[tuple[int, bytes]] = set()
        self._reading: Reading | None = None

    def receive(self, frame: Frame, *, now_s: float) -> None:
        """Take a frame; those of other conversations are not ours to keep."""
        if self._asked is None or frame.can_id not in self._ids:
            return
        self._frames.append(TimedFrame(now_s, frame))
        link = self._links.get(frame.can_id)
        if link is None:
            return
        for message in link.receive(frame):
            self._take_message(link.receive_id, message, now_s=now_s)
        if any(link.is_receiving for link in self._links.values()):
            self._give_up_s = max(self._give_up_s, now_s + TRANSFER_S_MAX)

    def tick(self, *, now_s: float) -> None:
        """Ask the next one if the last one is done, begin a poll if it is time."""
        for link in self._links.values():
            if link.is_receiving:
                link.tick()
        if self._asked is not None and now_s < self._give_up_s:
            return
        if self._asked is None:
            if now_s < self._next_s:
                return
            self._begin(now_s=now_s)
        if not self._open or len(self._frames) >= FRAMES_MAX:
            self._finish()
            return
        self._asked = self._open.popleft()
        self._give_up_s = now_s + ANSWER_S_MAX
        self._ask(self._asked)

    @property
    def deadline_s(self) -> float:
        """When the next request is due."""
        return self._next_s if self._asked is None else self._give_up_s

    def take(self) -> Reading | None:
        """Return the latest reading once."""
        reading, self._reading = self._reading, None
        return reading

    def _begin(self, *, now_s: float) -> None:
        self._next_s = now_s + self._period_s
        self._open.extend(self._requests)
        self._frames.clear()
        self._answers.clear()

    def _finish(self) -> None:
        self._asked = None
        self._open.clear()
        self._reading = Reading(
            bus=BusType.CAN, frames=tuple(self._frames), answers=frozenset(self._answers)
        )

    def _ask(self, request: Request) -> None:
        if request.response_id is not None:
            self._links[request.response_id].send(request.payload)
            return
        data = bytes((len(request.payload),)) + request.payload
        self._send(
            Frame(request.request_id, data.ljust(8, b"\xaa"), is_extended=self._car.is_extended)
        )

    def _take_message(self, response_id: int, message: bytes, *, now_s: float) -> None:
        if len(message) == 3 and message[0] == 0x7F and message[2] == 0x78:
            self._give_up_s = now_s + PENDING_S_MAX
            return
        self._answers.add((response_id, message))
        if self._asked is not None and self._asked.response_id == response_id:
            self._give_up_s = now_s
        elif self._asked is not None and self._asked.response_id is None:
            self._give_up_s = now_s + QUIET_S


def _ids(car: CarKind) -> Iterable[int]:
    yield car.functional_id
    for ecu in car.ecus:
        yield ecu.request_id
        yield ecu.response_id
