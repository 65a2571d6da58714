"""`rightbay dtc`: what a trouble code means, how urgent it is, and what mending it takes."""

import asyncio
import io
import json
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperGroup

from dtc_db.codes import parse_code
from dtc_db.errors import MalformedCodeError
from dtc_db.knowledge import Assessment, Knowledge
from dtc_db.need import NOTHING, Json, need_to_json
from dtc_db.records import WwhObdRecord, parse_record
from dtc_db.rules import Role, Rules, Sign, apply
from dtc_db.search import find_codes
from dtc_db.vehicle import Powertrain, VehicleClass, VehicleKind
from gateway.model import Status
from rightbay.code_lists import read_layer
from rightbay.commands import dtc_case, dtc_compare, dtc_lists, dtc_rules
from rightbay.commands.options import (
    DataOption,
    LangOption,
    MakeOption,
    PowertrainOption,
    VehicleClassOption,
    YearOption,
    kind_of,
)
from rightbay.settings import load_settings
from rightbay.supervision.instance import find_instance
from storage.knowledge import PostgresKnowledgeStore
from storage.pool import open_pool

LAMPS = ("mil", "rsl", "awl", "pl")
LAMP_STATES = ("on", "off", "slow_flash", "fast_flash")
LINE_LENGTH_MAX = 1000  # of a longer line of standard input only the beginning is echoed


class CodeFirst(TyperGroup):
    """A group in which what is no subcommand is a code to explain."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]  # the context class is typer's own, vendored
        """See the base class; `rightbay dtc P0AA6` is `rightbay dtc code P0AA6`."""
        is_for_group = bool(args) and (args[0] in self.commands or args[0] == "--help")
        return super().parse_args(ctx, args if is_for_group else ["code", *args])


app = typer.Typer(
    cls=CodeFirst,
    help="Say what a trouble code means: `rightbay dtc P0AA6`, see `rightbay dtc code --help`.",
)
app.command("compare")(dtc_compare.compare_list)
app.command("import")(dtc_lists.import_)
app.command("lists")(dtc_lists.lists)
app.command("remove")(dtc_lists.remove)
app.command("rule")(dtc_rules.rule)
app.command("rules")(dtc_rules.rules)
app.command("undo")(dtc_rules.undo)
app.command("case")(dtc_case.case)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of every code: on which vehicle, seen how, answered in which language."""

    vehicle: VehicleKind
    status: str | None
    lamps: tuple[tuple[str, str], ...]
    lang: str
    fleet: str
    speed_kmh: float | None

    def put(self, knowledge: Knowledge, rules: Rules, text: str) -> Assessment:
        """Answer for one code, with what the rules say of it alone.

        Raises:
            MalformedCodeError: If the text is no code.
        """
        record = parse_record(text)
        lamps = self.lamps
        if isinstance(record, WwhObdRecord) and record.advice is not None:
            lamps = (*lamps, ("advice", record.advice.value))
        assessment = knowledge.assess(
            parse_code(text) if record is None else record.code,
            self.vehicle,
            status=self.status,
            lamps=lamps,
            lang=self.lang,
        )
        sign = Sign(assessment.code, assessment.urgency)
        (judged,) = apply(
            [sign], self.vehicle, rules, fleet=self.fleet, speed_kmh=self.speed_kmh
        ).faults
        if not judged.because:
            return assessment
        revised = knowledge.revise(
            assessment,
            self.vehicle,
            urgency=judged.urgency,
            text=judged.text,
            because=judged.because,
            lang=self.lang,
        )
        return revised if judged.role is Role.CAUSE else replace(revised, need=NOTHING)


@app.command()
def code(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="CODE|-|search WORDS|stats",
            help="A code such as P0AA6, P0301-1C or 609/9; - reads one per line.",
            show_default=False,
        ),
    ],
    *,
    vehicle_class: VehicleClassOption = VehicleClass.UNKNOWN,
    powertrain: PowertrainOption = Powertrain.UNKNOWN,
    make: MakeOption = None,
    year: YearOption = None,
    status: Annotated[Status | None, typer.Option(help="As the control unit tells it.")] = None,
    lamp: Annotated[
        list[str] | None,
        typer.Option(help="A lamp and its state: mil=on, rsl=slow_flash. May be repeated."),
    ] = None,
    speed_kmh: Annotated[
        float | None, typer.Option("--speed", help="In km/h, when it told the code.")
    ] = None,
    fleet: Annotated[str, typer.Option(help="Whose vehicle it is, for rules of your own.")] = "",
    lang: LangOption = "en",
    layer: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="Ask this list first, and the database not at all. May be repeated.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    data: DataOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON lines.")] = False,
) -> None:
    """Say what a trouble code means, how urgent it is, what mending it takes, and why.

    The lists and rules of the running instance, or of the database that RIGHTBAY_DATABASE_URL
    names, speak besides the tables that come with the package.
    """
    asked = Question(
        kind_of(vehicle_class, powertrain, make, year),
        status and status.value,
        tuple(_lamp(text) for text in lamp or ()),
        lang,
        fleet,
        speed_kmh,
    )
    knowledge, rules = _knowledge(layer or [], data)
    match words:
        case ["search"]:
            raise typer.BadParameter(
                "search for what? for example `rightbay dtc search oil pressure`"
            )
        case ["search", *wanted]:
            _search(knowledge, wanted, lang=lang, as_json=as_json)
        case ["stats"]:
            _print(_stats(knowledge), as_json=as_json)
        case ["-"]:
            _answer_input(knowledge, rules, asked)
        case _:
            _print_one(knowledge, rules, " ".join(words), asked, as_json=as_json)


