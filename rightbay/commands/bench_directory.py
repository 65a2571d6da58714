"""`rightbay bench directory`: how fast a large directory comes into memory, and what it weighs."""

import asyncio
import json
import sys
from typing import Annotated

import typer

from rightbay.bench.directory import DirectoryResult, DirectorySize, document, measure
from rightbay.commands.options import JsonOption
from rightbay.logs import start_logging
from rightbay.settings import LogLevel


def directory(
    *,
    sites: Annotated[int, typer.Option(min=100, max=1_000_000, help="To draw.")] = 100_000,
    people: Annotated[int, typer.Option(min=1, max=100, help="At each site.")] = 4,
    titles: Annotated[float, typer.Option(min=0, max=5, help="Of each person, on average.")] = 2.5,
    as_json: JsonOption = False,
) -> None:
    """Import a drawn directory into a database of its own, and read it as a router does.

    It uses a folder of its own and removes what it made.
    """
    start_logging(LogLevel.ERROR)
    size = DirectorySize(sites=sites, people=people, titles=titles)
    result = asyncio.run(measure(size, say=_say))
    typer.echo(json.dumps(document(result)) if as_json else _text(result))


def _say(text: str) -> None:
    if sys.stderr.isatty():
        typer.echo(text, err=True)


def _text(result: DirectoryResult) -> str:
    load_s = result.read_s + result.built_s
    return f"""\
directory   {result.sites:,} sites, {result.people:,} people, {result.credentials:,} titles
import      {result.imported_s:.1f} s into an empty database
load        {load_s:.2f} s: {result.read_s:.2f} s to read, {result.built_s:.2f} s to arrange
processor   {result.load_cpu_s:.2f} s of the load were ours
digest      {result.digested_s:.2f} s before the first decision; a change takes none of it again
change      {result.refreshed_s:.2f} s until one changed site is there
memory      {result.memory_mb:,.0f} MB, at most {result.peak_mb:,.0f} MB on the way; \
{result.looked_at_mb:,.0f} MB once every site was looked at
machine     load average {result.load_average:.1f} before it began"""
