"""The values of the register: what is proposed, how it is ruled on, and what stands already."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from routing.model import Evidence


class Kind(StrEnum):
    """What a proposal is about."""

    BUSINESS = "business"
    SITE = "site"
    PERSON = "person"
    CREDENTIAL = "credential"
    SIGNED_CREDENTIAL = "signed_credential"  # its signature decides, and no reviewer


class State(StrEnum):
    """What became of a proposal; only the first of them ever changes."""

    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Something that a business says of itself.

    Attributes:
        fields: In the words of docs/directory.md, as a cell of a file would have them.
        documents: Digests of what is to prove it, SHA-256 in hexadecimal.
        private: Fields that stand nowhere but where they are needed. Kept out of ``repr``.
    """

    proposal_id: UUID
    business_id: UUID
    kind: Kind
    fields: Mapping[str, str]
    documents: tuple[str, ...]
    state: State
    proposed_at: datetime
    private: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def site_id(self) -> str | None:
        """The site that it is about; None for the business itself."""
        return self.fields.get("site")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What is decided about a proposal.

    Attributes:
        reason: For the business; it may not be empty where something is refused.
        about: The field of the proposal that the reason speaks of; empty for all of it.
        evidence: How an accepted credential is known.
    """

    is_accepted: bool
    reason: str = ""
    about: str = ""
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What a ruling has to stand on.

    Attributes:
        business: What became of the business itself.
        is_owned: Whether the site belongs to the business by now.
        is_elsewhere: Whether it belongs to another one.
        known: How the same title of the same person is known already; None if it is not.
    """

    business: State
    is_owned: bool = False
    is_elsewhere: bool = False
    known: Evidence | None = None
