"""A real OSRM server on this machine; and servers that fail in every way we thought of."""

import importlib
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from dtc_db.vehicle import VehicleClass
from rightbay.servers.free_ports import choose_port
from routing.model import Position, Site
from routing.testing import site
from routing.travel.asking import PAUSE_S
from routing.travel.maps import BASE, load_manifest
from routing.travel.model import Measured, Setback, Unmeasured
from routing.travel.osrm import OsrmRoads
from routing.travel.server import OsrmServer
from routing.travel.testing import served

pytestmark = pytest.mark.integration

HOST = "127.0.0.1"
WEST_NORTH = Position(9.001, 47.010)
SITES = [
    site("hut", lon_deg=9.02, lat_deg=47.005),
    site("island", lon_deg=9.305, lat_deg=47.0),
    site("south", lon_deg=9.001, lat_deg=47.0),
]


def ask(roads: OsrmServer | OsrmRoads, *sites: Site) -> Measured:
    return roads.measure(WEST_NORTH, sites or SITES, vehicle_class=VehicleClass.CAR)


@pytest.fixture(scope="module")
def osrm(country: Path) -> Iterator[str]:
    """The address of an osrm-routed with the map of the small country."""
    program = Path(importlib.import_module("osrm").__file__ or "").parent / "bin" / "osrm-routed"
    port = choose_port(HOST, wanted=None, usual=5000, variable="")
    words = ["--ip", HOST, "--port", str(port), "--algorithm", "MLD"]
    base = country / load_manifest(country).folder / "car" / BASE
    with served([program, *words, base], asked=f"http://{HOST}:{port}/nearest/v1/driving/9.0,47.0"):
        yield f"http://{HOST}:{port}"


@contextmanager
def engine(url: str, now_s: Callable[[], float] = time.monotonic) -> Iterator[OsrmServer]:
    server = OsrmServer(url, timeout_s=0.5, now_s=now_s)
    try:
        yield server
    finally:
        server.close()


def test_a_server_says_the_same_as_the_map_in_process(osrm: str, country: Path) -> None:
    with engine(f"{osrm}/") as roads:
        measured = ask(roads)
    inside = ask(OsrmRoads(country))
    assert [(time.site_id, round(time.road_m / 1000)) for time in measured.times] == [("south", 9)]
    assert measured.times == inside.times
    assert measured.unmeasured == inside.unmeasured
    assert measured.unmeasured == (("hut", Unmeasured.OFF_ROAD), ("island", Unmeasured.NO_WAY))


def test_a_server_takes_two_hundred_sites_at_once(osrm: str) -> None:
    sites = [site(f"s{n:03}", lon_deg=9.0 + n / 2000, lat_deg=47.0) for n in range(200)]
    with engine(osrm) as roads:
        assert len(ask(roads, *sites).times) == 200


