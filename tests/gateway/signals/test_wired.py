"""From a simulated vehicle's bus through broker and gateway to what is kept about its fault."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dtc_db.codes import J1939Dtc
from dtc_db.vehicle import Powertrain, VehicleClass
from gateway.signals import folder as folder_module
from gateway.signals import keeping
from gateway.sources.mqtt import MqttClient
from rightbay import roles
from rightbay.settings import Settings
from routing.model import Position, RegisteredVehicle
from simulators.model import BusType, Fault, Frame
from simulators.unit.device import encode_report
from simulators.wire.dm1 import dm1_frames, encode_dm1
from simulators.wire.reading import Reading, TimedFrame
from simulators.wire.traffic import CAR_DBC, car_frames, silent_truck_frames, truck_frames
from simulators.world.roster import VehicleState
from storage.keys import vehicle_id_of
from storage.migrate import migrate
from storage.pool import Pool, open_pool
from storage.vehicles import register_vehicles

pytestmark = pytest.mark.integration

STATE = VehicleState(
    position=Position(lon_deg=2.35, lat_deg=48.85),
    speed_kmh=81.0,
    odometer_km=123456.0,
    battery_v=27.2,
    soc_pct=63.5,
)
FAULT = Fault(ecu="engine", code=J1939Dtc(110, 0), code_text="SPN 110 FMI 0")
BROADCAST = dm1_frames(encode_dm1([FAULT]), source_address=0)
ANSWER = (Frame(0x7E8, bytes.fromhex("0443010A1FAAAAAA")),)
LIST = """
[[file]]
path = "truck.dbc"
bus = "j1939"

[[file]]
path = "ev.dbc"
make = "Example"
model = "One"
[file.names]
speed_kmh = "VehicleSpeed"
odometer_km = "TotalDistance"
soc_pct = "StateOfCharge"
isolation_kohm = "HighVoltage.Isolation"
battery_v = "Supply"
"""
TRUCK_DBC = """VERSION ""
BS_:
BU_: ECU
BO_ 2566844926 CCVS1: 8 ECU
 SG_ WheelSpeed : 8|16@1+ (0.00390625,0) [0|250.996] "km/h" ECU
BO_ 2566840574 VD: 8 ECU
 SG_ TotalDistance : 32|32@1+ (0.125,0) [0|526385151.875] "km" ECU
BO_ 2566844158 ET1: 8 ECU
 SG_ Coolant : 0|8@1+ (1,-40) [-40|210] "degC" ECU
BO_ 2566846462 VEP1: 8 ECU
 SG_ Supply : 32|16@1+ (0.05,0) [0|3212.75] "V" ECU
BO_ 2566845438 VP: 8 ECU
 SG_ Latitude : 0|32@1+ (1e-07,-210) [-210|211.1008122] "deg" ECU
 SG_ Longitude : 32|32@1+ (1e-07,-210) [-210|211.1008122] "deg" ECU
