"""`rightbay vehicles`: say which unit sits in which vehicle."""

import asyncio
import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from rightbay.commands.options import DataOption, JsonOption
from rightbay.errors import RefusedRowsError
from rightbay.settings import load_settings
from rightbay.supervision.instance import database_url
from routing.imports.findings import Verdict
from routing.imports.vehicles import VehicleFile, read_vehicles
from storage.pool import open_pool
from storage.vehicles import Registered, register_vehicles

app = typer.Typer(no_args_is_help=True, help="The register of vehicles.")


@app.callback()
def vehicles() -> None:
    """The register of vehicles."""


@app.command("import")
def import_(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="CSV: unit, vin, make, model, year, powertrain, vehicle_class, fleet, ….",
            exists=True,
            dir_okay=False,
        ),
    ],
    *,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Register the vehicles in FILE, all of them or none; the same file again changes nothing.

    Make and model year come from the VIN where FILE does not give them. A vehicle that was heard
    before it was registered keeps its faults, and its open case is looked at again.
    """
    url = database_url(load_settings(data=data))
    found = read_vehicles(file, year_max=datetime.now(UTC).year + 1)
    refusals = [str(each) for each in found.findings if each.verdict is Verdict.REFUSED]
    if refusals:
        raise RefusedRowsError(file.name, refusals)
    done = asyncio.run(_register(url, found))
    if as_json:
        typer.echo(json.dumps(asdict(done)))
    else:
        typer.echo(
            f"vehicles: added {done.added}, changed {done.changed}, unchanged {done.unchanged}"
        )


async def _register(url: str, found: VehicleFile) -> Registered:
    async with open_pool(url, size_max=1) as pool:
        return await register_vehicles(pool, found.vehicles)