def test_a_vehicle_beyond_the_edge_is_not_put_on_some_road(osrm: str) -> None:
    with engine(osrm) as roads:
        for origin in (Position(0, 90), Position(180, 0), Position(9.02, 47.005)):
            measured = roads.measure(origin, SITES, vehicle_class=VehicleClass.CAR)
            assert measured.setback is Setback.VEHICLE_OFF_ROAD


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def sending(status: int, body: bytes) -> Callable[[BaseHTTPRequestHandler], None]:
    def send(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return send


class Wrong:
    """What a server sends instead of an answer; `sends` may be changed while it runs."""

    def __init__(self) -> None:
        self.sends: Callable[[BaseHTTPRequestHandler], None] = sending(200, b"")
        self.asked = 0


@contextmanager
def wrong_server() -> Iterator[tuple[str, Wrong]]:
    wrong = Wrong()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wrong.asked += 1
            try:
                wrong.sends(self)
            except ConnectionError:
                self.close_connection = True

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the library's name
            pass

    server = ThreadingHTTPServer((HOST, 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_address[1]}", wrong
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def table(duration: object, *, count: int = 3) -> bytes:
    waypoint = {"distance": 1.0, "name": "", "location": [9, 47]}
    answer = {
        "code": "Ok",
        "durations": [[duration] * count],
        "distances": [[1000.0] * count],
        "sources": [waypoint],
        "destinations": [waypoint] * count,
        "data_version": "2026-11",
    }
    return json.dumps(answer).encode()


def hang(handler: BaseHTTPRequestHandler) -> None:
    del handler
    time.sleep(0.8)


def drip(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    for _ in range(20):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.1)


def test_the_control_a_well_formed_answer_is_taken() -> None:
    with wrong_server() as (url, wrong), engine(url) as roads:
        wrong.sends = sending(200, table(60.0))
        measured = ask(roads)
    assert [time.drive_s for time in measured.times] == [60, 60, 60]
    assert measured.roads == "2026-11"


@pytest.mark.parametrize(
    "sends",
    [
        pytest.param(hang, id="nothing"),
        pytest.param(drip, id="a byte now and then"),
        pytest.param(sending(500, b"oops"), id="500"),
        pytest.param(sending(429, b"slow down"), id="429"),
        pytest.param(sending(301, b""), id="301"),
        pytest.param(sending(400, b'{"code": "InvalidQuery"}'), id="400"),
        pytest.param(sending(200, b""), id="empty"),
        pytest.param(sending(200, b"<html>"), id="a page"),
        pytest.param(sending(200, b"x" * 1_000_001), id="too much"),
        pytest.param(sending(200, b"[" * 100_000), id="too deep"),
        pytest.param(sending(200, table("soon")), id="a word for a number"),
        pytest.param(sending(200, table(-1.0)), id="negative"),
        pytest.param(sending(200, table(1e300)), id="forever"),
        pytest.param(sending(200, table(float("nan"))), id="not a number"),
        pytest.param(sending(200, table(60.0, count=2)), id="one too few"),
        pytest.param(
            sending(200, b'{"durations":[],"distances":[],"sources":[],"destinations":[]}'),
            id="no rows",
        ),
        pytest.param(lambda handler: handler.wfile.write(b"no HTTP\r\n\r\n"), id="no HTTP"),
        pytest.param(lambda handler: handler.connection.close(), id="hangs up"),
    ],
)
def test_whatever_a_server_sends_instead_is_no_answer_and_soon(
    sends: Callable[[BaseHTTPRequestHandler], None], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "rightbay")
    with wrong_server() as (url, wrong), engine(url) as roads:
        wrong.sends = sends
        began_s = time.monotonic()
        measured = ask(roads)
        assert time.monotonic() - began_s < 5  # half a second asked for, on a busy machine
    assert measured.setback is Setback.NO_ANSWER
    told = [str(vars(record)) for record in caplog.records if record.name.startswith("rightbay")]
    assert len(told) == 1
    assert "9.001" not in told[0]
    assert "47.01" not in told[0]


def test_a_server_that_failed_is_left_alone_for_a_while_and_then_asked_again() -> None:
    clock = Clock()
    with wrong_server() as (url, wrong), engine(url, clock) as roads:
        wrong.sends = sending(503, b"")
        assert ask(roads).setback is Setback.NO_ANSWER
        wrong.sends = sending(200, table(60.0))
        clock.now_s = PAUSE_S - 1
        assert ask(roads).setback is Setback.PAUSED
        assert wrong.asked == 1
        clock.now_s = PAUSE_S + 1
        assert ask(roads).setback is None


def test_a_question_that_the_server_refuses_does_not_silence_the_next_one() -> None:
    with wrong_server() as (url, wrong), engine(url) as roads:
        wrong.sends = sending(400, b'{"code": "NoSegment"}')
        assert ask(roads).setback is Setback.NO_ANSWER
        wrong.sends = sending(200, table(60.0))
        assert ask(roads).setback is None


def test_nobody_at_the_address_is_no_answer() -> None:
    port = choose_port(HOST, wanted=None, usual=5000, variable="")
    with engine(f"http://{HOST}:{port}") as roads:
        assert ask(roads).setback is Setback.NO_ANSWER
        assert ask(roads).setback is Setback.PAUSED
