"""A real Valhalla server on this machine; and servers that send something else."""

import importlib
import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from dtc_db.vehicle import VehicleClass
from rightbay.servers.free_ports import choose_port
from routing.directory.snapshot import Directory
from routing.matching.policy import load_policy
from routing.matching.shortlist import decide_by_road
from routing.model import Position, Site
from routing.testing import LIGHT, NOW, case, need, site
from routing.travel.asking import PAUSE_S
from routing.travel.model import Measured, Setback, Unmeasured
from routing.travel.osrm import OsrmRoads
from routing.travel.testing import served, write_osm
from routing.travel.valhalla import ValhallaServer

pytestmark = pytest.mark.integration

HOST = "127.0.0.1"
WEST_NORTH = Position(9.001, 47.010)
EAST_SOUTH = site("east", lon_deg=9.099, lat_deg=47.0)
SOUTH = site("south", lon_deg=9.001, lat_deg=47.0)
SITES = [site("hut", lon_deg=9.02, lat_deg=47.005), site("island", lon_deg=9.305, lat_deg=47.0)]
SITES += [SOUTH, EAST_SOUTH]


def ask(
    roads: ValhallaServer | OsrmRoads, *sites: Site, vehicle: VehicleClass = VehicleClass.CAR
) -> Measured:
    return roads.measure(WEST_NORTH, sites or SITES, vehicle_class=vehicle)


@contextmanager
def engine(url: str, now_s: Callable[[], float] = time.monotonic) -> Iterator[ValhallaServer]:
    server = ValhallaServer(url, timeout_s=2.0, now_s=now_s)
    try:
        yield server
    finally:
        server.close()


