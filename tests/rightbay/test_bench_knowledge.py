import json

from typer.testing import CliRunner

from dtc_db.codes import J1939Dtc, J2012Dtc
from rightbay.bench.knowledge import draw_codes
from rightbay.commands.bench import app


def test_codes_are_different_the_same_every_time_and_of_both_families() -> None:
    drawn = draw_codes(1000)
    assert drawn == draw_codes(1000)
    assert len(set(drawn)) == 1000
    assert sum(isinstance(code, J2012Dtc) for code in drawn) == 750
    assert sum(isinstance(code, J1939Dtc) for code in drawn) == 250


def test_the_command_measures_loading_and_answers() -> None:
    words = ["dtc", "--codes", "200", "--rounds", "1"]
    said = CliRunner().invoke(app, words).output.splitlines()
    assert [line.split()[0] for line in said] == ["load", "warm", "cold", "warm:"]
    document = json.loads(CliRunner().invoke(app, [*words, "--json"]).output)
    assert document["loaded"]["memory_mib"] > 1
    warm, cold = document["answers"]
    assert (warm["name"], cold["name"]) == ("warm", "cold")
    assert warm["per_s"] > cold["per_s"] > 0, "what was asked before is answered sooner"
