"""Real recordings become referrals that name real garages, pushed to the vehicle."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gateway.sources.mqtt import MqttClient
from rightbay.testing import Running
from simulators.model import DEMO_BOX
from simulators.world.roster import fleet_vehicles

pytestmark = pytest.mark.integration

SHARED = Path(__file__).parents[3].parent / "shared" / "data"
TRUCK, CAR = SHARED / "logs" / "truck_dm1_bam.log", SHARED / "logs" / "mercedes_cla250_obd.log"
MAP = SHARED / "osm" / "liechtenstein.osm.pbf"
# People by number, with titles, for some of the garages on the map.
CREDENTIALS = """\
site,person,scheme,title,valid_from,valid_until,evidence
osm:node/1369051337,1,trade,light vehicle technician,2015-06-01,,document_seen
osm:way/332253470,1,trade,heavy vehicle technician,2012-06-01,,register_checked
osm:way/122143081,1,trade,heavy vehicle technician,2012-06-01,2020-01-01,register_checked
"""


@pytest.fixture(scope="module")
def garages(running: Running, tmp_path_factory: pytest.TempPathFactory) -> Running:
    """The instance, with the garages of a whole country in its directory."""
    if not SHARED.is_dir():
        pytest.skip("no ../shared: the recordings and the map are not here")
    people = tmp_path_factory.mktemp("people") / "people.csv"
    people.write_text(CREDENTIALS)
    words = ("repairers", "import", str(MAP), "--country", "LI", "--credentials", str(people))
    first = json.loads(running.command(*words, "--json").stdout)
    assert (first["sites_added"], first["credentials_added"]) == (6, 3)
    again = json.loads(running.command(*words, "--json").stdout)
    assert (again["sites_unchanged"], again["credentials_unchanged"], again["version"]) == (
        6,
        3,
        None,
    )
    return running


def replay(running: Running, path: Path, unit: str, *more: str) -> list[dict[str, Any]]:
    done = running.command(
        "replay", str(path), "--unit", unit, "--at", "9.52,47.14", "--json", *more
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


async def test_thirty_broadcasts_of_a_truck_are_four_faults_one_case_and_one_referral(
    garages: Running,
) -> None:
    topic = "rb/1/truck-1/down/referral"
    listener = MqttClient(
        garages.instance.broker_url, client_id="test-listener", subscriptions=[topic]
    )
    async with listener.running():
        await asyncio.to_thread(replay, garages, TRUCK, "truck-1", "--vehicle-class", "truck")
        async with asyncio.timeout(10):
            heard = await listener.receive()
        again = await asyncio.to_thread(replay, garages, TRUCK, "truck-1")
        await asyncio.sleep(0.5)
        assert again == []
        assert listener.receive_nowait() is None
    pushed = json.loads(heard.payload)
    assert heard.topic == topic
    # Nearer is a garage whose only title for trucks ended in 2020.
    assert [offer["name"] for offer in pushed["offers"]] == ["Berggarage"]

    faults = await garages.fetch(
        "select code, ecu from episode join vehicle using (vehicle_id) where unit = 'truck-1'"
    )
    assert {(row["code"], row["ecu"]) for row in faults} == {
        ("SPN 980 FMI 9", "SA 00"),
        ("SPN 3216 FMI 20", "SA 00"),
        ("SPN 609 FMI 9", "SA 00"),
        ("SPN 609 FMI 12", "SA 00"),
    }
    referrals = await garages.fetch(
        "select referral_id, case_id from referral join vehicle using (vehicle_id) "
        "where unit = 'truck-1'"
    )
    assert [str(row["referral_id"]) for row in referrals] == [pushed["id"]]
    linked = await garages.fetch(
        "select 1 from case_episode where case_id = $1", referrals[0]["case_id"]
    )
    assert len(linked) == 4
    assert await garages.fetch("select 1 from dead_letter where unit = 'truck-1'") == []


async def test_an_answer_of_a_car_becomes_a_referral_to_who_is_competent(garages: Running) -> None:
    (pushed,) = replay(garages, CAR, "car-1", "--vehicle-class", "car", "--powertrain", "petrol")
    assert pushed["codes"] == ["P0128"]
    assert [offer["name"] for offer in pushed["offers"]] == ["Garage Elmar Falk AG"]
    rows = await garages.fetch("select document from referral where referral_id = $1", pushed["id"])
    document = json.loads(rows[0]["document"])
    assert document["unassigned"] is False
    assert {site["name"]: site["rule"] for site in document["excluded"]}["Toyota"] == "skills"


async def test_a_unit_that_nobody_registered_is_heard_all_the_same(garages: Running) -> None:
    (pushed,) = replay(garages, CAR, "stranger")
    rows = await garages.fetch("select document from referral where referral_id = $1", pushed["id"])
    document = json.loads(rows[0]["document"])
    assert document["unassigned"] is True
    # Nobody knows what drives it, so whoever takes it must be able to mend either kind.
    assert {"engine.diesel", "engine.petrol"} <= set(json.dumps(document["need"]).split('"'))


@pytest.mark.parametrize(
    ("content", "name", "word"),
    [
        (b"", "recording.xyz", "cannot be read as a recording"),
        (b"(1.0) can0 7E8#ZZ\n", "recording.log", "cannot be read as a recording"),
    ],
)
def test_a_recording_that_cannot_be_read_is_one_clear_line(
    running: Running, tmp_path: Path, content: bytes, name: str, word: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    done = running.command("replay", str(path), "--unit", "u", "--at", "9.52,47.14", fails=1)
    assert done.stderr.count("\n") == 1
    assert str(path) in done.stderr
    assert word in done.stderr


def test_a_malformed_row_is_named_and_nothing_is_imported(running: Running, tmp_path: Path) -> None:
    path = tmp_path / "sites.csv"
    path.write_text("site,name,lon,lat\na:1,One,9.5,47.1\na:2,Two,9.5,470\n")
    done = running.command("repairers", "import", str(path), fails=1)
    assert "line 3: lat" in done.stderr
    listed = running.command("repairers", "list", "--json").stdout
    assert "a:1" not in listed


def test_vehicles_are_registered_with_what_their_number_tells(
    running: Running, tmp_path: Path
) -> None:
    (known,) = fleet_vehicles(1, 1, DEMO_BOX)
    path = tmp_path / "vehicles.csv"
    path.write_text(
        "unit,vin,powertrain,vehicle_class,fleet\n"
        f"known-1,{known.vin},diesel,car,fleet 1\n"
        "van-1,,diesel,van,fleet 1\n"
    )
    first = json.loads(running.command("vehicles", "import", str(path), "--json").stdout)
    again = json.loads(running.command("vehicles", "import", str(path), "--json").stdout)
    assert (first["added"], again["unchanged"]) == (2, 2)
    query = "select make, model_year from vehicle where unit = 'known-1'"
    (row,) = asyncio.run(running.fetch(query))
    assert (row["make"], row["model_year"]) == (known.kind.make, known.kind.model_year)


def test_without_a_running_instance_a_command_says_what_to_start(tmp_path: Path) -> None:
    environment = {**os.environ, "RIGHTBAY_DATA": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "rightbay", "repairers", "list"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "rightbay up" in done.stderr
    assert "Traceback" not in done.stderr
