"""`rightbay doctor`: what this machine has, and what may be relied on with it."""

import json
from collections.abc import Sequence
from dataclasses import asdict

import typer

from rightbay.commands.options import DataOption, JsonOption
from rightbay.findings import Finding, examine
from rightbay.settings import load_settings


def doctor(*, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Say what was found, what is used, and which promise each choice keeps or does not.

    Starts nothing. Exits with 1 if `rightbay up` could not work here.
    """
    findings = examine(load_settings(data=data))
    is_fit = all(finding.problem is None for finding in findings)
    if as_json:
        document = {"findings": [asdict(finding) for finding in findings], "fit": is_fit}
        typer.echo(json.dumps(document, indent=2))
    else:
        _show(findings)
    raise typer.Exit(0 if is_fit else 1)


def _show(findings: Sequence[Finding]) -> None:
    for finding in findings:
        typer.secho(finding.part, bold=True)
        lines = (
            *(("found", text) for text in finding.found),
            ("used", finding.used),
            *(("keeps", text) for text in finding.keeps),
            *(("lacks", text) for text in finding.lacks),
            *((("problem", finding.problem),) if finding.problem else ()),
        )
        for label, text in lines:
            typer.echo(f"  {label:<8} {text}")
