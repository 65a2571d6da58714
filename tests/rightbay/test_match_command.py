"""`rightbay match`, from files: the list in words, as JSON, recorded and decided again."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from rightbay.commands.match import match
from rightbay.errors import RecordingError, RefusedRowsError
from rightbay.testing import Running

APP = typer.Typer()
APP.command("match")(match)
SITES = """\
site,name,lon,lat,country,vehicle_classes,equipment,opening_hours
g-001,Garage 001,2.3522,48.8566,FR,car;van,hv.tools,24/7
g-002,Garage 002,2.2910,48.9021,FR,truck;bus,lift.heavy,24/7
g-003,Garage 003,2.4410,48.7904,FR,,,
"""
PEOPLE = """\
site,person,scheme,title,valid_from,valid_until,evidence
g-001,1,fr-nf-c-18-550,BCL,2024-01-01,2027-01-01,document_seen
g-001,2,fr-nf-c-18-550,B2TL,2026-01-01,2027-01-01,document_seen
"""
NOT_COMPETENT = ["hv.deenergised", "hv.isolate", "hv.live"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    sites = tmp_path / "sites.csv"
    sites.write_text(SITES)
    sites.with_name("sites.credentials.csv").write_text(PEOPLE)
    return sites


def ask(file: Path | None, *words: str, when: str = "2026-11-23T10:00:00Z") -> Result:
    source = [] if file is None else ["--repairers", str(file), "--when", when]
    return CliRunner().invoke(APP, [*source, *words])


CASE = ("--code", "P0AA6", "--powertrain", "bev", "--vehicle-class", "car", "--at", "2.35,48.85")


def test_the_list_is_told_in_words_with_a_reason_for_everyone(file: Path) -> None:
    answer = ask(file, *CASE)
    assert answer.exit_code == 0, answer.output
    assert "1. Garage 001 (g-001)" in answer.output
    assert "titles in date for" in answer.output
    assert "- Garage 002 (g-002), 7.2 km: does not take cars" in answer.output
    assert "! You are free to go to any repairer." in answer.output


def test_json_has_the_stable_names(file: Path) -> None:
    told = json.loads(ask(file, *CASE, "--json").output)
    assert {"need", "offers", "excluded", "notices", "inputs"} <= told.keys()
    assert {"site", "name", "distance_m", "travel_s", "score", "terms"} <= told["offers"][0].keys()
    assert [(one["site"], one["rule"], one["missing"]) for one in told["excluded"]] == [
        ("g-002", "vehicle_class", ["car"]),
        ("g-003", "skills", NOT_COMPETENT),
    ]
    assert {"case", "directory_digest", "policy_digest", "tzdata"} <= told["inputs"].keys()


def test_a_recorded_decision_is_made_again_byte_for_byte(file: Path, tmp_path: Path) -> None:
    record = str(tmp_path / "recorded")
    first = ask(file, *CASE, "--json", "--record", record).output
    second = ask(file, "--code", "P0301", "--json", "--record", record).output
    again = ask(None, "--replay", record)
    assert again.exit_code == 0
    assert again.output == first + second


def test_a_recording_that_was_changed_is_told_from_a_true_one(file: Path, tmp_path: Path) -> None:
    record = tmp_path / "recorded"
    ask(file, *CASE, "--record", str(record))
    record.write_text(record.read_text().replace("Garage 001", "Garage 007"))
    again = ask(None, "--replay", str(record))
    assert isinstance(again.exception, RecordingError)
    assert "1 of 1 lists are not the recorded ones" in str(again.exception)
    assert "not the recorded list" in again.stderr


def test_what_is_no_recording_is_refused_with_its_line(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_text("{}\n")
    error = ask(None, "--replay", str(broken)).exception
    assert isinstance(error, RecordingError)
    assert "broken line 1: " in str(error)


def test_a_recording_that_cannot_be_written_is_said(file: Path, tmp_path: Path) -> None:
    error = ask(file, *CASE, "--record", str(tmp_path)).exception
    assert isinstance(error, RecordingError)
    assert "cannot write" in str(error)


def test_a_policy_of_ones_own_decides(file: Path, tmp_path: Path) -> None:
    ours = Path(__file__).parents[2] / "routing" / "data" / "policy.toml"
    own = tmp_path / "own.toml"
    own.write_text(ours.read_text("utf-8").replace("radius_m = 200_000", "radius_m = 500"))
    told = json.loads(ask(file, *CASE, "--policy", str(own), "--json").output)
    assert told["offers"] == []
    assert next(one["rule"] for one in told["excluded"]) == "distance"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "--code"),
        (("--code", "P538F"), "no trouble code"),
        (("--code", "P0301", "--at", "200,1"), "not LON,LAT"),
        (("--code", "P0301", "--at", "here"), "not LON,LAT"),
        (("--code", "P0301", "--status", "pendign"), "'pendign' is not one of"),
    ],
)
def test_a_question_nobody_can_read_is_refused_with_the_way_out(
    file: Path, words: tuple[str, ...], told: str
) -> None:
    answer = ask(file, *words)
    assert answer.exit_code == 2
    assert told in answer.output


@pytest.mark.parametrize(
    ("when", "told"),
    [
        ("soon", "is no time"),
        ("2026-11-23T10:00:00", "has no time zone"),
        ("9999-01-01T00:00:00Z", "is not within"),
    ],
)
def test_a_time_nobody_can_read_is_refused(file: Path, when: str, told: str) -> None:
    answer = ask(file, "--code", "P0301", when=when)
    assert answer.exit_code == 2
    assert told in answer.output


def test_credentials_without_their_sites_are_refused(file: Path) -> None:
    people = str(file.with_name("sites.credentials.csv"))
    answer = ask(None, "--code", "P0301", "--credentials", people)
    assert answer.exit_code == 2


def test_of_a_file_with_wrong_rows_nothing_is_taken(file: Path) -> None:
    file.write_text(SITES + "g-004,Garage 004,999,0,FR,,,\n")
    error = ask(file, *CASE).exception
    assert isinstance(error, RefusedRowsError)
    assert "g-004" in str(error) or "line" in str(error)


def test_without_a_place_there_is_an_answer_that_says_so(file: Path) -> None:
    assert "did not say where it is" in ask(file, "--code", "P0301").output


@pytest.mark.integration
def test_without_a_file_the_directory_of_the_running_instance_is_asked(running: Running) -> None:
    words = ("--code", "P0301", "--at", "-40.0,10.0", "--vehicle-class", "car", "--json")
    told = json.loads(running.command("match", *words).stdout)
    assert told["offers"] == []
    assert told["inputs"]["directory"].isdigit()


@pytest.mark.integration
def test_a_wrong_question_is_one_line_and_exit_code_2(running: Running) -> None:
    done = running.command("match", "--code", "P538F", fails=2)
    assert done.stderr.count("\n") == 1
    assert "is no trouble code" in done.stderr


# --- many cases, and what might have been -------------------------------------------------------


def batch(tmp_path: Path, *cases: dict[str, object]) -> str:
    path = tmp_path / "cases.jsonl"
    path.write_text("".join(f"{json.dumps(one)}\n" for one in cases))
    return str(path)


CAR: dict[str, object] = {
    "codes": ["P0301"],
    "powertrain": "petrol",
    "vehicle_class": "car",
    "pos": [2.35, 48.85],
}
GARAGES = """\
site,name,lon,lat,country,opening_hours,cases_per_day
near,Near,2.35,48.85,FR,24/7,1
far,Far,2.45,48.95,FR,24/7,
full,Full,2.35,48.85,FR,24/7,0
"""
TRADE = """\
site,person,scheme,title,valid_from,valid_until,evidence
near,1,trade,light vehicle technician,2012-07-01,,declared
far,1,trade,light vehicle technician,2012-07-01,,declared
full,1,trade,light vehicle technician,2012-07-01,,declared
"""


@pytest.fixture
def garages(tmp_path: Path) -> Path:
    sites = tmp_path / "garages.csv"
    sites.write_text(GARAGES)
    sites.with_name("garages.credentials.csv").write_text(TRADE)
    return sites


def test_a_batch_shares_what_the_sites_say_they_take(garages: Path, tmp_path: Path) -> None:
    cases = batch(tmp_path, *({"id": name, **CAR} for name in ("a", "b", "c")))
    for more, served in (((), 2), (("--capacity", "2"), 3), (("--days", "2"), 3)):
        answer = ask(garages, "--batch", cases, *more)
        *lines, total = map(json.loads, answer.stdout.splitlines())
        assert [line["id"] for line in lines] == ["a", "b", "c"]
        places = [line["site"] for line in lines]
        assert total["served"] == served == sum(place is not None for place in places)
        assert "full" not in places
        assert total["could_be_served"] == 3


def test_a_batch_says_what_the_assignment_is_worth(garages: Path, tmp_path: Path) -> None:
    far = {**CAR, "pos": [2.35, 47.95]}
    cases = batch(tmp_path, {"id": "a", **CAR}, {"id": "b", **far})
    greedy, assigned = (
        json.loads(ask(garages, "--batch", cases, "--share", how).stdout.splitlines()[-1])
        for how in ("greedy", "assigned")
    )
    assert assigned["points"] >= greedy["points"]
    assert assigned["price_of_greed"] == greedy["price_of_greed"] >= 0


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ({"id": "a"}, "codes"),
        ({"id": "a", **CAR, "codes": ["P538F"]}, "no trouble code"),
        ({"id": "a", **CAR, "codes": []}, "1 to 50 codes"),
        ({"id": "a", **CAR, "pos": [200, 0]}, "longitude"),
        ({"id": "a", **CAR, "more": 1}, "more"),
    ],
)
def test_a_line_of_a_batch_that_nobody_can_read_is_named(
    garages: Path, tmp_path: Path, line: dict[str, object], told: str
) -> None:
    error = ask(garages, "--batch", batch(tmp_path, {"id": "0", **CAR}, line)).exception
    assert isinstance(error, RecordingError)
    assert "cases.jsonl line 2: " in str(error)
    assert told in str(error)


def test_what_if_a_site_gained_a_title(file: Path, tmp_path: Path) -> None:
    record = str(tmp_path / "recorded")
    ask(file, *CASE, "--record", record)
    ask(file, "--code", "P0301", "--powertrain", "petrol", "--at", "2.35,48.85", "--record", record)
    title = "g-003,trade,light vehicle technician"
    *lines, total = map(
        json.loads, ask(None, "--replay", record, "--gain", title).stdout.splitlines()
    )
    assert [(line["before"], line["after"]) for line in lines] == [
        (["g-001"], ["g-001"]),
        ([], ["g-003"]),
    ]
    assert total == {"cases": 2, "other_lists": 1, "other_first": 1, "filled": 1}


def test_what_if_another_policy_had_held(file: Path, tmp_path: Path) -> None:
    record, own = str(tmp_path / "recorded"), tmp_path / "own.toml"
    ask(file, *CASE, "--record", record)
    ours = Path(__file__).parents[2] / "routing" / "data" / "policy.toml"
    own.write_text(ours.read_text("utf-8").replace("radius_m = 200_000", "radius_m = 500"))
    answer = ask(None, "--replay", record, "--policy", str(own))
    assert json.loads(answer.stdout.splitlines()[0])["after"] == []
    same = ask(None, "--replay", record, "--policy", str(ours))
    assert json.loads(same.stdout.splitlines()[-1])["other_lists"] == 0
    assert ask(None, "--replay", record, "--gain", "g-003").exit_code == 2
