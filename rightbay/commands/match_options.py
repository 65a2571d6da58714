"""The options of `rightbay match`, each once: what it is called, how it is read, its help."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from gateway.model import Status
from rightbay.commands.match_batch import Share
from rightbay.commands.options import parse_place
from routing.matching.match import TIME_MAX, TIME_MIN
from routing.model import Position


def _moment(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no time such as 2026-11-23T10:00:00Z") from error
    if at.tzinfo is None:
        raise typer.BadParameter(f"{text!r} has no time zone: add Z or +01:00")
    if not TIME_MIN <= at <= TIME_MAX:
        raise typer.BadParameter(f"{text!r} is not within {TIME_MIN.year} to {TIME_MAX.year}")
    return at.astimezone(UTC)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no day such as 2027-03-31") from error


# What is wrong, with which vehicle, where and when.
Code = Annotated[
    list[str] | None,
    typer.Option(help="A trouble code; repeat it for several.", show_default=False),
]
At = Annotated[
    Position | None,
    typer.Option(parser=parse_place, metavar="LON,LAT", help="Where the vehicle is."),
]
When = Annotated[
    datetime | None,
    typer.Option(parser=_moment, metavar="TIME", help="RFC 3339; now by default."),
]
Soc = Annotated[
    float | None,
    typer.Option(min=0, max=100, metavar="PCT", help="What its traction battery still holds."),
]
Seen = Annotated[Status, typer.Option("--status", help="As the control unit tells it.")]
WarrantyUntil = Annotated[
    date | None,
    typer.Option(parser=_day, metavar="DATE", help="Last day of the maker's warranty."),
]

# Of whom is chosen, and by which rules.
Policy = Annotated[
    Path | None,
    typer.Option(help="A ranking policy; ours by default.", exists=True, dir_okay=False),
]
Repairers = Annotated[
    Path | None,
    typer.Option(
        help="Choose from this file, not from the running instance.", exists=True, dir_okay=False
    ),
]
Credentials = Annotated[
    Path | None,
    typer.Option(help="People and titles for --repairers.", exists=True, dir_okay=False),
]
Country = Annotated[str | None, typer.Option(metavar="CC", help="Where sites of --repairers lie.")]
Principal = Annotated[
    Path | None,
    typer.Option(help="Whose rules hold: a TOML file.", exists=True, dir_okay=False),
]
Referral = Annotated[
    str, typer.Option(metavar="ID", help="Draw the lots of this referral; none by default.")
]

# Decisions kept, and made again.
Record = Annotated[
    Path | None,
    typer.Option("--record", metavar="FILE", help="Add the inputs to FILE, for --replay."),
]
Replay = Annotated[
    Path | None,
    typer.Option(
        "--replay",
        metavar="FILE",
        help="Decide again from recorded inputs, and say whether it is the same.",
        exists=True,
        dir_okay=False,
    ),
]
Gain = Annotated[
    list[str] | None,
    typer.Option(
        metavar="SITE,SCHEME,TITLE",
        help="With --replay: if somebody there gained this title; --policy asks likewise.",
    ),
]

# Many cases at once.
Batch = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Plan many cases at once: JSON lines with id, codes, pos.",
        exists=True,
        dir_okay=False,
    ),
]
Sharing = Annotated[Share, typer.Option(help="How a batch shares places.")]
Capacity = Annotated[int, typer.Option(min=0, help="Cases of a batch at a site that does not say.")]
Days = Annotated[int, typer.Option(min=1, help="Open days that a batch has.")]
