import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import count, pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.model import DEMO_BOX, Event, EventKind
from simulators.testing import FakeLine, HandTurnedBus
from simulators.unit.device import Means, TelematicsUnit, Topics, parse_receipt
from simulators.unit.mqtt import Arrival
from simulators.unit.spool import Spool
from simulators.vehicle import Vehicle
from simulators.wire.listener import Listener
from simulators.wire.poller import Poller
from simulators.world.catalogue import load_catalogue
from simulators.world.roster import SimulatedVehicle, fleet_vehicles

PETROL, BEV, TRUCK, _VAN = fleet_vehicles(4, 1, DEMO_BOX)
TOPICS = Topics.of("unit")


class Bench:
    """A unit in a vehicle on a virtual bus, with a broker that the test plays."""

    def __init__(self, spec: SimulatedVehicle, path: Path, *, reports_max: int = 100) -> None:
        self.spec = spec
        self.path = path
        self.vehicle = Vehicle(spec.car, vin=spec.vin)
        self.line = FakeLine()
        self.events: list[Event] = []
        self.spool = Spool(path, reports_max=reports_max)
        self.bus = HandTurnedBus()
        self._ids = count(1)
        self.switch_on()

    def switch_on(self) -> None:
        now_s, car = self.bus.now_s, self.spec.car
        if self.spec is TRUCK:
            reader: Poller | Listener = Listener(period_s=2, first_s=now_s + 1.3)
        else:
            reader = Poller(car, self.bus.send, period_s=2, first_s=now_s)
        means = Means(
            line=self.line,
            topics=TOPICS,
            tell=self.events.append,
            heartbeat_s=300,
            random=Random(1),  # noqa: S311  (jitter)
            new_id=lambda: f"{now_s:.0f}-{next(self._ids)}",
            wall_clock=lambda: datetime(2026, 11, 22, 10, 30, tzinfo=UTC),
        )
        unit = TelematicsUnit(
            self.spec, reader=reader, spool=self.spool, means=means, start_s=now_s
        )
        self.bus.attach(*self.vehicle.nodes(self.bus.send), unit)

    def restart(self) -> None:
        self.spool.close()
        self.spool = Spool(self.path)
        self.line.inbox.queue.clear()
        self.switch_on()

    def set_fault(self, index: int = 0) -> None:
        scenario = load_catalogue().scenarios_of(self.spec.car.name)[index]
        self.vehicle.set_faults(scenario.faults)

    def arrive(self, topic: str, body: object) -> None:
        payload = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.line.inbox.put(Arrival(topic, payload, self.bus.now_s))

    @property
    def reports(self) -> list[dict[str, Any]]:
        assert all(topic == TOPICS.report for topic, _ in self.line.published)
        return [json.loads(body) for _, body in self.line.published]

    @property
    def ids(self) -> list[str]:
        return [report["id"] for report in self.reports]

    def told(self, kind: EventKind) -> list[str | None]:
        return [event.id for event in self.events if event.kind is kind]

    def close(self) -> None:
        self.bus.__exit__()
        self.spool.close()


@pytest.fixture
def petrol(tmp_path: Path) -> Iterator[Bench]:
    with closing(Bench(PETROL, tmp_path / "unit.sqlite")) as bench:
        yield bench


def test_a_report_says_what_the_contract_asks_for(petrol: Bench) -> None:
    petrol.set_fault()
    petrol.bus.run(1)
    (report,) = petrol.reports
    state = PETROL.state_after(petrol.events[0].at_s - 1000)
    frames = report.pop("frames")
    assert report == {
        "id": "1000-1",
        "at": "2026-11-22T10:30:00.000Z",
        "seq": 1,
        "bus": "can",
        "pos": [state.position.lon_deg, state.position.lat_deg],
        "speed_kmh": state.speed_kmh,
        "odometer_km": state.odometer_km,
        "signals": {"battery_v": 14.1},
    }
    assert frames[0] == [0, "7DF", "0103AAAAAAAAAAAA"]
    assert frames[1][1:] == ["7E8", "06430203020300AA"]
    times = [frame[0] for frame in frames]
    assert times == sorted(times)


def test_only_a_battery_car_has_a_state_of_charge(tmp_path: Path) -> None:
    with closing(Bench(BEV, tmp_path / "unit.sqlite")) as bench:
        bench.bus.run(1)
        (report,) = bench.reports
    assert report["soc_pct"] == BEV.soc_pct


def test_a_truck_reports_whole_transfers_on_change(tmp_path: Path) -> None:
    with closing(Bench(TRUCK, tmp_path / "unit.sqlite")) as bench:
        bench.bus.run(3)
        bench.arrive(TOPICS.receipt, {"ids": bench.ids})
        bench.set_fault()
        bench.bus.run(3)
        before, after = bench.reports
    assert before["bus"] == "j1939"
    assert len(before["frames"]) == len(TRUCK.car.ecus)
    packets = [data for _, can_id, data in after["frames"] if can_id.startswith("1CE")]
    assert packets[0].startswith("200E0002FFCAFE00")  # three codes of one source: 14 bytes
    assert [packet[:2] for packet in packets[1:]] == ["01", "02"]


