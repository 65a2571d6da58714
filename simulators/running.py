"""A fleet under way: a thread for each vehicle, and one that breaks and mends them by plan.

The thread of a vehicle serves its bus, its control units and its telematics unit; paho keeps one
more for its line. Nothing is shared between vehicles but the ear that hears what happens.
"""

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random

from simulators.model import BusType, Event, EventKind, Scenario
from simulators.unit.device import TOPIC_PREFIX, Means, TelematicsUnit, Topics
from simulators.unit.mqtt import BrokerAddress, Connection
from simulators.unit.spool import Spool
from simulators.vehicle import Vehicle
from simulators.wire.bus import BusSettings, Pump
from simulators.wire.listener import Listener
from simulators.wire.poller import Poller
from simulators.wire.reading import Reader, Send
from simulators.world.plan import plan_faults
from simulators.world.roster import SimulatedVehicle

READY_S_MAX = 3.0
"""How long the start waits for the lines; a unit whose broker is away drives off all the same."""
HEARD_S = 1.3
"""A truck is listened to so long before its first report: every source speaks once a second."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetSettings:
    """How a fleet behaves.

    Attributes:
        broker: Where reports go.
        spool: Folder of the units' memories; must exist.
        poll_s: Between two readings of one vehicle.
        heartbeat_s: After so long an unchanged vehicle is reported again.
        faults_over_s: From the first fault to the last one.
    """

    broker: BrokerAddress
    spool: Path
    seed: int
    faults_over_s: float
    bus: BusSettings = field(default_factory=BusSettings)
    prefix: str = TOPIC_PREFIX
    poll_s: float = 2.0
    heartbeat_s: float = 300.0


class Running:
    """One vehicle that is under way: its thread, its bus, its unit, its line."""

    def __init__(
        self,
        spec: SimulatedVehicle,
        settings: FleetSettings,
        tell: Callable[[Event], None],
        stack: ExitStack,
    ) -> None:
        self.spec = spec
        self.vehicle = Vehicle(spec.car, vin=spec.vin)
        self.is_failed = False
        self._settings = settings
        self._tell = tell
        self._spool = stack.enter_context(Spool(settings.spool / f"{spec.unit}.sqlite"))
        self._bus = settings.bus.open(unit=spec.unit, number=spec.number)
        stack.callback(self._bus.shutdown)
        self._pump = Pump(self._bus)
        self._topics = Topics.of(spec.unit, prefix=settings.prefix)
        self.line = Connection(
            settings.broker,
            client_id=spec.unit,
            topics=(self._topics.receipt, self._topics.referral),
            on_change=self._line_changed,
        )
        stack.callback(self.line.close)
        self._thread = threading.Thread(target=self._run, name=spec.unit)

    def start(self) -> None:
        """Switch the ignition on."""
        now_s = time.monotonic()
        random = Random()  # noqa: S311  (jitter: units must differ, also after a restart)
        means = Means(
            line=self.line,
            topics=self._topics,
            tell=self._tell,
            heartbeat_s=self._settings.heartbeat_s,
            random=random,
            new_id=lambda: uuid.uuid4().hex,
        )
        reader = self._reader(self._pump.send, now_s=now_s, random=random)
        unit = TelematicsUnit(
            self.spec, reader=reader, spool=self._spool, means=means, start_s=now_s
        )
        self._pump.attach((*self.vehicle.nodes(self._pump.send), unit))
        self._thread.start()

    def stop(self) -> None:
        """Switch it off; `join` waits for it."""
        self._pump.stop()

    def join(self) -> None:
        """Wait until the thread has ended."""
        if self._thread.ident is not None:
            self._thread.join()

    def _reader(self, send: Send, *, now_s: float, random: Random) -> Reader:
        poll_s = self._settings.poll_s
        if self.spec.car.bus is BusType.J1939:
            return Listener(period_s=poll_s, first_s=now_s + HEARD_S)
        # Spread, so that a fleet that starts at one time does not poll at one time for ever.
        first_s = now_s + random.uniform(0, min(poll_s, 1.0))
        return Poller(self.spec.car, send, period_s=poll_s, first_s=first_s)

    def _run(self) -> None:
        try:
            self._pump.run()
        except Exception as error:
            self.is_failed = True
            log.exception("vehicle_failed unit=%s", self.spec.unit)
            self._say(EventKind.FAILED, text=type(error).__name__)

    def _line_changed(self, is_ready: bool, text: str) -> None:  # noqa: FBT001  (a callback)
        kind = EventKind.CONNECTED if is_ready else EventKind.DISCONNECTED
        self._say(kind, text=text)

    def set_scenario(self, scenario: Scenario) -> None:
        """Let it go wrong."""
        # Told first: the report may be on its way before this thread goes on.
        self._say(EventKind.FAULT_SET, scenario=scenario)
        self.vehicle.set_faults(scenario.faults)

    def remove_scenario(self, scenario: Scenario) -> None:
        """Let it be well again."""
        self._say(EventKind.FAULT_REMOVED, scenario=scenario)
        self.vehicle.remove_faults(scenario.faults)

    def _say(
        self, kind: EventKind, *, scenario: Scenario | None = None, text: str | None = None
    ) -> None:
        self._tell(
            Event(
                kind=kind,
                at_s=time.monotonic(),
                unit=self.spec.unit,
                scenario=scenario.name if scenario else None,
                codes=tuple(fault.code_text for fault in scenario.faults) if scenario else (),
                text=text,
            )
        )


def run_fleet(
    vehicles: Sequence[SimulatedVehicle],
    settings: FleetSettings,
    *,
    tell: Callable[[Event], None],
    stopping: threading.Event,
    seconds: float | None,
) -> bool:
    """Drive a fleet until it is told to stop, or for a time.

    Args:
        vehicles: Who drives.
        settings: How.
        tell: Hears of everything, from several threads.
        stopping: Set by whoever wants it to end.
        seconds: From the start of the vehicles; None for ever.

    Returns:
        Whether every vehicle ran to the end.

    Raises:
        SpoolError: If a unit has no memory.
        can.CanError: If a bus cannot be opened.
    """
    with ExitStack() as stack:
        fleet = {spec.unit: Running(spec, settings, tell, stack) for spec in vehicles}
        for running in fleet.values():
            running.line.open()
        _wait_for_lines(fleet.values(), stopping)
        start_s = time.monotonic()
        tell(Event(kind=EventKind.STARTED, at_s=start_s, text=f"{len(fleet)} vehicles"))
        try:
            for running in fleet.values():
                running.start()
            _play(fleet, settings, start_s=start_s, stopping=stopping, seconds=seconds)
        finally:
            for running in fleet.values():
                running.stop()
            for running in fleet.values():
                running.join()
                running.line.hang_up()
    return not any(running.is_failed for running in fleet.values())


def _wait_for_lines(fleet: Iterable[Running], stopping: threading.Event) -> None:
    """Give the lines a moment, so that the first fault is not measured with the connecting."""
    deadline_s = time.monotonic() + READY_S_MAX
    for running in fleet:
        while not running.line.is_ready and time.monotonic() < deadline_s:
            if stopping.wait(0.01):
                return


def _play(
    fleet: Mapping[str, Running],
    settings: FleetSettings,
    *,
    start_s: float,
    stopping: threading.Event,
    seconds: float | None,
) -> None:
    """Set and remove faults when their time has come."""
    specs = [running.spec for running in fleet.values()]
    plan = plan_faults(specs, seed=settings.seed, over_s=settings.faults_over_s)
    actions: list[tuple[float, Callable[[], None]]] = []
    for planned in plan:
        running, scenario = fleet[planned.unit], planned.scenario
        actions.append((planned.starts_s, partial(running.set_scenario, scenario)))
        if planned.ends_s is not None:
            actions.append((planned.ends_s, partial(running.remove_scenario, scenario)))
    actions.sort(key=lambda action: action[0])
    for due_s, act in actions:
        if seconds is not None and due_s > seconds:
            break
        if stopping.wait(max(0.0, start_s + due_s - time.monotonic())):
            return
        act()
    stopping.wait(None if seconds is None else max(0.0, start_s + seconds - time.monotonic()))
