import threading
from pathlib import Path

import pytest

from simulators.model import DEMO_BOX, Event, EventKind
from simulators.running import FleetSettings, run_fleet
from simulators.unit.mqtt import BrokerAddress
from simulators.world.roster import fleet_vehicles

pytestmark = pytest.mark.integration


def run(url: str, folder: Path, *, broken_unit: str | None) -> tuple[bool, list[Event]]:
    """Drive two vehicles for a moment; whoever hears of the broken unit's reports fails."""
    events: list[Event] = []

    def tell(event: Event) -> None:
        events.append(event)
        if event.unit == broken_unit and event.kind is EventKind.REPORT_SENT:
            raise RuntimeError("a mistake of ours")

    settings = FleetSettings(
        broker=BrokerAddress.parse(url), spool=folder, seed=1, faults_over_s=0, poll_s=0.5
    )
    is_done = run_fleet(
        fleet_vehicles(2, 1, DEMO_BOX),
        settings,
        tell=tell,
        stopping=threading.Event(),
        seconds=1.5,
    )
    return is_done, events


def test_a_vehicle_that_fails_is_told_and_takes_no_other_with_it(
    broker_url: str, tmp_path: Path
) -> None:
    is_done, events = run(broker_url, tmp_path, broken_unit="petrol-0001")
    failed = [event for event in events if event.kind is EventKind.FAILED]
    assert not is_done
    assert [(event.unit, event.text) for event in failed] == [("petrol-0001", "RuntimeError")]
    assert EventKind.REPORT_SENT in {event.kind for event in events if event.unit == "bev-0002"}


def test_a_fleet_without_a_failure_is_done_and_leaves_no_thread(
    broker_url: str, tmp_path: Path
) -> None:
    before = set(threading.enumerate())
    is_done, _ = run(broker_url, tmp_path, broken_unit=None)
    assert is_done
    assert set(threading.enumerate()) == before
