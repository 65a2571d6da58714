import json
from pathlib import Path

import pytest

from rightbay import cli
from rightbay.findings import Finding, examine
from rightbay.settings import Settings

PARTS = ("python", "data", "database", "broker", "roads")


def findings(settings: Settings) -> dict[str, Finding]:
    return {finding.part: finding for finding in examine(settings)}


def test_every_part_is_found_fit_and_used_embedded(tmp_path: Path) -> None:
    found = findings(Settings(data=tmp_path / "data"))
    assert tuple(found) == PARTS
    assert all(finding.problem is None for finding in found.values())
    assert found["database"].used.startswith("embedded")
    assert found["broker"].used.startswith("embedded")
    assert not (tmp_path / "data").exists()


def test_each_embedded_choice_says_what_it_keeps_and_what_it_lacks(tmp_path: Path) -> None:
    found = findings(Settings(data=tmp_path))
    for part in ("database", "broker"):
        assert any("promise 1" in text for text in found[part].keeps)
        assert found[part].lacks
    assert any("promise 7" in text for text in found["broker"].lacks)


def test_a_named_server_is_used_and_its_password_hidden(tmp_path: Path) -> None:
    named = Settings(
        data=tmp_path,
        database_url="postgresql://u:secret@db/x",
        broker_url="mqtts://u:secret@mq",
    )
    found = findings(named)
    assert found["database"].used == "postgresql://u:***@db/x (RIGHTBAY_DATABASE_URL)"
    assert found["broker"].used == "mqtts://u:***@mq (RIGHTBAY_BROKER_URL)"
    assert "secret" not in repr(found)


def test_a_data_folder_that_is_a_file_is_a_problem_with_its_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    problem = findings(Settings(data=tmp_path / "file"))["data"].problem
    assert problem is not None
    assert "RIGHTBAY_DATA" in problem


@pytest.mark.parametrize(("name", "code"), [("data", 0), ("file", 1)])
def test_doctor_writes_json_and_exits_with_what_it_found(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str, code: int
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit) as caught:
        cli.main(["doctor", "--json", "--data", str(tmp_path / name)])
    document = json.loads(capsys.readouterr().out)
    assert caught.value.code == code
    assert document["fit"] is (code == 0)
    assert tuple(finding["part"] for finding in document["findings"]) == PARTS


def test_doctor_shows_every_finding_to_people(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with pytest.raises(SystemExit):
        cli.main(["doctor", "--data", str(tmp_path)])
    out = capsys.readouterr().out
    for finding in examine(Settings(data=tmp_path)):
        assert finding.part in out.splitlines()
        assert all(text in out for text in (finding.used, *finding.keeps, *finding.lacks))


def test_a_folder_of_signals_is_read_as_a_gateway_would(tmp_path: Path) -> None:
    named = Settings(data=tmp_path, signals=tmp_path)
    assert "not there or empty" in findings(named)["signals"].lacks[0]
    (tmp_path / "signals.toml").write_text("[[bus]]\nconversion = 2\n")
    assert "1 tables in signals.toml" in findings(named)["signals"].found[0]
    (tmp_path / "signals.toml").write_text("[[bus]]\nconversion = 4\n")
    broken = findings(named)["signals"]
    assert "bus 1: conversion: expected one of 1, 2, 3" in broken.found[0]
    assert broken.lacks
    assert broken.problem is None
