import json

import pytest
import typer
from typer.testing import CliRunner, Result

from rightbay.commands.dtc import dtc

APP = typer.Typer()
APP.command("dtc")(dtc)
KEYS = [
    *("code", "text", "lang", "level", "urgency"),
    *("driver_action", "fleet_action", "need", "why"),
]


def ask(*words: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(APP, list(words), input=stdin)


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
    answer = CliRunner().invoke(APP, ["-"], input=b"\xff\xfe\nP0301\n")
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
        (["P0301", "--lang", "xx"], "--lang xx"),
        (["P0301", "--lamp", "mil"], "--lamp mil"),
        (["search"], "no trouble code"),
        ([], "Missing argument"),
    ],
)
def test_wrong_usage_is_told_with_exit_code_two(words: list[str], reason: str) -> None:
    answer = ask(*words)
    assert answer.exit_code == 2
    assert reason in answer.output


def test_codes_are_found_by_words() -> None:
    assert "P0524" in ask("search", "oil", "pressure", "low").output
    first = json.loads(ask("search", "isolation", "--json").output.splitlines()[0])
    assert list(first) == ["code", "text"]


def test_the_statistics_count_every_code_once() -> None:
    counted = json.loads(ask("stats", "--json").output)
    assert counted["generic"] + counted["block"] + counted["system"] == 0x10000
    assert "generic" in ask("stats").output