def test_nothing_is_reported_twice_until_it_changes(petrol: Bench) -> None:
    petrol.bus.run(1)
    petrol.arrive(TOPICS.receipt, {"ids": petrol.ids})
    petrol.bus.run(60)
    assert len(petrol.reports) == 1
    petrol.set_fault()
    petrol.bus.run(3)
    assert [report["seq"] for report in petrol.reports] == [1, 2]


def test_an_unchanged_vehicle_reports_at_its_heartbeat(petrol: Bench) -> None:
    petrol.bus.run(1)
    petrol.arrive(TOPICS.receipt, {"ids": petrol.ids})
    petrol.bus.run(298)
    assert petrol.ids == ["1000-1"]
    petrol.bus.run(5)
    assert petrol.ids == ["1000-1", "1000-2"]


def test_without_a_receipt_the_same_bytes_go_out_later_and_later(petrol: Bench) -> None:
    petrol.bus.run(200)
    bodies = {body for _, body in petrol.line.published}
    assert len(bodies) == 1
    times = [
        event.at_s
        for event in petrol.events
        if event.kind in (EventKind.REPORT_SENT, EventKind.RESEND)
    ]
    gaps_s = [after - before for before, after in pairwise(times)]
    bounds = [(4, 8), (8, 16), (16, 32), (30, 60), (30, 60)]
    assert len(gaps_s) >= len(bounds)
    for gap_s, (low_s, high_s) in zip(gaps_s, bounds, strict=False):
        assert low_s <= gap_s <= high_s + 0.2
    assert petrol.spool.pending() == ("1000-1",)


def test_a_receipt_ends_it_and_is_told_once(petrol: Bench) -> None:
    petrol.bus.run(1)
    petrol.arrive(TOPICS.receipt, {"ids": ["1000-1", "of another unit"]})
    petrol.arrive(TOPICS.receipt, {"ids": ["1000-1"]})
    petrol.bus.run(100)
    assert len(petrol.reports) == 1
    assert petrol.told(EventKind.RECEIPT) == ["1000-1"]
    assert petrol.spool.pending() == ()


def test_what_is_no_receipt_lets_nothing_go(petrol: Bench) -> None:
    petrol.bus.run(1)
    for body in (b"", b"\xff", b"[]", {"ids": "1000-1"}, {"id": ["1000-1"]}, {"ids": [1000]}):
        petrol.arrive(TOPICS.receipt, body)
    petrol.arrive("rb/1/other/down/receipt", {"ids": ["1000-1"]})
    petrol.bus.run(1)
    assert petrol.spool.pending() == ("1000-1",)


@given(st.binary(max_size=200))
def test_no_receipt_raises(payload: bytes) -> None:
    parse_receipt(payload)


def test_a_report_waits_for_the_line(petrol: Bench) -> None:
    petrol.line.is_ready = False
    petrol.bus.run(30)
    assert petrol.reports == []
    assert petrol.spool.pending() == ("1000-1",)
    petrol.line.is_ready = True
    petrol.bus.run(1)
    assert petrol.ids == ["1000-1"]


def test_a_line_that_takes_nothing_is_not_hammered(petrol: Bench) -> None:
    petrol.line.takes = False
    petrol.bus.run(5)  # would run out of turns if the unit never waited
    assert petrol.told(EventKind.REPORT_SENT) == []
    petrol.line.takes = True
    petrol.bus.run(1)
    assert petrol.ids == ["1000-1"]


def test_what_was_not_receipted_goes_out_again_after_a_restart(petrol: Bench) -> None:
    petrol.bus.run(1)
    sent = petrol.line.published[0]
    petrol.restart()
    petrol.bus.run(5)
    again = [message for message in petrol.line.published if message == sent]
    assert len(again) >= 2
    # The unit does not know what it said before: it looks anew, under a new number.
    assert {report["seq"] for report in petrol.reports} == {1, 2}


def test_a_unit_that_lost_its_memory_sends_nothing_again(petrol: Bench) -> None:
    """The control of the test above: the disk is what makes the difference."""
    petrol.bus.run(1)
    sent = petrol.line.published[0]
    petrol.path = petrol.path.with_name("another.sqlite")
    petrol.restart()
    petrol.bus.run(5)
    assert petrol.line.published.count(sent) == 1


def test_a_full_spool_drops_the_oldest_and_says_so(tmp_path: Path) -> None:
    with closing(Bench(PETROL, tmp_path / "unit.sqlite", reports_max=2)) as bench:
        bench.line.is_ready = False
        for index in range(3):
            bench.set_fault(index)
            bench.bus.run(3.5)
        assert bench.told(EventKind.DROPPED) == ["1000-1"]
        bench.line.is_ready = True
        bench.bus.run(1)
        assert bench.ids == ["1000-2", "1000-3"]


def test_a_referral_is_shown_as_it_came(petrol: Bench) -> None:
    petrol.bus.run(1)
    petrol.arrive(TOPICS.referral, b'{"id": "r"}')
    petrol.bus.run(1)
    (event,) = [event for event in petrol.events if event.kind is EventKind.REFERRAL]
    assert event.body == b'{"id": "r"}'
    assert event.since_report_s is not None
    assert event.since_report_s >= 0
