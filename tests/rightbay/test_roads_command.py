"""`rightbay roads build`, and what finds the map afterwards."""

import json
from pathlib import Path

import pytest

from rightbay import cli
from rightbay.findings import Finding, examine
from rightbay.roads import travel_times
from rightbay.settings import Settings
from routing.travel.osrm import OsrmRoads
from routing.travel.server import OsrmServer
from routing.travel.testing import write_osm
from routing.travel.valhalla import ValhallaServer

SITES = """site,name,lon,lat,country,opening_hours
across,Across the river,9.001,47.000,LI,24/7
along,Along the road,9.040,47.010,LI,24/7
"""
PEOPLE = """site,person,scheme,title,valid_from,valid_until,evidence
across,1,trade,light vehicle technician,2015-01-01,,declared
along,1,trade,light vehicle technician,2015-01-01,,declared
"""


def run(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        cli.main([*map(str, words)])
    told = capsys.readouterr()
    return int(str(caught.value.code)), told.out, told.err


def roads_finding(settings: Settings) -> Finding:
    return next(finding for finding in examine(settings) if finding.part == "roads")


@pytest.fixture
def sites(tmp_path: Path) -> Path:
    path = tmp_path / "sites.csv"
    path.write_text(SITES, "utf-8")
    path.with_name("sites.credentials.csv").write_text(PEOPLE, "utf-8")
    return path


def test_a_map_that_is_built_decides_the_next_list(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    sites: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("RIGHTBAY_ROADS", raising=False)
    data = tmp_path / "data"
    asked = ["match", "--code", "P0301", "--powertrain", "petrol", "--at", "9.001,47.010"]
    asked += ["--when", "2026-11-23T10:00:00Z", "--repairers", str(sites), "--data", str(data)]
    before = json.loads(run(capsys, *asked, "--json")[1])
    assert [offer["site"] for offer in before["offers"]] == ["across", "along"]
    assert roads_finding(Settings(data=data)).used == "straight lines"

    source = write_osm(tmp_path / "country.osm")
    code, out, err = run(capsys, "roads", "build", source, "--data", data, "--json")
    built = json.loads(out)
    assert (code, err) == (0, "")  # no progress but on a terminal
    assert built["folder"] == str(data / "roads")

    after = json.loads(run(capsys, *asked, "--json")[1])
    assert [offer["site"] for offer in after["offers"]] == ["along", "across"]
    assert [offer["road_m"] // 1000 for offer in after["offers"]] == [2, 8]
    assert after["inputs"]["roads"] == built["version"]
    finding = roads_finding(Settings(data=data))
    assert finding.used.startswith("OSRM ")
    assert built["version"] in finding.found[0]

    # What was decided by road is decided again without a map.
    record = tmp_path / "record.jsonl"
    run(capsys, *asked, "--record", record)
    monkeypatch.setenv("RIGHTBAY_ROADS", str(tmp_path / "nowhere"))
    code, out, _ = run(capsys, "match", "--replay", record)
    assert code == 0
    assert json.loads(out)["offers"] == after["offers"]


def test_a_map_that_was_named_and_is_not_there_is_told_and_stops_nobody(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    sites: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RIGHTBAY_ROADS", str(tmp_path / "nowhere"))
    asked = ["match", "--code", "P0301", "--powertrain", "petrol", "--at", "9.001,47.010"]
    code, out, _ = run(capsys, *asked, "--repairers", sites, "--json")
    assert code == 0
    assert len(json.loads(out)["offers"]) == 2
    assert any("what knows the roads did not answer" in text for text in json.loads(out)["notices"])
    finding = roads_finding(Settings(data=tmp_path, roads=str(tmp_path / "nowhere")))
    assert finding.problem is None
    assert "no road map in" in finding.lacks[0]


def test_a_file_that_is_no_map_ends_with_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    bad = tmp_path / "bad.osm.pbf"
    bad.write_bytes(b"no map")
    code, out, err = run(capsys, "roads", "build", bad, "--to", tmp_path / "roads")
    assert (code, out) == (1, "")
    assert err.startswith("rightbay: car: extract failed: ")
    assert err.count("\n") == 1


def test_who_names_a_server_says_where_to_build(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RIGHTBAY_ROADS", "http://u:secret@roads:5000")
    code, _, err = run(capsys, "roads", "build", write_osm(tmp_path / "a.osm"))
    assert code == 2
    assert "--to FOLDER" in err
    assert "secret" not in err


def test_the_settings_choose_the_engine(tmp_path: Path) -> None:
    assert travel_times(Settings(data=tmp_path)) is None
    assert isinstance(travel_times(Settings(data=tmp_path, roads="/srv/roads")), OsrmRoads)
    server = travel_times(Settings(data=tmp_path, roads="http://u:secret@roads:5000"))
    assert isinstance(server, OsrmServer)
    server.close()
    finding = roads_finding(Settings(data=tmp_path, roads="http://u:secret@roads:5000"))
    assert "secret" not in repr(finding)
    assert "http://u:***@roads:5000" in finding.used
    other = travel_times(Settings(data=tmp_path, roads="valhalla+http://roads:8002"))
    assert isinstance(other, ValhallaServer)
    other.close()
