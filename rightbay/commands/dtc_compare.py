"""`rightbay dtc compare`: hold our meanings against a list of your own."""

import json
from pathlib import Path
from typing import Annotated

import typer

from dtc_db.compare import Compared, compare
from dtc_db.lookup import Meanings
from rightbay.code_lists import read_rows_of
from rightbay.commands.options import JsonOption

WORST_DEFAULT = 20


def compare_list(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="CSV, JSON or SQLite with code and text.",
            exists=True,
            dir_okay=False,
        ),
    ],
    *,
    make: Annotated[str | None, typer.Option(help="Ask as for a vehicle of this make.")] = None,
    worst: Annotated[
        int, typer.Option(min=0, help="How many of the least alike to show.")
    ] = WORST_DEFAULT,
    as_json: JsonOption = False,
) -> None:
    """Hold our meanings against a list: coverage by block and level, overlap, the worst rows.

    Nothing of it is kept, and nothing has to run. Numbers that each maker fills by itself and rows
    without a code are counted and left out.
    """
    found = compare(Meanings.load(), read_rows_of(file), make=make)
    if as_json:
        typer.echo(json.dumps(_shape(found, worst), ensure_ascii=False))
        return
    for name, block in found.blocks.items():
        levels = ", ".join(f"{count} {level}" for level, count in block.levels.most_common())
        typer.echo(
            f"{name:<4}{block.listed:>6} listed  {block.coverage:>6.1%} with a row of their own  "
            f"overlap {block.mean:.2f}  ({levels})"
        )
    typer.echo(
        f"left out: {found.makers_own} makers' own, {found.unread} without a code or a meaning"
    )
    for pair in found.worst(worst):
        typer.echo(f"{pair.overlap:.2f}  {pair.code}  {pair.ours}  |  {pair.theirs}")


def _shape(found: Compared, worst: int) -> dict[str, object]:
    return {
        "blocks": {
            name: {
                "listed": block.listed,
                "levels": {level.value: count for level, count in block.levels.items()},
                "coverage": round(block.coverage, 4),
                "overlap": round(block.mean, 4),
            }
            for name, block in found.blocks.items()
        },
        "makers_own": found.makers_own,
        "unread": found.unread,
        "worst": [
            {
                "code": pair.code,
                "overlap": round(pair.overlap, 4),
                "ours": pair.ours,
                "theirs": pair.theirs,
                "component": pair.component,
            }
            for pair in found.worst(worst)
        ],
    }
