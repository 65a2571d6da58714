"""The rules by which a proposal is ruled on.

    proposed ──accepted──▶ in the directory
       │ ├────refused────▶ with a reason; it may be proposed again, mended
       └─────withdrawn

Nothing that is only proposed is in the directory. A credential comes in at the strength at which a
reviewer knows it: taken at the business's word, read in a document, or looked up in a register.
"""

from typing import assert_never

from routing.competence.held import STRENGTH
from routing.errors import NotNowError
from routing.model import Evidence
from routing.register.model import Ground, Kind, Proposal, Ruling, State

REASON_LENGTH_MAX = 2_000


def check_ruling(proposal: Proposal, ruling: Ruling, ground: Ground) -> None:
    """Return if a reviewer may rule like this.

    Raises:
        NotNowError: If the proposal, or what it rests on, does not allow it.
    """
    check_is_open(proposal)
    if proposal.kind is Kind.SIGNED_CREDENTIAL:
        raise NotNowError("a signed credential is decided by its signature")
    if ruling.about and ruling.about not in (*proposal.fields, *proposal.private):
        raise NotNowError("`about` names no field of the proposal")
    if not ruling.is_accepted:
        check_reason(ruling.reason)
        return
    _check_evidence(proposal, ruling.evidence)
    check_ground(proposal, ground)
    if ground.known and STRENGTH[ground.known] > STRENGTH[ruling.evidence or Evidence.VERIFIED]:
        raise NotNowError(f"the same title is known better already: {ground.known}")


def check_is_open(proposal: Proposal) -> None:
    """Return if nothing was decided yet.

    Raises:
        NotNowError: If something was.
    """
    if proposal.state is not State.PROPOSED:
        raise NotNowError(f"the proposal is {proposal.state} already")


def check_ground(proposal: Proposal, ground: Ground) -> None:
    """Return if what the proposal rests on was accepted.

    Raises:
        NotNowError: If something has to be accepted first, or never can be.
    """
    match proposal.kind:
        case Kind.BUSINESS:
            return
        case Kind.SITE:
            if ground.is_elsewhere:
                raise NotNowError("the site belongs to another business")
        case Kind.PERSON | Kind.CREDENTIAL | Kind.SIGNED_CREDENTIAL:
            if not ground.is_owned:
                raise NotNowError("the site has to be accepted first")
        case _:
            assert_never(proposal.kind)
    if ground.business is not State.ACCEPTED:
        raise NotNowError("the business has to be accepted first")


def check_reason(reason: str) -> None:
    """Return if this can be told to somebody as a reason.

    Raises:
        NotNowError: If it is empty or too long.
    """
    if not reason.strip() or len(reason) > REASON_LENGTH_MAX:
        raise NotNowError(f"expected a reason of 1 to {REASON_LENGTH_MAX} characters")


def _check_evidence(proposal: Proposal, evidence: Evidence | None) -> None:
    if proposal.kind is not Kind.CREDENTIAL:
        if evidence is not None:
            raise NotNowError("only a credential has evidence")
        return
    if evidence is None or evidence is Evidence.VERIFIED:
        raise NotNowError("say how the title is known: declared, document_seen, register_checked")
    if evidence is Evidence.DOCUMENT_SEEN and not proposal.documents:
        raise NotNowError("no document came with it that could have been seen")
