"""Lists and rules through the command line, on a real database."""

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from rightbay.commands.dtc import app
from rightbay.errors import RefusedRowsError
from storage.errors import ConflictError
from storage.migrate import migrate
from storage.pool import open_pool

pytestmark = pytest.mark.integration

MAKES = Path(__file__).parents[3] / "shared" / "data" / "dtc" / "make_names.csv"


@pytest.fixture(autouse=True)
def _database(postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def prepare() -> None:
        async with open_pool(postgres_url, size_max=1) as pool:
            await migrate(pool)

    asyncio.run(prepare())
    monkeypatch.setenv("RIGHTBAY_DATABASE_URL", postgres_url)
    monkeypatch.setenv("RIGHTBAY_DATA", str(tmp_path / "data"))


def run(*words: str) -> Result:
    result = CliRunner().invoke(app, list(words))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


def ask(code: str, make: str) -> dict[str, object]:
    answer: dict[str, object] = json.loads(run(code, "--make", make, "--json").output)
    return answer


def test_a_list_is_imported_asked_replaced_and_removed(tmp_path: Path) -> None:
    mine = tmp_path / "mine.csv"
    mine.write_text("make,code,text\nHonda,P1457,canister leaks\n")
    said = run("import", str(mine), "--by", "an editor").output
    assert said == "mine version 1: 1 entries, added 1, changed 0, removed 0\n"
    assert ask("P1457", "HONDA")["text"] == "canister leaks"
    assert ask("P1457", "kia")["level"] == "system"
    assert "nothing changed" in run("import", str(mine)).output
    mine.write_text("make,code,text\nHonda,P1457,canister valve leaks\n")
    with pytest.raises(ConflictError, match="--replace"):
        run("import", str(mine))
    assert "changed 1" in run("import", str(mine), "--replace").output
    assert ask("P1457", "honda")["text"] == "canister valve leaks"
    assert "mine version 2: 1 entries from mine.csv" in run("lists").output
    assert run("remove", "mine", "--by", "an editor").output == "mine version 2 is asked no more\n"
    assert ask("P1457", "honda")["level"] == "system"
    assert run("lists").output == ""
    ended = [json.loads(line) for line in run("lists", "--all", "--json").output.splitlines()]
    assert [(each["version"], each["ended_by"] is None) for each in ended] == [
        (1, False),
        (2, False),
    ]
    assert "by an editor, ended" in run("lists", "--all").output


def test_nothing_of_a_list_with_a_mistake_is_kept(tmp_path: Path) -> None:
    mine = tmp_path / "mine.csv"
    mine.write_text("make,code,text\nHonda,P1457,fine\nHonda,P5457,no code\n")
    with pytest.raises(RefusedRowsError, match=r"line 3: .*second digit 5"):
        run("import", str(mine))
    assert run("lists", "--all").output == ""
    assert ask("P1457", "honda")["level"] == "system"


def test_a_list_needs_a_name_that_can_be_typed(tmp_path: Path) -> None:
    mine = tmp_path / "mine.csv"
    mine.write_text("make,code,text\nHonda,P1457,fine\n")
    result = CliRunner().invoke(app, ["import", str(mine), "--name", "\n"])
    assert result.exit_code == 2


def test_the_whole_public_list_of_makes_is_imported() -> None:
    if not MAKES.is_file():
        pytest.skip("NOT TESTED: make_names.csv is not beside this checkout")
    done = json.loads(run("import", str(MAKES), "--json").output)
    assert (done["entries"], done["added"], done["repeats"]) == (9390, 9390, 0)
    jeep, volkswagen = ask("P1684", "jeep"), ask("P1684", "vw")
    assert jeep["level"] == volkswagen["level"] == "make"
    assert jeep["text"] != volkswagen["text"]
    assert ask("P1684", "kia")["level"] == "system"
    assert json.loads(run("stats", "--json").output)["make"] == 9390


def test_rules_are_made_listed_and_undone() -> None:
    made = run(
        *("rule", "raise", "p04*", "--to", "soon", "--make", "VW", "--by", "a manager"),
        *("--because", "hills", "--fleet", "north"),
    ).output
    assert made.startswith("rule 1: raise P04* of volkswagen to soon, by a manager on 20")
    (listed,) = [json.loads(line) for line in run("rules", "--json").output.splitlines()]
    assert (listed["pattern"], listed["fleet"], listed["undone_by"]) == ("P04*", "north", "")
    assert ": hills" in run("rules").output
    ours = ("P0420", "--make", "vw", "--json", "--fleet")
    north, south = (json.loads(run(*ours, fleet).output) for fleet in ("north", "south"))
    assert (north["urgency"], south["urgency"]) == ("soon", "next_service")
    assert "by a manager on 20" in north["why"][-1]
    assert run("undo", "1", "--by", "another").output == "rule 1 is undone\n"
    assert run("rules").output == ""
    assert "undone 20" in run("rules", "--all").output
    with pytest.raises(ConflictError, match="there is no rule 1"):
        run("undo", "1")
