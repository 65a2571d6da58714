"""Status lists: who says that a credential is revoked, and when that is not to be believed."""

from datetime import UTC, datetime

import pytest

from routing.credentials.testing import (
    AT,
    GOOD,
    HOLDER,
    LIST,
    OTHER,
    OTHER_KEY,
    PAUSES,
    Fields,
    badge,
    bits,
    refusal_of,
    signed,
    status,
    tampered,
    trust_list,
    with_list,
)
from routing.credentials.verdict import Refusal, Refused
from routing.credentials.verify import verify

REVOKED = status(LIST, "revocation", 7)
SHORT = status(LIST, "revocation")["credentialSubject"] | {"encodedList": bits(size_bytes=16)}
HUGE = SHORT | {"encodedList": bits(size_bytes=(1 << 22) + 1)}
STATUSES: dict[str, tuple[str | Fields, Refusal]] = {
    "revoked": (REVOKED, Refusal.REVOKED),
    "a list of two purposes": (
        status(
            LIST,
            "",
            credentialSubject=REVOKED["credentialSubject"]
            | {"statusPurpose": ["message", "revocation"]},
        ),
        Refusal.REVOKED,
    ),
    "a list signed by another issuer": (
        signed(status(LIST, "revocation", issuer=OTHER), key=OTHER_KEY, header={"kid": "o1"}),
        Refusal.STATUS_INVALID,
    ),
    "a list in another issuer's name": (
        status(LIST, "revocation", issuer=OTHER),
        Refusal.STATUS_INVALID,
    ),
    "a list that was tampered with": (
        tampered(signed(REVOKED), b"2027", b"2037"),
        Refusal.STATUS_INVALID,
    ),
    "the other list in its place": (status(PAUSES, "revocation"), Refusal.STATUS_INVALID),
    "a list of another purpose": (status(LIST, "suspension"), Refusal.STATUS_INVALID),
    "a badge in its place": (badge(id=LIST), Refusal.STATUS_INVALID),
    "a list without a first day": (
        status(LIST, "revocation", validFrom=...),
        Refusal.STATUS_INVALID,
    ),
    "a list that ran out": (
        status(LIST, "revocation", validUntil="2026-11-30T00:00:00Z"),
        Refusal.STATUS_STALE,
    ),
    "a list of tomorrow": (
        status(LIST, "revocation", validFrom="2026-12-02T00:00:00Z"),
        Refusal.STATUS_STALE,
    ),
    "a list too short to hide in": (
        status(LIST, "revocation", credentialSubject=SHORT),
        Refusal.STATUS_INVALID,
    ),
    "a list that unpacks without end": (
        status(LIST, "revocation", credentialSubject=HUGE),
        Refusal.STATUS_INVALID,
    ),
    "a list that is not packed": (
        status(LIST, "revocation", credentialSubject=SHORT | {"encodedList": "uAAAA"}),
        Refusal.STATUS_INVALID,
    ),
    "a list in another alphabet": (
        status(LIST, "revocation", credentialSubject=SHORT | {"encodedList": "zAAAA"}),
        Refusal.STATUS_INVALID,
    ),
}


@pytest.mark.parametrize(("token", "refusal"), STATUSES.values(), ids=STATUSES)
def test_a_status_list_is_believed_only_if_it_is_the_one(
    token: str | Fields, refusal: Refusal
) -> None:
    assert refusal_of(GOOD, lists=with_list(LIST, token)) is refusal


def test_a_suspension_is_told_from_a_revocation_which_weighs_more() -> None:
    paused = with_list(PAUSES, status(PAUSES, "suspension", 7))
    assert refusal_of(GOOD, lists=paused) is Refusal.SUSPENDED
    assert (
        refusal_of(GOOD, lists=paused | with_list(LIST, REVOKED) | {PAUSES: paused[PAUSES]})
        is Refusal.REVOKED
    )


def test_a_status_list_older_than_one_seen_before_is_refused() -> None:
    assert refusal_of(GOOD, newest=datetime(2026, 11, 1, tzinfo=UTC)) is None
    assert (
        refusal_of(GOOD, newest=datetime(2026, 11, 1, 0, 0, 1, tzinfo=UTC)) is Refusal.STATUS_STALE
    )


def test_without_status_lists_a_credential_that_names_one_is_refused() -> None:
    found = verify(GOOD, trust_list(), holder=HOLDER, at=AT)
    assert isinstance(found, Refused)
    assert found.refusal is Refusal.STATUS_UNKNOWN
