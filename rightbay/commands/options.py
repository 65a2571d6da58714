"""Options that several subcommands have."""

from pathlib import Path
from typing import Annotated

import typer

from dtc_db.languages import LANGUAGES
from dtc_db.vehicle import Powertrain, VehicleClass, VehicleKind
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


def _language(text: str) -> str:
    if text not in LANGUAGES:
        raise typer.BadParameter(f"{text!r} is none of {', '.join(LANGUAGES)}")
    return text


LangOption = Annotated[str, typer.Option(callback=_language, help="en, fr or de.")]
VehicleClassOption = Annotated[VehicleClass, typer.Option(help="What kind of vehicle.")]
PowertrainOption = Annotated[Powertrain, typer.Option(help="What drives it.")]
MakeOption = Annotated[str | None, typer.Option(help="Who made it.")]
YearOption = Annotated[int | None, typer.Option(help="Model year.")]


def kind_of(
    vehicle_class: VehicleClass, powertrain: Powertrain, make: str | None, year: int | None
) -> VehicleKind:
    """The vehicle that these options tell of."""
    return VehicleKind(
        vehicle_class=vehicle_class,
        powertrain=powertrain,
        make=make.lower() if make else None,
        model_year=year,
    )


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
