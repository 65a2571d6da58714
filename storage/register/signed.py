"""Signed credentials: the signature decides at once, and no reviewer is asked.

What a reviewer did decide is who the person is to the issuer: without that, anybody could show
somebody else's badge. The token itself is not kept.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from routing.credentials.status import StatusLists
from routing.credentials.trust import TrustList
from routing.credentials.verdict import Verdict, Verified
from routing.credentials.verify import verify
from routing.errors import NotNowError
from routing.model import Evidence
from routing.register import forms
from routing.register.model import Ground, Kind, Proposal, Ruling, State
from routing.register.review import check_ground
from storage.pool import Connection, Pool, transaction
from storage.register.acceptance import add_credential
from storage.register.events import record_event
from storage.register.proposals import check_bounds
from storage.register.rows import SQL, Decided, insert_proposal, lock_business

_BY = "signature"


@dataclass(frozen=True, slots=True)
class Trusted:
    """Whose signatures count, and the status lists at hand."""

    issuers: TrustList
    lists: StatusLists


async def verify_signed(
    pool: Pool,
    *,
    business_id: UUID,
    fields: Mapping[str, object],
    trust: Trusted,
    at: datetime,
) -> Decided:
    """Verify a credential offline, and let it into the directory if it holds.

    Raises:
        FieldError: For a field that cannot be read.
        NotNowError: If nobody accepted yet whose credentials this person shows.
        TooManyError: If the business said too much today.
    """
    record = forms.cells(fields, forms.FIELDS[Kind.SIGNED_CREDENTIAL])
    site_id, number, token = forms.read_signed(record)
    async with transaction(pool) as connection:
        state = await lock_business(connection, business_id)
        await check_bounds(connection, business_id, state, at)
        proposal = Proposal(
            proposal_id=uuid4(),
            business_id=business_id,
            kind=Kind.SIGNED_CREDENTIAL,
            fields={
                "site": site_id,
                "person": str(number),
                "token_sha256": hashlib.sha256(token.encode()).hexdigest(),
            },
            documents=(),
            state=State.PROPOSED,
            proposed_at=at,
        )
        owner = await connection.fetchval(SQL["select_owner"], site_id)
        check_ground(proposal, Ground(business=state, is_owned=owner == business_id))
        holder = await connection.fetchval(SQL["select_holder"], site_id, number)
        if holder is None:
            raise NotNowError("nobody accepted yet who this person is: propose their `holder`")
        verdict = verify(token, trust.issuers, holder=holder, at=at, status_lists=trust.lists)
        return await _write(connection, proposal, verdict, at)


async def _write(
    connection: Connection, proposal: Proposal, verdict: Verdict, at: datetime
) -> Decided:
    fields, number = proposal.fields, int(proposal.fields["person"])
    if isinstance(verdict, Verified):
        ruling = Ruling(is_accepted=True, evidence=Evidence.VERIFIED)
        held = verdict.credential
        await add_credential(connection, fields["site"], number, held)
        extra = {
            "scheme": held.scheme,
            "title": held.title,
            "valid_from": held.valid_from.isoformat(),
            "issuer": verdict.issuer,
        }
        if held.valid_until is not None:
            extra["valid_until"] = held.valid_until.isoformat()
        fields = {**fields, **extra}
    else:
        ruling = Ruling(is_accepted=False, reason=f"{verdict.refusal}: {verdict.reason}")
    state = State.ACCEPTED if ruling.is_accepted else State.REFUSED
    decided = Proposal(
        proposal_id=proposal.proposal_id,
        business_id=proposal.business_id,
        kind=proposal.kind,
        fields=fields,
        documents=(),
        state=state,
        proposed_at=at,
    )
    await insert_proposal(connection, decided, ruling=ruling)
    await record_event(
        connection,
        business_id=proposal.business_id,
        kind=state.value,
        at=at,
        content={
            "proposal": str(proposal.proposal_id),
            "about": proposal.kind.value,
            "fields": dict(fields),
            "reason": ruling.reason,
            "by": _BY,
        },
    )
    return Decided(proposal=decided, decided_at=at, ruling=ruling)
