"""Absences, hours and last days: a business states them, and they count at once.

They can only narrow what a reviewer accepted, so nobody is asked.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from routing.imports.findings import FieldError
from routing.register import forms
from storage.directory import Imported, import_within
from storage.errors import TooManyError
from storage.pool import Connection, Pool, transaction
from storage.register.acceptance import find_person, get_site
from storage.register.events import record_event
from storage.register.proposals import A_DAY_MAX
from storage.register.rows import SOURCE, SQL, lock_business

STATED = "stated"


async def state_presence(
    pool: Pool, *, business_id: UUID, fields: Mapping[str, object], by: UUID, at: datetime
) -> None:
    """Let be known when a person, or a whole site, is not there.

    Args:
        pool: Of the database.
        business_id: Whose site it is.
        fields: Site; of a person also the number, hours and last day. What is left out is empty.
        by: The key.
        at: Aware.

    Raises:
        FieldError: For a field that cannot be read, or names what is not the business's own.
        TooManyError: If too much was stated today.
    """
    record = forms.cells(fields, forms.PRESENCE)
    stated = forms.read_presence(record)
    async with transaction(pool) as connection:
        await lock_business(connection, business_id)
        owner = await connection.fetchval(SQL["select_owner"], stated.site_id)
        if owner != business_id:
            raise FieldError("site", "expected a site of the business that was accepted")
        since = at - timedelta(days=1)
        if await connection.fetchval(SQL["count_events"], business_id, STATED, since) >= A_DAY_MAX:
            raise TooManyError(f"at most {A_DAY_MAX} absences and hours may be stated in a day")
        done = await _write(connection, stated)
        if done.version is not None:
            await record_event(
                connection,
                business_id=business_id,
                kind=STATED,
                at=at,
                content={"about": "presence", "fields": record, "by": str(by)},
            )


async def _write(connection: Connection, stated: forms.Presence) -> Imported:
    site = await get_site(connection, stated.site_id)
    if stated.person is None:
        away = replace(site, absences=stated.absences, people=())
        return await import_within(connection, [away], SOURCE)
    known = await find_person(connection, stated.site_id, stated.person.number)
    if known is None:
        raise FieldError("person", "nobody of this number is known there")
    person = replace(
        known,
        hours=stated.person.hours,
        absences=stated.absences,
        employed_until=stated.person.employed_until,
        credentials=(),
    )
    first, last = person.employed_from, person.employed_until
    if first is not None and last is not None and last < first:
        raise FieldError("employed_until", f"{last} lies before employed_from {first}")
    alone = replace(site, people=(person,))
    return await import_within(connection, [alone], SOURCE, are_people_stated=True)