@pytest.fixture(scope="module")
def valhalla(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a valhalla_service with the map of the small country."""
    package = pytest.importorskip("valhalla", reason="pyvalhalla is not installed")
    osmium = importlib.import_module("osmium")
    place = tmp_path_factory.mktemp("valhalla")
    pbf = place / "country.osm.pbf"
    with osmium.SimpleWriter(str(pbf)) as writer:
        for thing in osmium.FileProcessor(str(write_osm(place / "country.osm"))):
            writer.add(thing)
    programs = Path(package.__file__ or "").parent / "bin"
    (place / "tiles").mkdir()
    make_config = importlib.import_module("valhalla.config").get_config
    config = make_config(tile_dir=place / "tiles", tile_extract="")
    port = choose_port(HOST, wanted=None, usual=8002, variable="")
    for name in ("admin", "timezone"):
        config["mjolnir"].pop(name, None)
    config["httpd"]["service"] |= {
        "listen": f"tcp://{HOST}:{port}",
        "loopback": f"ipc://{place}/loopback",
        "interrupt": f"ipc://{place}/interrupt",
    }
    settings = place / "valhalla.json"
    settings.write_text(json.dumps(config, default=str), "utf-8")
    quiet = subprocess.DEVNULL
    for name in ("valhalla_build_tiles", "valhalla_service"):
        programs.joinpath(name).chmod(0o755)
    build: list[str | Path] = [programs / "valhalla_build_tiles", "-c", settings, pbf]
    subprocess.run(build, check=True, stdout=quiet, stderr=quiet)
    serve: list[str | Path] = [programs / "valhalla_service", settings, "1"]
    with served(serve, asked=f"http://{HOST}:{port}/status"):
        yield f"http://{HOST}:{port}"


def road_km(measured: Measured) -> dict[str, int]:
    return {time.site_id: round(time.road_m / 1000) for time in measured.times}


def test_a_real_server_knows_the_same_ways_as_osrm(valhalla: str, country: Path) -> None:
    with engine(f"{valhalla}/") as roads:
        measured = ask(roads)
        heavy = ask(roads, SOUTH, vehicle=VehicleClass.TRUCK)
    inside = ask(OsrmRoads(country))
    assert measured.setback is None
    assert road_km(measured) == road_km(inside)
    assert measured.unmeasured == inside.unmeasured
    assert dict(measured.unmeasured) == {"hut": Unmeasured.OFF_ROAD, "island": Unmeasured.NO_WAY}
    # One bridge is closed to trucks: they go round by the other one.
    truck = ask(OsrmRoads(country), SOUTH, vehicle=VehicleClass.TRUCK)
    assert road_km(heavy) == road_km(truck) != road_km(ask(OsrmRoads(country), SOUTH))


def test_a_vehicle_beyond_the_edge_is_not_put_on_some_road(valhalla: str) -> None:
    with engine(valhalla) as roads:
        for origin in (Position(0, 90), Position(9.02, 47.005), Position(9.9, 47.0)):
            measured = roads.measure(origin, SITES, vehicle_class=VehicleClass.CAR)
            assert measured.setback is Setback.VEHICLE_OFF_ROAD


def test_a_server_takes_two_hundred_sites_at_once(valhalla: str) -> None:
    sites = [site(f"s{n:03}", lon_deg=9.0 + n / 2000, lat_deg=47.0) for n in range(200)]
    with engine(valhalla) as roads:
        assert len(ask(roads, *sites).times) == 200


def test_a_referral_is_made_by_its_times_and_without_it_by_straight_lines(valhalla: str) -> None:
    garage = site("south", [LIGHT], lon_deg=9.001, lat_deg=47.0)
    a_case, directory = case(need("brakes"), position=WEST_NORTH), Directory([garage], "1")
    told = []
    with engine(valhalla) as alive, engine(f"http://{HOST}:9") as dead:
        for roads in (alive, dead):
            decision = decide_by_road(
                a_case, directory, load_policy(), decided_at=NOW, travel=roads
            )
            keys = {notice.key for notice in decision.notices}
            told.append((decision.offers[0].road_m, "notices.no_answer" in keys))
    (road_m, is_lost), (none, is_said) = told
    assert road_m is not None
    assert 8_000 < road_m < 10_000, "round by the bridge, for a kilometre as the crow flies"
    assert not is_lost
    assert (none, is_said) == (None, True)


# --- what else a server may send ------------------------------------------------------------------

EDGE = {"correlated_lat": 47.01, "correlated_lon": 9.001}


def located(*lists: list[Any]) -> bytes:
    return json.dumps([{"edges": edges} for edges in lists]).encode()


def matrix(*ways: tuple[Any, Any], units: str = "kilometers") -> bytes:
    row = [{"time": seconds, "distance": km, "from_index": 0} for seconds, km in ways]
    return json.dumps({"sources_to_targets": [row], "units": units}).encode()


class Scripted:
    """Answers by the last word of the path; `asked` are the bodies that came."""

    def __init__(self, **answers: tuple[int, bytes]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.delay_s = 0.0


@contextmanager
def scripted_server(script: Scripted) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            action = self.path.strip("/")
            body = self.rfile.read(int(self.headers["Content-Length"]))
            script.asked.append((action, json.loads(body)))
            time.sleep(script.delay_s)
            status, answer = script.answers[action]
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            with suppress(ConnectionError):
                self.wfile.write(answer)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the library's name
            pass

    server = ThreadingHTTPServer((HOST, 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


FINE = {
    "locate": (200, located([EDGE], [EDGE])),
    "sources_to_targets": (200, matrix((60, 1.5))),
}
THERE = site("there", lon_deg=9.001, lat_deg=47.0101)


def test_the_control_a_well_formed_answer_is_taken_and_nothing_exact_is_asked() -> None:
    script = Scripted(**FINE)
    with scripted_server(script) as url, engine(url) as roads:
        measured = ask(roads, THERE, vehicle=VehicleClass.BUS)
    assert [(time.drive_s, time.road_m) for time in measured.times] == [(60, 1500)]
    (first, _), (second, body) = script.asked
    assert (first, second) == ("locate", "sources_to_targets")
    assert (body["costing"], body["units"]) == ("truck", "kilometers")
    assert body["sources"] == [{"lat": 47.01, "lon": 9.001}]


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param({"locate": (500, b"oops")}, id="500"),
        pytest.param({"locate": (400, b'{"error_code": 150}')}, id="400"),
        pytest.param({"sources_to_targets": (400, b'{"error_code": 170}')}, id="not connected"),
        pytest.param({"locate": (200, b"<html>")}, id="a page"),
        pytest.param({"locate": (200, b"[" * 100_000)}, id="too deep"),
        pytest.param({"locate": (200, b"x" * 1_000_001)}, id="too much"),
        pytest.param({"locate": (200, located([EDGE]))}, id="one place too few"),
        pytest.param(
            {"locate": (200, located([{**EDGE, "correlated_lat": 91}], [EDGE]))}, id="off the earth"
        ),
        pytest.param({"sources_to_targets": (200, b"{}")}, id="nothing"),
        pytest.param({"sources_to_targets": (200, matrix())}, id="no way"),
        pytest.param({"sources_to_targets": (200, matrix((1, 1), (1, 1)))}, id="one too many"),
        pytest.param({"sources_to_targets": (200, matrix((1, 1), units="miles"))}, id="miles"),
        pytest.param({"sources_to_targets": (200, matrix(("soon", 1)))}, id="a word"),
        pytest.param({"sources_to_targets": (200, matrix((-1, 1)))}, id="negative"),
        pytest.param({"sources_to_targets": (200, matrix((1e300, 1)))}, id="forever"),
        pytest.param({"sources_to_targets": (200, matrix((1, float("nan"))))}, id="no number"),
    ],
)
def test_whatever_else_it_sends_is_no_answer(answers: dict[str, tuple[int, bytes]]) -> None:
    with scripted_server(Scripted(**{**FINE, **answers})) as url, engine(url) as roads:
        assert ask(roads, THERE).setback is Setback.NO_ANSWER


def test_a_slow_server_is_no_answer_and_left_alone_for_a_while() -> None:
    now_s, script = [0.0], Scripted(**FINE)
    script.delay_s = 2.5
    with scripted_server(script) as url, engine(url, lambda: now_s[0]) as roads:
        assert ask(roads, THERE).setback is Setback.NO_ANSWER
        script.delay_s, count = 0, len(script.asked)
        now_s[0] = PAUSE_S - 1
        assert ask(roads, THERE).setback is Setback.PAUSED
        assert len(script.asked) == count
        now_s[0] = PAUSE_S + 1
        assert ask(roads, THERE).setback is None
