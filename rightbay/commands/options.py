"""Options that several subcommands have."""

from pathlib import Path
from typing import Annotated

import typer

from routing.model import Position

DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="FOLDER",
        help="Folder of the instance (default: RIGHTBAY_DATA, else your data folder).",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON, for machines.")]


def parse_place(text: str) -> Position:
    """A place as ``LON,LAT``.

    Raises:
        typer.BadParameter: If it is none.
    """
    try:
        lon_deg, lat_deg = (float(part) for part in text.split(","))
        return Position(lon_deg=lon_deg, lat_deg=lat_deg)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not LON,LAT, such as 2.35,48.85") from error
