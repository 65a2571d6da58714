import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from rightbay.commands.dtc import app

KEYS = [
    *("code", "text", "lang", "level", "urgency"),
    *("driver_action", "fleet_action", "need", "why"),
]


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No database is named, and nothing runs in the data folder."""
    monkeypatch.delenv("RIGHTBAY_DATABASE_URL", raising=False)
    monkeypatch.setenv("RIGHTBAY_DATA", str(tmp_path))


def ask(*words: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, list(words), input=stdin)


def test_a_code_is_explained_in_plain_lines() -> None:
    answer = ask("P0AA6", "--powertrain", "bev")
    assert answer.exit_code == 0
    assert "isolation" in answer.output
    assert "hv.live" in answer.output
    assert "tow" in answer.output


def test_a_code_may_be_written_in_several_words() -> None:
    assert json.loads(ask("SPN", "609", "FMI", "9", "--json").output)["code"] == "SPN 609 FMI 9"


def test_json_has_the_stable_keys() -> None:
    answer = json.loads(ask("p0301-1c", "--json", "--lang", "fr").output)
    assert list(answer) == KEYS
    assert (answer["code"], answer["lang"], answer["level"]) == ("P0301-1C", "fr", "generic")
    assert set(answer["need"]) == {"skills", "access", "equipment", "arrival", "recovery"}


def test_standard_input_is_answered_line_by_line_in_order() -> None:
    answer = ask("-", "--json", stdin="p0301\nP538F\n\n609/9")
    assert answer.exit_code == 0
    first, bad, empty, last = map(json.loads, answer.output.splitlines())
    assert first["code"] == "P0301"
    assert bad["input"] == "P538F"
    assert "second digit 5" in bad["error"]
    assert set(empty) == {"input", "error"}
    assert last["code"] == "SPN 609 FMI 9"


def test_bytes_that_are_no_text_are_no_code() -> None:
    answer = CliRunner().invoke(app, ["-"], input=b"\xff\xfe\nP0301\n")
    bad, good = map(json.loads, answer.output.splitlines())
    assert "error" in bad
    assert good["code"] == "P0301"


def test_signs_and_vehicle_count() -> None:
    calm = json.loads(ask("P0300", "--json").output)
    flashing = json.loads(ask("P0300", "--lamp", "mil=fast_flash", "--json").output)
    assert (calm["urgency"], flashing["urgency"]) == ("soon", "limp")
    truck = json.loads(ask("C0035", "--vehicle-class", "truck", "--json").output)
    assert truck["urgency"] == "limp"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["P538F"], "second digit 5"),
        (["P0301", "--lang", "xx"], "'xx' is none of en, fr, de"),
        (["P0301", "--lamp", "mil"], "--lamp mil"),
        (["search"], "search for what"),
        (["P0420", "--lamp", "mil=lit"], "expected mil, rsl, awl, pl"),
        (["P0420", "--status", "old"], "'old' is not one of"),
        (["case"], "give a code or a --symptom"),
        ([], "Missing argument"),
    ],
)
def test_wrong_usage_is_told_with_exit_code_two(words: list[str], reason: str) -> None:
    answer = ask(*words)
    assert answer.exit_code == 2
    assert reason in answer.output


def test_what_is_no_subcommand_is_a_code() -> None:
    assert (
        ask("--lang", "de", "P0301", "--json").output
        == ask("code", "P0301", "--json", "--lang", "de").output
    )
    assert "import" in ask("--help").output
    assert "--powertrain" in ask("code", "--help").output


def test_a_list_is_asked_first_without_any_database(tmp_path: Path) -> None:
    mine = tmp_path / "mine.csv"
    mine.write_text("make,code,text,severity\nJeep,P1684,battery was off,info\n")
    asked = ("P1684", "--json", "--layer", str(mine))
    answer = json.loads(ask(*asked, "--make", "JEEP").output)
    assert (answer["text"], answer["level"], answer["urgency"]) == (
        *("battery was off", "make", "info"),
    )
    assert json.loads(ask(*asked, "--make", "ford").output)["level"] == "system"
    assert json.loads(ask("stats", "--json", "--layer", str(mine)).output)["make"] == 1
    found = json.loads(
        ask("search", "battery", "was", "off", "--json", "--layer", str(mine)).output
    )
    assert found == {"code": "P1684", "text": "battery was off", "make": "jeep"}


def test_codes_are_found_by_words() -> None:
    assert "P0524" in ask("search", "oil", "pressure", "low").output
    first = json.loads(ask("search", "isolation", "--json").output.splitlines()[0])
    assert list(first) == ["code", "text"]


def test_the_statistics_count_every_code_once() -> None:
    counted = json.loads(ask("stats", "--json").output)
    assert counted["generic"] + counted["block"] + counted["system"] == 0x10000
    assert "generic" in ask("stats").output


def test_several_codes_are_told_together() -> None:
    answer = json.loads(ask("case", "P0300", "P0171", "P0174", "--json").output)
    assert [(fault["code"], fault["role"]) for fault in answer["faults"]] == [
        ("P0300", "follows"),
        ("P0171", "cause"),
        ("P0174", "cause"),
    ]
    (finding,) = answer["findings"]
    assert (finding["name"], finding["follows"]) == ("intake_leak", ["P0300"])
    said = ask("case", "P0420", "--symptom", "collision", "--powertrain", "bev", "--lang", "fr")
    assert "choc" in said.output
    assert "P0300  follows" in ask("case", "P0300", "P0171", "P0174").output


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["case", "P538F"], "second digit 5"),
        (["case", "P0301", "--symptom", "rust"], "--symptom rust: expected one of brake"),
        (["rule", "ignore", "P*", "--by", "me"], "no pattern"),
        (["rule", "raise", "P0420", "--by", "me"], "need an urgency"),
        (["import", "no such file"], "does not exist"),
    ],
)
def test_wrong_usage_of_the_subcommands_is_told_too(words: list[str], reason: str) -> None:
    answer = ask(*words)
    assert answer.exit_code == 2
    assert reason in " ".join(answer.output.split())


def test_a_list_of_ones_own_is_held_against_ours(tmp_path: Path) -> None:
    mine = tmp_path / "mine.csv"
    mine.write_text("code,text\nP0128,Coolant thermostat\nP0420,left rear window\nP1457,x\n")
    said = ask("compare", str(mine), "--worst", "1").output
    assert "P0       2 listed  100.0% with a row of their own" in said
    assert "left out: 1 makers' own, 0 without a code or a meaning" in said
    assert said.splitlines()[-1].startswith("0.00  P0420  ")
    found = json.loads(ask("compare", str(mine), "--json").output)
    assert found["blocks"]["P0"]["levels"] == {"generic": 2}
    assert [row["code"] for row in found["worst"]] == ["P0420", "P0128"]


def test_what_a_person_notices_speaks_besides_the_codes_or_alone() -> None:
    words = ["case", "P0420", "--symptom", "smoke", "--powertrain", "bev"]
    together = json.loads(ask(*words, "--json").output)
    assert together["urgency"] == "stop_now"
    assert "get everybody out" in together["driver_action"]
    assert "hv.live" in together["need"]["skills"]["all"]
    assert together["need"]["arrival"] == "towed"
    alone = json.loads(ask("case", "--symptom", "brake_pedal_soft", "--json").output)
    assert (alone["urgency"], alone["need"]["skills"]) == ("stop_now", "brakes")
    # The control: without the symptom it waits for the next service.
    plain = json.loads(ask("case", "P0420", "--powertrain", "bev", "--json").output)
    assert plain["urgency"] == "next_service"


def test_a_case_of_what_is_no_fault_needs_no_visit() -> None:
    said = ask("case", "P1000", "--make", "ford").output
    assert said.splitlines()[-1] == "together  nothing that needs a visit"


def test_a_case_weighs_speed() -> None:
    assert "together  limp" in ask("case", "C0077", "--speed", "90").output
    assert "together  soon" in ask("case", "C0077", "--speed", "30").output


def test_rules_speak_of_a_single_code_too() -> None:
    known = json.loads(ask("P1684", "--make", "jeep", "--json").output)
    assert (known["urgency"], known["need"]["skills"]) == ("info", {"all": []})
    assert "battery was disconnected" in known["why"][-1]
    other = json.loads(ask("P1684", "--make", "kia", "--json").output)
    assert other["urgency"] == "unknown"
    fast = json.loads(ask("C0077", "--speed", "90", "--json").output)
    slow = json.loads(ask("C0077", "--json").output)
    assert (fast["urgency"], slow["urgency"]) == ("limp", "soon")
    assert "at 90 km/h" in fast["why"][-1]
