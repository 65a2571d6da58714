"""Signals on their way into reports: what frames say fills in what the unit does not."""

import json
from datetime import UTC, datetime

from gateway.dialects.registry import Dialect
from gateway.dialects.rightbay import RightbayDialect
from gateway.dialects.wican import wican
from gateway.model import Bus, Report
from gateway.protocols.messages import BusSettings
from gateway.signals.database import SignalDatabase

DBC = """VERSION ""
BS_:
BU_: ECU
BO_ 291 Board: 8 ECU
 SG_ Speed : 0|8@1+ (1,0) [0|250] "km/h" ECU
 SG_ Isolation : 8|8@1+ (100,0) [0|25000] "kOhm" ECU
"""
NAMES = {"speed_kmh": "Speed", "isolation_kohm": "Isolation"}
SETTINGS = BusSettings(signals={Bus.CAN: SignalDatabase.parse(DBC, file_format="dbc", names=NAMES)})
FRAMES = [[0, "123", "5014"], [5, "7E8", "0443010128"], [9, "123", "3C14"]]


def read(dialect: Dialect, topic: str, body: object) -> Report:
    found = dialect.parse(
        topic, json.dumps(body).encode(), received_at=datetime(2026, 11, 23, tzinfo=UTC)
    )
    assert isinstance(found, Report)
    return found


def report(body: dict[str, object], *, settings: BusSettings = SETTINGS) -> Report:
    dialect = RightbayDialect(settings_of=lambda _unit: settings)
    return read(dialect, "rb/1/u/up/report", {"id": "1"} | body)


def test_frames_say_what_the_unit_does_not() -> None:
    found = report({"frames": FRAMES})
    assert found.speed_kmh == 60.0
    assert found.signals == {"speed_kmh": 60.0, "isolation_kohm": 2000.0}
    assert [str(code.code) for one in found.observations for code in one.codes] == ["P0128"]


def test_what_the_unit_says_counts_more() -> None:
    found = report({"frames": FRAMES, "speed_kmh": 10, "signals": {"isolation_kohm": 1}})
    assert (found.speed_kmh, found.signals["isolation_kohm"]) == (10.0, 1.0)


def test_a_file_speaks_for_its_bus_only() -> None:
    assert report({"frames": FRAMES, "bus": "j1939"}).signals == {}
    assert report({"frames": FRAMES}, settings=BusSettings()).signals == {}


def test_frames_of_a_wican_are_read_too() -> None:
    dialect = wican(settings_of=lambda _unit: SETTINGS)
    frame = {"id": 0x123, "extd": False, "data": [80, 20]}
    found = read(dialect, "wican/w/can/rx", {"bus": 0, "type": "rx", "frame": [frame]})
    assert (found.unit, found.speed_kmh) == ("w", 80.0)
    assert found.signals["isolation_kohm"] == 2000.0
