"""The house as it is drawn in ARCHITECTURE.md is the house as it stands."""

import ast
import re
import subprocess
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("api", "audit", "dtc_db", "gateway", "rightbay", "routing", "simulators", "storage")
LINES_MAX = 500


def _tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip("no git checkout: the list of the project's own files is not to be had")
    return [path for line in listed.stdout.splitlines() if (path := ROOT / line).is_file()]


def _modules() -> list[Path]:
    return [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]


def test_no_other_distribution_claims_a_room() -> None:
    claims = packages_distributions()
    assert {room: set(claims.get(room, ())) for room in ROOMS} == {
        room: {"rightbay"} for room in ROOMS
    }


def test_the_distribution_cannot_be_published_by_mistake() -> None:
    assert "Private :: Do Not Upload" in distribution("rightbay").metadata.get_all("Classifier", [])


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_is_one_thought(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= LINES_MAX
    assert ast.get_docstring(ast.parse(text)), "a module opens by saying what it is for"
    assert path.stem not in {"utils", "common", "helpers", "misc"}


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_what_it_is_for_and_nothing_else(room: str) -> None:
    tree = ast.parse((ROOT / room / "__init__.py").read_text(encoding="utf-8"))
    assert [type(node) for node in tree.body] == [ast.Expr]


def test_no_file_names_a_registry_or_a_place_on_some_machine() -> None:
    registry = re.compile(r"https?://[^ \"']*(pypi|pythonhosted|npmjs|deb\.debian|registry)\b")
    place = re.compile(r"(?<![\w./])/(work|farm|home/\w+|Users/\w+)/")
    wrong = []
    for path in _tracked():
        if path == Path(__file__):
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        wrong += (
            [str(path.relative_to(ROOT))] if registry.search(text) or place.search(text) else []
        )
    assert wrong == []


def test_the_map_names_every_room() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    assert [room for room in ROOMS if f"`{room}/`" not in text] == []
