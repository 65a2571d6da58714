"""docs/situations.md, run as it stands. ``UPDATE_GOLDEN=1`` writes what comes out into the page."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from rightbay.commands.match import match

PAGE = Path(__file__).parents[2] / "docs" / "situations.md"
TEXT = PAGE.read_text("utf-8")
SITUATIONS = re.findall(
    r"^## (\d+)\. (.+?)\n.*?```sh\nrightbay match (.+?)\n```\n\n```text\n(.*?)```",
    TEXT,
    re.MULTILINE | re.DOTALL,
)
EXCLUSIONS_SHOWN = 5
SAID_EACH_TIME = ("Times are estimates", "You are free")
FOUND_ON_ARRIVAL = ("open", "closed", "opening", "assumed", "stands this high by lot")

APP = typer.Typer()
APP.command("match")(match)


def block(name: str) -> str:
    return re.search(rf"```csv {name}\n(.*?)```", TEXT, re.DOTALL)[1]  # type: ignore[index] # else it fails


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    sites = tmp_path_factory.mktemp("world") / "sites.csv"
    sites.write_text(block("sites"), "utf-8")
    sites.with_name("sites.credentials.csv").write_text(block("people"), "utf-8")
    for name, rules in re.findall(r"```toml (\w+)\n(.*?)```", TEXT, re.DOTALL):
        sites.with_name(f"{name}.toml").write_text(rules, "utf-8")
    return sites


def told(answer: dict[str, Any]) -> Iterator[str]:
    yield f"arrival: {answer['arrival']}, urgency: {answer['urgency']}"
    for place, offer in enumerate(answer["offers"], start=1):
        found = "; ".join(why for why in offer["why"] if why.startswith(FOUND_ON_ARRIVAL))
        yield f"{place}. {offer['site']} ({offer['score']:g} points): {found}"
    reasons = [why for offer in answer["offers"][:1] for why in offer["why"]]
    yield from (f"   {why}" for why in reasons if " is nearer (" in why)
    yield from (f"o {one['site']}: {one['rule']}" for one in answer["free_choice"])
    excluded = answer["excluded"]
    for one in excluded[:EXCLUSIONS_SHOWN]:
        yield f"- {one['site']}: {one['rule']}: {', '.join(one['missing'])}"
    if len(excluded) > EXCLUSIONS_SHOWN:
        yield f"- and {len(excluded) - EXCLUSIONS_SHOWN} more"
    yield from (f"! {text}" for text in answer["notices"] if not text.startswith(SAID_EACH_TIME))


def test_there_are_as_many_as_the_page_says() -> None:
    assert [int(number) for number, *_ in SITUATIONS] == [*range(1, 35)]


@pytest.mark.parametrize(("number", "title", "words", "expected"), SITUATIONS)
def test_a_situation_is_what_the_page_says(
    world: Path, number: str, title: str, words: str, expected: str
) -> None:
    given = [str(world.with_name(w)) if w.endswith(".toml") else w for w in words.split()]
    asked = [*given, "--repairers", str(world), "--json"]
    done = CliRunner().invoke(APP, asked)
    assert done.exit_code == 0, f"{number} {title}: {done.output}"
    answer = json.loads(done.output)
    now = "".join(f"{line.rstrip()}\n" for line in told(answer))
    if os.environ.get("UPDATE_GOLDEN"):
        page = PAGE.read_text("utf-8")
        head = f"rightbay match {words}\n```\n\n```text\n"
        PAGE.write_text(page.replace(head + expected, head + now), "utf-8")
        return
    assert now == expected
    for word in SAID_EACH_TIME:
        assert any(text.startswith(word) for text in answer["notices"])
