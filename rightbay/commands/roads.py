"""`rightbay roads`: a road map, so that times are by road and not by straight lines."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from rightbay.commands.options import DataOption, JsonOption
from rightbay.roads import roads_folder
from rightbay.settings import load_settings
from routing.travel.build import build as build_map

app = typer.Typer(help="Build a road map, so that times are by road.", no_args_is_help=True)


@app.callback()
def roads() -> None:
    """Build a road map, so that times are by road and not by straight lines."""


@app.command()
def build(
    *,
    source: Annotated[
        Path,
        typer.Argument(
            metavar="FILE.osm.pbf", help="An OpenStreetMap extract.", exists=True, dir_okay=False
        ),
    ],
    to: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Where to (default: RIGHTBAY_ROADS, else `roads` in the data folder).",
            file_okay=False,
            show_default=False,
        ),
    ] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Build the map for cars and trucks, and take it into use once it is whole.

    What runs takes it without a restart. Until then, and if it fails, the map before stays in use.
    """
    folder = to or roads_folder(load_settings(data=data))
    if folder is None:
        raise typer.BadParameter("RIGHTBAY_ROADS names a server; say --to FOLDER")
    manifest = build_map(source, folder, say=_say)
    if as_json:
        found = {"folder": str(folder), "version": manifest.version, "bytes": manifest.total_bytes}
        typer.echo(json.dumps(found))
        return
    typer.echo(f"map     {manifest.version}, from {manifest.source}")
    typer.echo(f"folder  {folder}, {manifest.total_bytes / 2**20:.1f} MiB")


def _say(text: str) -> None:
    """Show progress to somebody who waits at a terminal."""
    if sys.stderr.isatty():
        typer.echo(f"{text} ...", err=True)
