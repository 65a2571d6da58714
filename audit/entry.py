"""Entries of the log: what each one commits to, as canonical bytes.

An entry says *that* something was decided and pins its content by digest. It holds no VIN, no
position and no unit, so that erasing a person's data leaves every proof valid.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import rfc8785


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry before it has its place in the log.

    Attributes:
        entry_id: Derived from what it records, so that recording again makes the same entry.
        body: Canonical JSON (RFC 8785).
    """

    entry_id: UUID
    body: bytes


def register_entry(*, event_id: UUID, kind: str, at: datetime, document: bytes) -> Entry:
    """The entry that commits to what was decided about a repairer.

    Args:
        event_id: Of the event; also the entry's id.
        kind: What was decided, in one word.
        at: Aware.
        document: The event as it was stored, byte for byte.
    """
    return _event_entry("register", event_id, kind, at, document)


def stated_entry(*, event_id: UUID, kind: str, at: datetime, document: bytes) -> Entry:
    """The entry that commits to what somebody stated that moves referrals.

    Args:
        event_id: Of the statement; also the entry's id.
        kind: What was stated, such as ``repair_attested`` or ``rule_made``.
        at: Aware.
        document: The statement as it was stored, byte for byte.
    """
    return _event_entry("stated", event_id, kind, at, document)


def _event_entry(of: str, event_id: UUID, kind: str, at: datetime, document: bytes) -> Entry:
    body = {
        "type": of,
        "event": str(event_id),
        "kind": kind,
        "at": at.astimezone(UTC).isoformat(timespec="microseconds"),
        "document_sha256": hashlib.sha256(document).hexdigest(),
    }
    return Entry(event_id, rfc8785.dumps(body))


def referral_entry(
    *, referral_id: UUID, case_id: UUID, version: int, decided_at: datetime, document: bytes
) -> Entry:
    """The entry that commits to a referral, whose own bytes are kept elsewhere.

    Args:
        referral_id: Of the referral; also the entry's id.
        case_id: Of the case that it answers.
        version: Of the referral within its case, from 1.
        decided_at: Aware.
        document: The referral as it was stored, byte for byte.
    """
    body: dict[str, str | int] = {
        "type": "referral",
        "referral": str(referral_id),
        "case": str(case_id),
        "version": version,
        "decided_at": decided_at.astimezone(UTC).isoformat(timespec="microseconds"),
        "document_sha256": hashlib.sha256(document).hexdigest(),
    }
    return Entry(referral_id, rfc8785.dumps(body))
