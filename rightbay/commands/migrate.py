"""`rightbay migrate`: bring the database's schema up to date."""

import asyncio

import typer

from rightbay.commands.options import DataOption
from rightbay.settings import load_settings
from rightbay.supervision.instance import database_url
from storage.migrate import migrate as apply_migrations
from storage.pool import open_pool


def migrate(*, data: DataOption = None) -> None:
    """Bring the database's schema up to date; `rightbay up` does so by itself."""
    applied = asyncio.run(_migrate(database_url(load_settings(data=data))))
    for name in applied:
        typer.echo(name)
    if not applied:
        typer.echo("the schema is up to date", err=True)


async def _migrate(url: str) -> tuple[str, ...]:
    async with open_pool(url, size_max=1) as pool:
        return await apply_migrations(pool)
