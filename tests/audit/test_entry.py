import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

from audit.entry import Entry, referral_entry

REFERRAL = UUID(int=1)
CASE = UUID(int=2)


def entry(
    *, decided_at: datetime = datetime(2026, 3, 1, 12, tzinfo=UTC), document: bytes = b"{}"
) -> Entry:
    return referral_entry(
        referral_id=REFERRAL, case_id=CASE, version=1, decided_at=decided_at, document=document
    )


def test_an_entry_pins_its_document_and_holds_none_of_it() -> None:
    document = b'{"secret":"of the driver"}'
    made = entry(document=document)
    assert made.entry_id == REFERRAL
    assert json.loads(made.body)["document_sha256"] == hashlib.sha256(document).hexdigest()
    assert b"secret" not in made.body
    assert made.body != entry(document=document + b" ").body


def test_the_same_moment_in_another_zone_makes_the_same_bytes() -> None:
    moment = datetime(2026, 3, 1, 12, tzinfo=UTC)
    elsewhere = moment.astimezone(timezone(timedelta(hours=2)))
    assert entry(decided_at=moment) == entry(decided_at=elsewhere)


def test_the_bytes_are_canonical() -> None:
    body = entry().body
    again = json.dumps(json.loads(body), sort_keys=True, separators=(",", ":"))
    assert body == again.encode()
