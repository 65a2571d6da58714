"""`rightbay reminders`: what is to be told to businesses, for the operator's own mail."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Annotated

import typer

from rightbay.commands.options import DataOption, JsonOption, LangOption
from rightbay.settings import load_settings
from rightbay.supervision.instance import database_url
from routing.competence.catalogue import in_language, load_catalogue
from storage.pool import open_pool
from storage.register.reminders import Kept, keep_due, list_untold, mark_told

app = typer.Typer(no_args_is_help=True, help="Titles that end soon.")


@app.callback()
def reminders() -> None:
    """Titles that end soon."""


@app.command("due")
def due(
    *,
    told: Annotated[
        bool, typer.Option("--told", help="Note that these are passed on, and list them no more.")
    ] = False,
    lang: LangOption = "en",
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what nobody has passed on yet: to whom, which title ends when, and what ends with it."""
    url = database_url(load_settings(data=data))
    for one in asyncio.run(_due(url, is_told=told)):
        typer.echo(json.dumps(_row(one), ensure_ascii=False) if as_json else _line(one, lang))


async def _due(url: str, *, is_told: bool) -> tuple[Kept, ...]:
    now = datetime.now(UTC)
    async with open_pool(url, size_max=1) as pool:
        await keep_due(pool, now=now)
        found = await list_untold(pool)
        if is_told:
            await mark_told(pool, found, at=now)
    return found


def _row(kept: Kept) -> dict[str, object]:
    one = kept.reminder
    return {
        "business": str(kept.business_id),
        "contact": kept.contact,
        "site": one.site_id,
        "person": one.person,
        "scheme": one.scheme,
        "title": one.title,
        "ends": one.ends.isoformat(),
        "ahead_days": one.ahead_days,
        "lost": list(one.lost),
    }


def _line(kept: Kept, lang: str) -> str:
    one = kept.reminder
    scheme = load_catalogue().schemes.get(one.scheme)
    issuer = in_language(scheme.issuer, lang) if scheme else "-"
    lost = ", ".join(one.lost) or "-"
    return "\t".join(
        (kept.contact, one.site_id, str(one.person), one.title, one.ends.isoformat(), lost, issuer)
    )