def _search(knowledge: Knowledge, wanted: list[str], *, lang: str, as_json: bool) -> None:
    for found in find_codes(knowledge.meanings, wanted, lang=lang):
        row: dict[str, Json] = {"code": found.code, "text": found.text}
        if found.make:
            row["make"] = found.make
        _print(row, as_json=as_json, row=True)


def _answer_input(knowledge: Knowledge, rules: Rules, asked: Question) -> None:
    """One line of JSON for each line of standard input."""
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")  # bytes that are no text are no code
    for line in sys.stdin:
        _emit(_answer(knowledge, rules, line.rstrip("\r\n")[:LINE_LENGTH_MAX], asked))


def _knowledge(files: list[Path], data: Path | None) -> tuple[Knowledge, Rules]:
    """Our tables behind the given lists, else with what the database has if there is one."""
    knowledge, rules = Knowledge.load(), Rules.load()
    if files:
        return knowledge.with_layers(read_layer(file) for file in files), rules
    settings = load_settings(data=data)
    instance = find_instance(settings)
    url = settings.database_url or (instance.database_url if instance else None)
    if url is None:
        return knowledge, rules
    return asyncio.run(_with_added(knowledge, rules, url))


async def _with_added(knowledge: Knowledge, rules: Rules, url: str) -> tuple[Knowledge, Rules]:
    async with open_pool(url, size_max=1) as pool:
        _, layers, own = await PostgresKnowledgeStore(pool).fetch_added()
    return knowledge.with_layers(layers), rules.with_own(own)


def _print_one(
    knowledge: Knowledge, rules: Rules, text: str, asked: Question, *, as_json: bool
) -> None:
    try:
        assessment = asked.put(knowledge, rules, text)
    except MalformedCodeError as error:
        raise typer.BadParameter(str(error)) from error
    if as_json:
        _emit(shape_assessment(assessment, asked.lang))
        return
    for line in _lines(assessment):
        typer.echo(line)


def shape_assessment(assessment: Assessment, lang: str) -> dict[str, Json]:
    """An assessment as the JSON object that the command prints; its keys are stable."""
    return {
        "code": str(assessment.code),
        "text": assessment.text,
        "lang": lang,
        "level": assessment.level.value,
        "urgency": assessment.urgency.value,
        "driver_action": assessment.driver_action,
        "fleet_action": assessment.fleet_action,
        "need": need_to_json(assessment.need),
        "why": [*assessment.why],
    }


def _answer(knowledge: Knowledge, rules: Rules, text: str, asked: Question) -> dict[str, Json]:
    try:
        return shape_assessment(asked.put(knowledge, rules, text), asked.lang)
    except MalformedCodeError as error:
        return {"input": text, "error": str(error)}


def _lines(assessment: Assessment) -> Iterable[str]:
    yield f"{assessment.code}  {assessment.text}"
    yield f"  known       {assessment.level}"
    yield f"  urgency     {assessment.urgency}"
    yield f"  driver      {assessment.driver_action}"
    yield f"  fleet       {assessment.fleet_action}"
    yield f"  need        {assessment.need}"
    for reason in assessment.why:
        yield f"  why         {reason}"


def _stats(knowledge: Knowledge) -> dict[str, Json]:
    """How many of all codes are known how exactly."""
    meanings = knowledge.meanings
    levels = Counter(meaning.level for meaning in meanings.fallbacks)
    for number in meanings.rows:
        levels[meanings.fallbacks[number].level] -= 1
    return {
        "make": sum(bool(said.entry.make) for said in meanings.layers),
        "generic": len(meanings.rows),
        **{level.value: count for level, count in sorted(levels.items()) if count},
        "j1939_parameters": len(meanings.parameters),
        "failure_types": len(meanings.failure_types),
    }


def _lamp(text: str) -> tuple[str, str]:
    name, _, state = text.partition("=")
    if name not in LAMPS or state not in LAMP_STATES:
        raise typer.BadParameter(
            f"--lamp {text}: expected {', '.join(LAMPS)} and one of {', '.join(LAMP_STATES)}, "
            "such as mil=on"
        )
    return name, state


def _print(data: dict[str, Json], *, as_json: bool, row: bool = False) -> None:
    if as_json:
        _emit(data)
    elif row:
        typer.echo("  ".join(str(value) for value in data.values()))
    else:
        for key, value in data.items():
            typer.echo(f"{key:<18}{value}")


def _emit(data: dict[str, Json]) -> None:
    sys.stdout.write(json.dumps(data, ensure_ascii=False) + "\n")
