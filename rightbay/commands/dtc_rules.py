"""`rightbay dtc rule`, `rules`, `undo`: rules of your own on top of single codes."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Annotated

import typer

from dtc_db.errors import MalformedRuleError
from dtc_db.need import Json
from dtc_db.own_rules import Effect, OwnRule, rule_to_json
from dtc_db.urgency import Urgency
from rightbay.commands.dtc_lists import AllOption, ByOption
from rightbay.commands.options import DataOption, JsonOption
from rightbay.settings import load_settings
from rightbay.supervision.instance import database_url
from storage.knowledge import KeptRule, PostgresKnowledgeStore
from storage.pool import open_pool


def rule(
    effect: Annotated[Effect, typer.Argument(help="What to do with the codes.")],
    pattern: Annotated[
        str, typer.Argument(metavar="PATTERN", help="P0420, P0300..P030C, P04*, 'SPN 168 FMI *'.")
    ],
    *,
    by: ByOption,
    to: Annotated[Urgency | None, typer.Option(help="To which to raise or lower.")] = None,
    text: Annotated[str, typer.Option(help="To what to rename.")] = "",
    make: Annotated[str, typer.Option(help="Only of this make.")] = "",
    fleet: Annotated[str, typer.Option(help="Only vehicles of this fleet.")] = "",
    because: Annotated[str, typer.Option(help="Why, for whoever reads the list of rules.")] = "",
    data: DataOption = None,
) -> None:
    """Make a rule of your own; open cases are looked at again.

    What must stop or be towed is never ignored or lowered.
    """
    try:
        made = OwnRule(
            effect=effect,
            pattern=pattern,
            by=by,
            at=datetime.now(UTC),
            make=make,
            fleet=fleet,
            urgency=to,
            text=text,
            because=because,
        )
    except MalformedRuleError as error:
        raise typer.BadParameter(str(error)) from error
    rule_id = asyncio.run(_add(database_url(load_settings(data=data)), made))
    typer.echo(f"rule {rule_id}: {made}")


def rules(
    *, has_ended: AllOption = False, data: DataOption = None, as_json: JsonOption = False
) -> None:
    """List your own rules, with who made them when."""
    for kept in asyncio.run(_rules(database_url(load_settings(data=data)), has_ended=has_ended)):
        if as_json:
            typer.echo(json.dumps(_shape_rule(kept), ensure_ascii=False))
            continue
        end = f"; undone {kept.ended_at:%Y-%m-%d} by {kept.ended_by}" if kept.ended_at else ""
        because = f": {kept.rule.because}" if kept.rule.because else ""
        typer.echo(f"{kept.rule.rule_id}  {kept.rule}{because}{end}")


def undo(
    rule_id: Annotated[str, typer.Argument(metavar="ID", help="As `rightbay dtc rules` says it.")],
    *,
    by: ByOption,
    data: DataOption = None,
) -> None:
    """Undo a rule; open cases are looked at again, and it stays in `rightbay dtc rules --all`."""
    asyncio.run(_undo(database_url(load_settings(data=data)), rule_id, by))
    typer.echo(f"rule {rule_id} is undone")


def _shape_rule(kept: KeptRule) -> dict[str, Json]:
    return {
        **rule_to_json(kept.rule),
        "undone_by": kept.ended_by or "",
        "undone_at": kept.ended_at.isoformat() if kept.ended_at else "",
    }


async def _add(url: str, own: OwnRule) -> str:
    async with open_pool(url, size_max=1) as pool:
        return await PostgresKnowledgeStore(pool).add_rule(own)


async def _rules(url: str, *, has_ended: bool) -> tuple[KeptRule, ...]:
    async with open_pool(url, size_max=1) as pool:
        return await PostgresKnowledgeStore(pool).fetch_rules(has_ended=has_ended)


async def _undo(url: str, rule_id: str, by: str) -> None:
    async with open_pool(url, size_max=1) as pool:
        await PostgresKnowledgeStore(pool).end_rule(rule_id, by=by, at=datetime.now(UTC))
