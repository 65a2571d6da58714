"""A vehicle: a bus with the control units of its kind, in which faults can be set and removed."""

import threading
from collections.abc import Iterable

from dtc_db.codes import J1939Dtc
from simulators.ecu import ControlUnit
from simulators.model import BusType, CarKind, Fault, Frame
from simulators.wire.dm1 import Broadcast, encode_dm1
from simulators.wire.link import Link, single_frame_payload
from simulators.wire.reading import Node, Send


class Answerer:
    """A control unit on a CAN bus: hears requests to itself and to everyone, and answers."""

    def __init__(self, unit: ControlUnit, car: CarKind, send: Send, lock: threading.Lock) -> None:
        self._unit = unit
        self._functional_id = car.functional_id
        self._lock = lock
        self._now_s = 0.0
        self._link = Link(
            send_id=unit.kind.response_id,
            receive_id=unit.kind.request_id,
            is_extended=car.is_extended,
            send=send,
        )

    def receive(self, frame: Frame, *, now_s: float) -> None:
        """Answer the request that ends with this frame, if one does."""
        self._now_s = now_s
        if frame.can_id == self._unit.kind.request_id:
            for request in self._link.receive(frame):
                self._answer(request, is_functional=False)
        elif frame.can_id == self._functional_id:
            # ISO 15765-4: a functional request is always a single frame.
            payload = single_frame_payload(frame.data)
            if payload is not None:
                self._answer(payload, is_functional=True)

    def tick(self, *, now_s: float) -> None:
        """Send the consecutive frames that are due."""
        self._now_s = now_s
        if self._link.wait_s is not None:
            for request in self._link.tick():
                self._answer(request, is_functional=False)

    @property
    def deadline_s(self) -> float | None:
        """When the next consecutive frame is due, or flow control is late."""
        wait_s = self._link.wait_s
        return None if wait_s is None else self._now_s + wait_s

    def _answer(self, request: bytes, *, is_functional: bool) -> None:
        with self._lock:
            answer = self._unit.answer(request, is_functional=is_functional)
        if answer is not None:
            self._link.send(answer)


class Broadcaster:
    """A control unit on a J1939 bus: says what is active, once a second and on change."""

    def __init__(self, unit: ControlUnit, send: Send, lock: threading.Lock) -> None:
        self._unit = unit
        self._send = send
        self._lock = lock
        self._broadcast = Broadcast(unit.kind.response_id)

    def receive(self, frame: Frame, *, now_s: float) -> None:
        """Nothing that comes by changes what this control unit says."""

    def tick(self, *, now_s: float) -> None:
        """Send the frame that is due."""
        with self._lock:
            payload = encode_dm1(self._unit.faults)
        for frame in self._broadcast.frames_due(payload, now_s=now_s):
            self._send(frame)

    @property
    def deadline_s(self) -> float:
        """When the next frame is due."""
        return self._broadcast.deadline_s


class Vehicle:
    """The control units of one vehicle. Faults may be set and removed from any thread."""

    def __init__(self, car: CarKind, *, vin: str) -> None:
        self.car = car
        self._lock = threading.Lock()
        self._units = {kind.name: ControlUnit(kind, vin=vin) for kind in car.ecus}

    def nodes(self, send: Send) -> tuple[Node, ...]:
        """Put the control units on a bus."""
        if self.car.bus is BusType.J1939:
            return tuple(Broadcaster(unit, send, self._lock) for unit in self._units.values())
        return tuple(Answerer(unit, self.car, send, self._lock) for unit in self._units.values())

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What has failed in any control unit."""
        with self._lock:
            return tuple(fault for unit in self._units.values() for fault in unit.faults)

    def set_faults(self, faults: Iterable[Fault]) -> None:
        """Let faults be there, all at one time.

        Raises:
            ValueError: If a fault names a control unit that this vehicle has not, or a code of the
                other kind of bus; then none is set.
        """
        faults = tuple(faults)
        for fault in faults:
            is_j1939 = isinstance(fault.code, J1939Dtc)
            if fault.ecu not in self._units or is_j1939 != (self.car.bus is BusType.J1939):
                raise ValueError(f"a {self.car.name} has no {fault.code_text} in {fault.ecu!r}")
        with self._lock:
            for fault in faults:
                self._units[fault.ecu].set_fault(fault)

    def remove_faults(self, faults: Iterable[Fault]) -> None:
        """Let faults be gone."""
        with self._lock:
            for fault in faults:
                self._units[fault.ecu].remove_fault(fault)
