"""Lets what was accepted into the directory, by the same door as an import."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import assert_never

from routing.errors import NotNowError
from routing.imports.findings import FieldError
from routing.model import Credential, Evidence, Person, Site
from routing.register import forms
from routing.register.model import Kind, Proposal, State
from storage.directory import import_within
from storage.pool import Connection, Pool, transaction
from storage.register.measures import set_bars
from storage.register.rows import SOURCE, SQL
from storage.snapshot import read_some


async def accept(
    connection: Connection, proposal: Proposal, evidence: Evidence | None, *, at: datetime
) -> None:
    """Let a proposal take effect.

    Args:
        connection: In a transaction that holds the business.
        proposal: That may be accepted.
        evidence: How a credential is known.
        at: Aware.

    Raises:
        FieldError: If it does not fit what came in since it was proposed.
        NotNowError: If somebody else was faster.
    """
    record = {**proposal.fields, **proposal.private}
    match proposal.kind:
        case Kind.BUSINESS:
            named = forms.read_business(record)
            await connection.execute(
                SQL["set_business"],
                proposal.business_id,
                named.name,
                named.country,
                named.contact,
                State.ACCEPTED.value,
            )
        case Kind.SITE:
            await _accept_site(connection, proposal, forms.read_site(record))
        case Kind.PERSON:
            await _accept_person(connection, forms.read_person(record))
        case Kind.CREDENTIAL:
            held = forms.read_credential(record, await held_by(connection, record))
            forms.check_title_day(held, today=at.date())
            if evidence is None:
                raise ValueError("a credential is accepted at some strength")
            await add_credential(
                connection, held.site_id, held.person, replace(held.credential, evidence=evidence)
            )
        case Kind.SIGNED_CREDENTIAL:
            raise ValueError("a signed credential is never accepted by hand")
        case _:
            assert_never(proposal.kind)


async def add_credential(
    connection: Connection, site_id: str, number: int, credential: Credential
) -> None:
    """Let a title in; its holder too, if nobody knew them."""
    site = await get_site(connection, site_id)
    person = Person(number=number, credentials=(credential,))
    await import_within(connection, [replace(site, people=(person,))], SOURCE)


async def set_person(connection: Connection, site_id: str, person: Person) -> None:
    """Let be known of a person what is known of them now; titles stay as they are."""
    site = await get_site(connection, site_id)
    alone = replace(site, people=(replace(person, credentials=()),))
    await import_within(connection, [alone], SOURCE, are_people_stated=True)


async def get_site(connection: Connection, site_id: str) -> Site:
    """A site as it is.

    Raises:
        NotNowError: If the directory has none of this id.
    """
    found = await read_some(connection, [site_id])
    if not found:
        raise NotNowError("the site is not in the directory")
    return found[0]


async def list_sites(pool: Pool, site_ids: Sequence[str]) -> list[Site]:
    """Some sites as they are, by id."""
    async with transaction(pool) as connection:
        found = await read_some(connection, site_ids)
    return sorted(found, key=lambda site: site.site_id)


async def find_person(connection: Connection, site_id: str, number: int) -> Person | None:
    """A person of a site; None if nobody of this number is known there."""
    people = [person for site in await read_some(connection, [site_id]) for person in site.people]
    return next((person for person in people if person.number == number), None)


async def held_by(connection: Connection, record: Mapping[str, str]) -> tuple[Credential, ...]:
    """What the person holds that a record speaks of; nothing for one that cannot be read."""
    number = record.get("person", "")
    if not (number.isascii() and number.isdigit()):
        return ()
    person = await find_person(connection, record.get("site", ""), int(number[:9]))
    return () if person is None else person.credentials


async def known_evidence(connection: Connection, proposal: Proposal) -> Evidence | None:
    """How the same title of the same person from the same day is known; None if it is not."""
    if proposal.kind is not Kind.CREDENTIAL:
        return None
    wanted = tuple(proposal.fields.get(name) for name in ("scheme", "title", "valid_from"))
    for one in await held_by(connection, proposal.fields):
        if (one.scheme, one.title, one.valid_from.isoformat()) == wanted:
            return one.evidence
    return None


async def _accept_site(connection: Connection, proposal: Proposal, site: Site) -> None:
    await import_within(connection, [site], SOURCE)
    await connection.execute(SQL["own_site"], site.site_id, proposal.business_id)
    owner = await connection.fetchval(SQL["select_owner"], site.site_id)
    if owner != proposal.business_id:
        raise NotNowError("the site belongs to another business")
    await set_bars(connection, proposal.business_id)  # what counts against all its sites


async def _accept_person(connection: Connection, stated: forms.Employed) -> None:
    number = stated.person.number
    known = await find_person(connection, stated.site_id, number) or Person(number=number)
    person = replace(
        known, employer=stated.person.employer, employed_from=stated.person.employed_from
    )
    first, last = person.employed_from, person.employed_until
    if first is not None and last is not None and last < first:
        raise FieldError("employed_from", f"{first} lies after employed_until {last}")
    await set_person(connection, stated.site_id, person)
    key = (stated.site_id, number)
    if not stated.holder:
        await connection.execute(SQL["delete_holder"], *key)
        return
    other = await connection.fetchrow(SQL["select_person_of_holder"], stated.holder)
    if other is not None and tuple(other) != key:
        raise NotNowError("this holder is somebody else's in the directory")
    await connection.execute(SQL["set_holder"], stated.holder, *key)