BA_DEF_ SG_ "SPN" INT 0 524287;
BA_DEF_DEF_ "SPN" 0;
BA_ "SPN" SG_ 2566844926 WheelSpeed 84;
BA_ "SPN" SG_ 2566840574 TotalDistance 245;
BA_ "SPN" SG_ 2566844158 Coolant 110;
BA_ "SPN" SG_ 2566846462 Supply 168;
BA_ "SPN" SG_ 2566845438 Latitude 584;
BA_ "SPN" SG_ 2566845438 Longitude 585;
"""


def folder_at(place: Path) -> Path:
    place.mkdir()
    (place / "signals.toml").write_text(LIST)
    (place / "truck.dbc").write_text(TRUCK_DBC)
    (place / "ev.dbc").write_text(CAR_DBC)
    return place


def body(frames: Sequence[Frame], *, bus: BusType, report_id: str) -> bytes:
    """A report of a unit that knows nothing but its bus."""
    reading = Reading(
        bus=bus,
        frames=tuple(TimedFrame(at / 100, frame) for at, frame in enumerate(frames)),
        answers=frozenset(),
    )
    told = json.loads(
        encode_report(reading, STATE, report_id=report_id, seq=1, at=datetime.now(UTC))
    )
    for key in ("pos", "speed_kmh", "odometer_km", "soc_pct", "signals"):
        del told[key]
    return json.dumps(told).encode()


class Unit:
    """Publishes again and again until it has its receipt."""

    def __init__(self, client: MqttClient, prefix: str) -> None:
        self._client = client
        self._prefix = prefix

    async def report(self, unit: str, payload: bytes) -> None:
        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            sending = group.create_task(self._send(f"{self._prefix}/{unit}/up/report", payload))
            await self._receipt(unit, json.loads(payload)["id"])
            sending.cancel()

    async def _send(self, topic: str, payload: bytes) -> None:
        while True:
            self._client.publish(topic, payload)
            await asyncio.sleep(0.3)

    async def _receipt(self, unit: str, report_id: str) -> None:
        while True:
            message = await self._client.receive()
            self._client.acknowledge(message)
            if (
                message.topic.split("/")[-3] == unit
                and report_id in json.loads(message.payload)["ids"]
            ):
                return


@pytest.fixture
async def pool(postgres_url: str) -> AsyncIterator[Pool]:
    async with open_pool(postgres_url, size_max=2) as opened:
        await migrate(opened)
        yield opened


Serving = Callable[[Path | None], AbstractAsyncContextManager[Unit]]


@pytest.fixture
def serving(
    pool: Pool, postgres_url: str, broker_url: str, topic_prefix: str, tmp_path: Path
) -> Serving:
    """The role as `rightbay gateway` runs it, with a folder of signals or without."""
    assert pool

    @asynccontextmanager
    async def serve(signals: Path | None) -> AsyncIterator[Unit]:
        name = topic_prefix.replace("/", "-")
        settings = Settings(
            data=tmp_path,
            database_url=postgres_url,
            broker_url=broker_url,
            topic_prefix=topic_prefix,
            gateway_id=name,
            signals=signals,
        )
        stop = asyncio.Event()
        client = MqttClient(
            broker_url,
            client_id=f"{name}-unit",
            subscriptions=(f"{topic_prefix}/+/down/receipt",),
        )
        gateway: Coroutine[Any, Any, None] = roles.run("gateway", settings, stop=stop)
        async with asyncio.TaskGroup() as group, client.running():
            group.create_task(gateway)
            yield Unit(client, topic_prefix)
            stop.set()

    return serve


def car(unit: str, make: str, model: str) -> RegisteredVehicle:
    return RegisteredVehicle(
        unit=unit,
        vin=None,
        make=make,
        model=model,
        powertrain=Powertrain.BEV,
        vehicle_class=VehicleClass.CAR,
    )


async def evidence_of(pool: Pool, unit: str) -> dict[str, Any]:
    row = await pool.fetchval(
        "select evidence from episode where vehicle_id = $1", vehicle_id_of(unit)
    )
    found: dict[str, Any] = json.loads(row)
    return found


async def test_what_stands_in_a_trucks_traffic_is_kept_with_its_fault(
    pool: Pool, serving: Serving, tmp_path: Path
) -> None:
    frames = (*truck_frames(STATE, coolant_c=112, source_address=0), *BROADCAST)
    silent = (*silent_truck_frames(source_address=0), *BROADCAST)
    async with serving(folder_at(tmp_path / "signals")) as unit:
        await unit.report("t1", body(frames, bus=BusType.J1939, report_id="a"))
        await unit.report("t2", body(silent, bus=BusType.J1939, report_id="a"))
    told = await evidence_of(pool, "t1")
    assert told["signals"] == pytest.approx(
        {"speed_kmh": 81.0, "odometer_km": 123456.0, "coolant_c": 112.0, "battery_v": 27.2}
    )
    assert (told["report"], told["raw"]) == ("a", BROADCAST[0].data.hex().upper())
    row = await pool.fetchrow(
        "select odometer_km, lon_deg, lat_deg from episode join vehicle using (vehicle_id)"
        " where vehicle_id = $1",
        vehicle_id_of("t1"),
    )
    assert tuple(row) == pytest.approx((123456.0, 2.35, 48.85))
    assert "signals" not in await evidence_of(pool, "t2")


async def test_without_the_folder_the_same_frames_say_nothing(pool: Pool, serving: Serving) -> None:
    frames = (*truck_frames(STATE, coolant_c=112, source_address=0), *BROADCAST)
    async with serving(None) as unit:
        await unit.report("t1", body(frames, bus=BusType.J1939, report_id="a"))
    assert "signals" not in await evidence_of(pool, "t1")


async def test_a_file_is_for_the_make_that_is_registered_and_may_change_meanwhile(
    pool: Pool,
    serving: Serving,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level("INFO")
    monkeypatch.setattr(folder_module, "SETTLE_S", 0.1)
    monkeypatch.setattr(keeping, "LOOK_S", 0.05)
    await register_vehicles(pool, [car("c1", "EXAMPLE", "one"), car("c2", "Example", "Two")])
    folder = folder_at(tmp_path / "signals")
    frames = (*car_frames(STATE, isolation_kohm=120), *ANSWER)
    async with serving(folder) as unit:
        for name in ("c1", "c2"):
            await unit.report(name, body(frames, bus=BusType.CAN, report_id="a"))
        (folder / "ev.dbc").write_text("BO_ broken")
        await told(caplog, "signals_refused")
        await unit.report("c1", body(ANSWER, bus=BusType.CAN, report_id="b"))
        (folder / "ev.dbc").write_text(CAR_DBC.replace("(0.5,0)", "(0.25,0)"))
        caplog.clear()
        await told(caplog, "signals_loaded")
        other = (*car_frames(STATE, isolation_kohm=120), Frame(0x7E9, ANSWER[0].data))
        await unit.report("c1", body(other, bus=BusType.CAN, report_id="c"))
    rows = await pool.fetch(
        "select ecu, evidence from episode where vehicle_id = $1 order by ecu", vehicle_id_of("c1")
    )
    before, after = (json.loads(row["evidence"])["signals"] for row in rows)
    assert before == pytest.approx(
        {
            "speed_kmh": 81.0,
            "odometer_km": 123456.0,
            "soc_pct": 63.5,
            "isolation_kohm": 120.0,
            "battery_v": 27.2,
        }
    )
    assert after["soc_pct"] == 31.75
    assert "signals" not in await evidence_of(pool, "c2")


async def told(caplog: pytest.LogCaptureFixture, event: str) -> None:
    async with asyncio.timeout(20):
        while True:
            if event in caplog.messages:
                return
            await asyncio.sleep(0.05)
