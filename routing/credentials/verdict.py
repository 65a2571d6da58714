"""What checking a signed credential comes to."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from routing.model import Credential


class Refusal(StrEnum):
    """Why a credential is not taken; each is told apart because somebody else can act on it."""

    TOO_LARGE = "too_large"
    MALFORMED = "malformed"  # not a compact JWS of one JSON object
    CRITICAL_HEADER = "critical_header"  # asks for something that we do not know
    UNSUPPORTED_ALGORITHM = "unsupported_algorithm"  # none, a shared secret, or one we do not take
    UNKNOWN_ISSUER = "unknown_issuer"
    UNKNOWN_KEY = "unknown_key"  # none of the issuer's keys has this name or takes this algorithm
    BAD_SIGNATURE = "bad_signature"
    NOT_A_CREDENTIAL = "not_a_credential"
    CONTRADICTORY = "contradictory"  # the token and the credential in it say different things
    NOT_ENTITLED = "not_entitled"  # the issuer is known, but not for this achievement
    WRONG_AUDIENCE = "wrong_audience"
    WRONG_HOLDER = "wrong_holder"
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    STATUS_UNKNOWN = "status_unknown"  # the status list is not at hand, or of an unknown kind
    STATUS_INVALID = "status_invalid"  # the status list is not what its issuer signed for this
    STATUS_STALE = "status_stale"  # it has run out, or is older than one that was seen before
    REVOKED = "revoked"
    SUSPENDED = "suspended"


class RefusedError(Exception):
    """Stops the checking of one credential; `verify` turns it into `Refused`."""

    def __init__(self, refusal: Refusal, reason: str) -> None:
        super().__init__(f"{refusal}: {reason}")
        self.refusal = refusal
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Refused:
    """The credential counts for nothing.

    Attributes:
        reason: What was expected and what came, for people; never a key or a holder.
    """

    refusal: Refusal
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """Its issuer said this of this holder, and has not taken it back.

    Attributes:
        credential: With evidence `verified`.
        credential_id: The issuer's own name for it, empty if it has none.
        status_lists: Each list that was looked into, and the moment from which it counts.
    """

    credential: Credential
    issuer: str
    credential_id: str
    status_lists: tuple[tuple[str, datetime], ...]


Verdict = Verified | Refused
