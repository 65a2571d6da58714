"""Proposals as rows."""

import json
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from routing.model import Evidence
from routing.register.model import Kind, Proposal, Ruling, State
from storage.errors import NoSuchProposalError
from storage.pool import Connection
from storage.statements import load_statements

SQL = load_statements("register")

SOURCE = "self-service"  # of what the directory knows by it


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A proposal and what became of it.

    Attributes:
        ruling: None while nothing was decided, or if it was withdrawn.
    """

    proposal: Proposal
    decided_at: datetime | None = None
    ruling: Ruling | None = None


async def insert_proposal(
    connection: Connection, proposal: Proposal, *, ruling: Ruling | None = None
) -> None:
    """Write a proposal as it is; one that was decided at once, with its ruling."""
    await connection.execute(
        SQL["insert_proposal"],
        proposal.proposal_id,
        proposal.business_id,
        proposal.kind.value,
        json.dumps(dict(proposal.fields)),
        json.dumps(dict(proposal.private)),
        list(proposal.documents),
        proposal.proposed_at,
        proposal.state.value,
        None if ruling is None else proposal.proposed_at,
        "" if ruling is None else ruling.reason,
        None if ruling is None else ruling.evidence,
    )


async def lock_business(connection: Connection, business_id: UUID) -> State:
    """Let nobody else change anything of a business until the end of the transaction.

    Raises:
        NoSuchProposalError: If there is no such business.
    """
    state = await connection.fetchval(SQL["lock_business"], business_id)
    if state is None:
        raise NoSuchProposalError(f"there is no business {business_id}")
    return State(state)


def proposal_of(row: asyncpg.Record) -> Decided:
    """Read a row."""
    state = State(row["state"])
    ruling = Ruling(
        is_accepted=state is State.ACCEPTED,
        reason=row["reason"],
        about=row["about"],
        evidence=None if row["evidence"] is None else Evidence(row["evidence"]),
    )
    return Decided(
        proposal=Proposal(
            proposal_id=row["proposal_id"],
            business_id=row["business_id"],
            kind=Kind(row["kind"]),
            fields=json.loads(row["fields"]),
            documents=tuple(row["documents"]),
            state=state,
            proposed_at=row["proposed_at"],
            private=json.loads(row["private"]),
        ),
        decided_at=row["decided_at"],
        ruling=ruling if state in (State.ACCEPTED, State.REFUSED) else None,
    )
