import importlib
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from gateway.errors import BrokerLostError
from rightbay import cli
from rightbay.errors import SettingsError


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    output = capsys.readouterr()
    assert isinstance(caught.value.code, int)
    return caught.value.code, output.out, output.err


def test_the_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "--help")
    assert (code, err) == (0, "")
    assert all(name in out for name in cli.COMMANDS)


def test_no_command_at_all_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys) == run(capsys, "--help")


@pytest.mark.parametrize(
    ("arguments", "word", "page"),
    [
        (("upp",), "'up'", "rightbay --help"),
        (("up", "--no-such"), "--no-such", "rightbay up --help"),
        (("up", "--data"), "--data", "rightbay up --help"),
        (("doctor", "surplus"), "surplus", "rightbay doctor --help"),
        (("--no-such",), "--no-such", "rightbay --help"),
    ],
)
def test_wrong_usage_is_one_line_that_names_it_and_the_way_out(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], word: str, page: str
) -> None:
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert word in err
    assert f"(see {page})" in err


@pytest.mark.parametrize(
    "arguments",
    [
        ("match", "--code", "P0AA6"),
        ("dtc", "P0420"),
        ("dtc", "case", "P0420"),
        ("assess", "g-001"),
        ("coverage", "--skill", "hv.live", "--bbox", "5,45,11,48"),
        ("reminders", "due"),
    ],
)
def test_a_language_that_is_not_kept_is_refused_and_not_taken_for_english(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    code, out, err = run(capsys, *arguments, "--lang", "xx")
    assert (code, out) == (2, "")
    assert "'xx' is none of en, fr, de" in err


def test_a_language_that_is_kept_is_spoken(capsys: pytest.CaptureFixture[str]) -> None:
    told = [run(capsys, "dtc", "case", "P0420", "--lang", lang) for lang in ("en", "fr", "de")]
    assert [code for code, _, _ in told] == [0, 0, 0]
    assert len({out for _, out, _ in told}) == 3


def test_a_group_without_its_subcommand_shows_its_help_as_wrong_usage(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, err = run(capsys, "repairers")
    assert (code, err) == (2, "")
    assert "import" in out


def test_a_wrong_setting_is_one_line_and_wrong_usage(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RIGHTBAY_API_PORT", "many")
    code, out, err = run(capsys, "doctor")
    assert (code, out) == (2, "")
    assert err.startswith("rightbay: RIGHTBAY_API_PORT must be ")
    assert err.count("\n") == 1


def use_failing(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Make a command line whose one command fails."""

    def fail() -> None:
        raise error

    app = typer.Typer()
    app.callback()(lambda: None)
    app.command()(fail)
    monkeypatch.setattr(cli, "build_app", lambda _: app)


@pytest.mark.parametrize(
    ("error", "code"), [(SettingsError("wrong"), 2), (BrokerLostError("wrong"), 1)]
)
def test_an_error_that_a_room_foresaw_becomes_one_line(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    code: int,
) -> None:
    use_failing(monkeypatch, error)
    assert run(capsys, "fail") == (code, "", "rightbay: wrong\n")


def test_a_defect_of_ours_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    use_failing(monkeypatch, ValueError("defect"))
    with pytest.raises(ValueError, match="defect"):
        cli.main(["fail"])


@pytest.mark.parametrize("name", list(cli.COMMANDS))
def test_every_command_in_the_list_exists(name: str) -> None:
    module = importlib.import_module(f"rightbay.commands.{cli.COMMANDS[name].module}")
    assert callable(getattr(module, name, None)) or isinstance(module.app, typer.Typer)


@pytest.mark.parametrize("name", list(cli.COMMANDS))
def test_every_command_explains_itself(capsys: pytest.CaptureFixture[str], name: str) -> None:
    code, out, _ = run(capsys, name, "--help")
    assert code == 0
    assert f"rightbay {name}" in out


def test_the_help_loads_no_room_and_no_command() -> None:
    code = (
        "import sys\n"
        "from rightbay import cli\n"
        "try: cli.main(['--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted(n for n in sys.modules if n.startswith('rightbay.') or n in "
        f"{set(cli.ROOMS) - {'rightbay'}!r} or n in {{'asyncpg', 'asyncio', 'psutil'}}), "
        "file=sys.stderr)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stderr == "['rightbay.cli']\n"


def check_up(environ: dict[str, str], data: Path, *words: str) -> None:
    """`rightbay up` ends with one line on stderr, besides its log, and exit code 1."""
    result = subprocess.run(
        [sys.executable, "-m", "rightbay", "up", "--data", str(data)],
        env={"PATH": "/usr/bin:/bin", "RIGHTBAY_LOG_LEVEL": "error", **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("rightbay: ")
    assert result.stderr.count("\n") == 1
    for word in words:
        assert word in result.stderr
    assert "secret" not in result.stderr


@pytest.mark.integration
def test_a_named_broker_that_is_away_ends_up_in_one_line(tmp_path: Path) -> None:
    servers = {
        "RIGHTBAY_DATABASE_URL": "postgresql://u:secret@127.0.0.1:1/x",
        "RIGHTBAY_BROKER_URL": "mqtt://u:secret@127.0.0.1:1",
    }
    check_up(servers, tmp_path, "broker", "RIGHTBAY_BROKER_URL")


@pytest.mark.integration
def test_a_named_database_that_is_away_ends_up_in_one_line(tmp_path: Path) -> None:
    servers = {"RIGHTBAY_DATABASE_URL": "postgresql://u:secret@127.0.0.1:1/x"}
    check_up(servers, tmp_path, "database", "RIGHTBAY_DATABASE_URL")


@pytest.mark.integration
def test_a_named_port_in_use_ends_up_in_one_line(tmp_path: Path, broker_url: str) -> None:
    port = broker_url.rpartition(":")[2]
    servers = {
        "RIGHTBAY_DATABASE_URL": "postgresql://127.0.0.1:1/x",
        "RIGHTBAY_BROKER_PORT": port,
    }
    check_up(servers, tmp_path, f"port {port}", "RIGHTBAY_BROKER_PORT")


@pytest.mark.integration
def test_a_folder_that_cannot_be_used_ends_up_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    check_up({}, tmp_path / "file" / "data", "RIGHTBAY_DATA")
