"""The command line: one module for each subcommand, imported only when it is asked for."""

import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

import typer

ROOMS = ("rightbay", "gateway", "routing", "dtc_db", "audit", "storage", "api", "simulators")

ABOUT = """Routes a vehicle's fault to the repairer whose people are competent for it.

Try it: `rightbay demo` shows a small fleet and its referrals. Run it: `rightbay up` starts
everything. Look around: `rightbay doctor` says what this machine has. `rightbay COMMAND --help`
explains a command.

Data go to standard output, logs to standard error. Exit codes: 0 done, 1 failed, 2 wrong usage."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One subcommand.

    Attributes:
        module: Below ``rightbay.commands``. It has a function of the command's name, or a
            ``typer.Typer`` called ``app``.
        about: One line for the list of commands.
        panel: The heading under which the list shows it.
    """

    module: str
    about: str
    panel: str


_RUN, _ROLES, _DATA, _ASK = "Run", "One role each", "Data", "Ask"

COMMANDS = {
    "up": Entry("up", "Start PostgreSQL, a broker and every role.", _RUN),
    "doctor": Entry("doctor", "Say what was found, what is used, and what it promises.", _RUN),
    "gateway": Entry("roles", "Take reports, store them, send receipts.", _ROLES),
    "router": Entry("roles", "Turn faults into cases, and cases into referrals.", _ROLES),
    "deliver": Entry("roles", "Bring referrals to the vehicles.", _ROLES),
    "api": Entry("roles", "Serve HTTP.", _ROLES),
    "demo": Entry("demo", "Show a small fleet, its faults and their referrals.", _RUN),
    "replay": Entry("replay", "Publish a recording as if a vehicle's unit sent it.", _RUN),
    "simulate": Entry("simulate", "Put load on the service, the way vehicles do.", _RUN),
    "repairers": Entry("repairers", "Import and list repairers and their people.", _DATA),
    "vehicles": Entry("vehicles", "Register which unit sits in which vehicle.", _DATA),
    "reminders": Entry("reminders", "Say which titles of registered repairers end soon.", _DATA),
    "keys": Entry("keys", "Issue, list and revoke the keys that open self-service.", _DATA),
    "principals": Entry("principals", "Say whose rules hold for vehicles.", _DATA),
    "dtc": Entry("dtc", "Say what a code means, how urgent it is, and what mending takes.", _ASK),
    "assess": Entry(
        "assess", "Say which faults a site could take, and what would open more.", _ASK
    ),
    "coverage": Entry("coverage", "Say where in a region no one near holds a skill.", _ASK),
    "bench": Entry("bench", "Measure ourselves beside others, in one run.", _ASK),
    "match": Entry("match", "Rank the repairers who may mend a fault, and say why.", _ASK),
    "decode": Entry("decode", "Decode recordings of a CAN bus, offline.", _ASK),
    "deadletters": Entry("deadletters", "List, show and replay what nobody could read.", _DATA),
    "roads": Entry("roads", "Build a road map, so that times are by road.", _DATA),
    "migrate": Entry("migrate", "Bring the database's schema up to date.", _DATA),
}


def build_app(asked: str | None) -> typer.Typer:
    """Build the command line with one real command; the others are there for the help only.

    Args:
        asked: The command that will run; importing the others would cost more than running it.
    """
    app = typer.Typer(
        name="rightbay",
        help=ABOUT,
        add_completion=False,
        rich_markup_mode="markdown",
        pretty_exceptions_enable=False,
    )
    for name, entry in COMMANDS.items():
        if name == asked:
            _register(app, name, entry)
        else:
            app.command(name, help=entry.about, rich_help_panel=entry.panel)(_not_asked)
    return app


def _register(app: typer.Typer, name: str, entry: Entry) -> None:
    module = importlib.import_module(f"rightbay.commands.{entry.module}")
    if isinstance(getattr(module, "app", None), typer.Typer):
        app.add_typer(module.app, name=name, rich_help_panel=entry.panel)
    else:
        app.command(name, rich_help_panel=entry.panel)(getattr(module, name))


def _not_asked() -> NoReturn:
    raise AssertionError("a command runs only if it was asked for")


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit code.

    An error that one of the rooms foresaw becomes one line; anything else is a defect of ours and
    keeps its traceback.
    """
    arguments = list(sys.argv[1:] if argv is None else argv) or ["--help"]
    asked = next((word for word in arguments if not word.startswith("-")), None)
    try:
        code = build_app(asked)(arguments, prog_name="rightbay", standalone_mode=False)
    except typer.TyperException as error:
        _fail_usage(error, asked)
    except typer.Abort:
        _fail("given up", 1)
    except Exception as error:
        if not _is_foreseen(error):
            raise
        _fail(str(error), getattr(error, "exit_code", 1))
    sys.exit(code if isinstance(code, int) else 0)


def _fail_usage(error: typer.TyperException, asked: str | None) -> NoReturn:
    text = error.format_message().rstrip(".")
    if not text:
        sys.exit(error.exit_code)  # a group without its subcommand has shown its help
    page = f"rightbay {asked} --help" if asked in COMMANDS else "rightbay --help"
    _fail(f"{text} (see {page})", error.exit_code)


def _fail(text: str, code: int) -> NoReturn:
    print(f"rightbay: {text}", file=sys.stderr)  # noqa: T201 - the one line
    sys.exit(code)


def _is_foreseen(error: Exception) -> bool:
    """Say whether a room's ``errors.py`` names this kind of error."""
    homes = {f"{room}.errors" for room in ROOMS}
    return any(kind.__module__ in homes for kind in type(error).__mro__)
