"""`rightbay replay`: publish a recording as if a vehicle's unit sent it."""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from dtc_db.vehicle import Powertrain, VehicleClass
from gateway.sources.mqtt import MqttClient
from rightbay.commands.options import DataOption, JsonOption
from rightbay.recordings.replay import Replay, Replayed, recorded_frames
from rightbay.settings import Settings, load_settings
from rightbay.supervision.instance import broker_url, database_url
from routing.model import Position, RegisteredVehicle
from storage.pool import open_pool
from storage.vehicles import find_registered, register_vehicles


def _place(text: str) -> Position:
    try:
        lon_deg, lat_deg = (float(part) for part in text.split(","))
        return Position(lon_deg=lon_deg, lat_deg=lat_deg)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not LON,LAT, such as 9.52,47.14") from error


def replay(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="A recording that python-can reads.", exists=True, dir_okay=False
        ),
    ],
    *,
    unit: Annotated[str, typer.Option(help="The unit to publish as.")],
    at: Annotated[
        Position, typer.Option(parser=_place, metavar="LON,LAT", help="Where the vehicle stands.")
    ],
    vehicle_class: Annotated[
        VehicleClass | None,
        typer.Option(help="Registers the unit with this class, unless somebody registered it."),
    ] = None,
    powertrain: Annotated[
        Powertrain | None, typer.Option(help="Likewise, with what drives the vehicle.")
    ] = None,
    make: Annotated[str | None, typer.Option(help="Likewise, with its make.")] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Publish FILE's diagnostic traffic as UNIT, wait for the receipts, and show the referral.

    Needs a running instance (`rightbay up`), or RIGHTBAY_BROKER_URL of one.
    """
    settings = load_settings(data=data)
    vehicle = None
    if vehicle_class or powertrain or make:
        vehicle = RegisteredVehicle(
            unit=unit,
            vehicle_class=vehicle_class or VehicleClass.UNKNOWN,
            powertrain=powertrain or Powertrain.UNKNOWN,
            make=make and make.lower(),
        )
    done = asyncio.run(_replay(settings, file, unit, at, vehicle))
    _show(done, as_json=as_json)


async def _replay(
    settings: Settings, file: Path, unit: str, at: Position, vehicle: RegisteredVehicle | None
) -> Replayed:
    if vehicle is not None:
        await _register(settings, vehicle)
    client = MqttClient(
        broker_url(settings),
        client_id=f"replay-{unit}",
        subscriptions=Replay.topics(unit, settings.topic_prefix),
        is_durable=False,
    )
    async with client.running():
        unit_with_a_recording = Replay(
            client,
            unit=unit,
            topic_prefix=settings.topic_prefix,
            lon_deg=at.lon_deg,
            lat_deg=at.lat_deg,
        )
        return await unit_with_a_recording.publish(recorded_frames(file))


async def _register(settings: Settings, vehicle: RegisteredVehicle) -> None:
    async with open_pool(database_url(settings), size_max=1) as pool:
        if vehicle.unit not in await find_registered(pool, [vehicle.unit]):
            await register_vehicles(pool, [vehicle])


def _show(done: Replayed, *, as_json: bool) -> None:
    for referral in done.referrals:
        typer.echo(referral.decode() if as_json else json.dumps(json.loads(referral), indent=2))
    typer.echo(f"{done.frames} frames sent in {done.reports} reports, all receipted", err=True)
    if not done.referrals:
        typer.echo("no new referral followed: nothing new is wrong with this vehicle", err=True)
