"""`rightbay dtc case`: what several codes, and what a person noticed, mean together."""

import json
from datetime import UTC, datetime
from typing import Annotated

import typer

from dtc_db.codes import parse_code
from dtc_db.errors import MalformedCodeError
from dtc_db.knowledge import Knowledge
from dtc_db.need import Json, need_to_json
from dtc_db.vehicle import Powertrain, VehicleClass
from rightbay.commands.options import (
    JsonOption,
    LangOption,
    MakeOption,
    PowertrainOption,
    VehicleClassOption,
    YearOption,
    kind_of,
)
from routing.cases import ObservedFault, Weighed, join, package_rules, weigh
from routing.decision import Case


def case(
    codes: Annotated[
        list[str] | None, typer.Argument(metavar="[CODE]...", help="All that are on.")
    ] = None,
    *,
    make: MakeOption = None,
    year: YearOption = None,
    vehicle_class: VehicleClassOption = VehicleClass.UNKNOWN,
    powertrain: PowertrainOption = Powertrain.UNKNOWN,
    unit: Annotated[str, typer.Option(help="Name of its telematics unit.")] = "",
    symptom: Annotated[
        list[str] | None, typer.Option(help="What somebody noticed. May be repeated.")
    ] = None,
    speed_kmh: Annotated[
        float | None, typer.Option("--speed", help="In km/h, when it told the codes.")
    ] = None,
    lang: LangOption = "en",
    as_json: JsonOption = False,
) -> None:
    """Say what several codes mean together: which to begin with, and which only follow.

    The rules are those that come with the package; your own ones need a vehicle and its fleet.
    """
    names = {each.name for each in package_rules().tables.symptoms}
    if unknown := set(symptom or ()) - names:
        raise typer.BadParameter(
            f"--symptom {min(unknown)}: expected one of {', '.join(sorted(names))}"
        )
    if not codes and not symptom:
        raise typer.BadParameter("give a code or a --symptom, or several")
    at = datetime.now(UTC)  # they are on together, as far as we are told
    try:
        faults = [
            ObservedFault(code=parse_code(text), ecu="", status="", onset_at=at)
            for text in codes or ()
        ]
    except MalformedCodeError as error:
        raise typer.BadParameter(str(error)) from error
    weighed = weigh(
        faults,
        vehicle=kind_of(vehicle_class, powertrain, make, year),
        knowledge=Knowledge.load(),
        unit=unit,
        symptoms=symptom or (),
        speed_kmh=speed_kmh,
        lang=lang,
    )
    joined = join(weighed, case_id="", is_registered=True, position=None)
    if as_json:
        typer.echo(json.dumps(_shape(weighed, joined), ensure_ascii=False))
        return
    for line in _lines(weighed, joined):
        typer.echo(line)


def _lines(weighed: Weighed, joined: Case) -> list[str]:
    lines: list[str] = []
    for each in weighed.faults:
        lines.append(
            f"{each.fault.code}  {each.judged.role}, {each.after.urgency}  {each.after.text}"
        )
        lines += [f"  why  {reason}" for reason in each.judged.because]
    lines += [f"{finding.name}  {finding.text}" for finding in joined.findings]
    if not _needs_visit(weighed):
        return [*lines, "together  nothing that needs a visit"]
    return [
        *lines,
        f"together  {joined.urgency}",
        f"  driver  {joined.driver_action}",
        f"  fleet   {joined.fleet_action}",
        f"  need    {joined.need}",
    ]


def _needs_visit(weighed: Weighed) -> bool:
    return bool(weighed.felt) or any(each.counts for each in weighed.faults)


def _shape(weighed: Weighed, joined: Case) -> dict[str, Json]:
    return {
        "needs_visit": _needs_visit(weighed),
        "urgency": joined.urgency.value,
        "driver_action": joined.driver_action,
        "fleet_action": joined.fleet_action,
        "need": need_to_json(joined.need),
        "faults": [
            {
                "code": str(each.fault.code),
                "text": each.after.text,
                "role": each.judged.role.value,
                "urgency": each.after.urgency.value,
                "because": [*each.judged.because],
            }
            for each in weighed.faults
        ],
        "findings": [
            {
                "name": finding.name,
                "text": finding.text,
                "causes": [*finding.causes],
                "follows": [*finding.follows],
                "source": finding.source,
            }
            for finding in joined.findings
        ],
    }
