"""Looks a credential up in a status list (W3C Bitstring Status List v1.0).

A list is a signed credential itself: a compressed string of bits, one for each credential, that
says "revoked" or "suspended". It is handed in; nobody is asked over a network, so that issuers do
not learn whom somebody considers.
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from routing.credentials.claims import check_times, has_type, objects_of, text_of, time_of
from routing.credentials.encoding import Json, from_base64url
from routing.credentials.jws import check_signature, take_apart
from routing.credentials.trust import TrustedIssuer
from routing.credentials.verdict import Refusal, RefusedError

_BITS_MIN = 131_072  # a shorter list would tell whom a lookup is about (3.1 of the standard)
_BYTES_MAX = 1 << 22
_REFUSAL_OF = {"revocation": Refusal.REVOKED, "suspension": Refusal.SUSPENDED}


@dataclass(frozen=True, slots=True)
class StatusLists:
    """The status lists at hand.

    Attributes:
        tokens: The signed list by its address.
        newest: From when the newest list counts that was ever seen of an address: an older one
            that is put in its place is refused.
    """

    tokens: Mapping[str, str]
    newest: Mapping[str, datetime] = field(default_factory=dict)


def check_status(
    credential: Mapping[str, Json], issuer: TrustedIssuer, lists: StatusLists, *, at: datetime
) -> tuple[tuple[str, datetime], ...]:
    """Return the lists that say nothing against a credential.

    Raises:
        RefusedError: If one says something, or cannot be relied on; a revocation counts before a
            suspension.
    """
    entries = [
        (purpose, entry)
        for entry in objects_of(credential, "credentialStatus")
        if (purpose := _purpose(entry)) in _REFUSAL_OF
    ]
    entries.sort(key=lambda pair: [*_REFUSAL_OF].index(pair[0]))
    looked: list[tuple[str, datetime]] = []
    for purpose, entry in entries:
        url = text_of(entry, "statusListCredential")
        bits, since = _read_list(url, purpose, issuer, lists, at)
        if _is_set(bits, text_of(entry, "statusListIndex")):
            raise RefusedError(_REFUSAL_OF[purpose], "its issuer says so in the status list")
        looked.append((url, since))
    return tuple(looked)


def _purpose(entry: Mapping[str, Json]) -> str:
    if not has_type(entry, "BitstringStatusListEntry"):
        raise RefusedError(Refusal.STATUS_UNKNOWN, "expected a BitstringStatusListEntry")
    return text_of(entry, "statusPurpose")


def _read_list(
    url: str, purpose: str, issuer: TrustedIssuer, lists: StatusLists, at: datetime
) -> tuple[bytes, datetime]:
    if url not in lists.tokens:
        raise RefusedError(Refusal.STATUS_UNKNOWN, f"the status list {url!r:.100} is not at hand")
    try:
        payload, bits, since = _open_list(lists.tokens[url], url, purpose, issuer)
    except RefusedError as error:
        raise RefusedError(Refusal.STATUS_INVALID, f"status list: {error.reason}") from error
    try:
        check_times(payload, at=at)
    except RefusedError as error:
        raise RefusedError(Refusal.STATUS_STALE, f"status list: {error.reason}") from error
    if since < lists.newest.get(url, since):
        raise RefusedError(Refusal.STATUS_STALE, "an older status list than one seen before")
    return bits, since


def _open_list(
    text: str, url: str, purpose: str, issuer: TrustedIssuer
) -> tuple[Mapping[str, Json], bytes, datetime]:
    """The list's document, its bits, and from when it counts."""
    token = take_apart(text)
    check_signature(token, issuer.keys)
    payload = token.payload
    since = time_of(payload, "validFrom") or time_of(payload, "nbf")
    subject = objects_of(payload, "credentialSubject")
    is_right = (
        has_type(payload, "BitstringStatusListCredential")
        and payload.get("id") == url
        and issuer_of(payload) == issuer.issuer_id
        and len(subject) == 1
        and purpose in _purposes(subject[0])
    )
    if not is_right or since is None:
        raise RefusedError(Refusal.STATUS_INVALID, "it is another list than the one named")
    return payload, _decompress(text_of(subject[0], "encodedList")), since


def issuer_of(document: Mapping[str, Json]) -> str:
    """The issuer's id, which stands by itself or in an object."""
    issuer = document.get("issuer")
    return text_of(issuer, "id") if isinstance(issuer, dict) else text_of(document, "issuer")


def _purposes(subject: Mapping[str, Json]) -> list[Json]:
    purposes = subject.get("statusPurpose")
    return purposes if isinstance(purposes, list) else [purposes]


def _decompress(encoded: str) -> bytes:
    """The bits of a list: multibase ``u``, then gzip."""
    if not encoded.startswith("u"):
        raise RefusedError(Refusal.STATUS_INVALID, "expected multibase u")
    try:
        unzip = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        bits = unzip.decompress(from_base64url(encoded[1:]), _BYTES_MAX)
    except (ValueError, zlib.error) as error:
        raise RefusedError(Refusal.STATUS_INVALID, f"its bits cannot be read: {error}") from error
    if not unzip.eof or len(bits) * 8 < _BITS_MIN:
        raise RefusedError(
            Refusal.STATUS_INVALID, f"expected {_BITS_MIN // 8} to {_BYTES_MAX} bytes of bits"
        )
    return bits


def _is_set(bits: bytes, index: str) -> bool:
    if not (index.isascii() and index.isdigit() and int(index[:9]) < len(bits) * 8):
        raise RefusedError(Refusal.STATUS_INVALID, "its place is not in the status list")
    byte, bit = divmod(int(index[:9]), 8)
    return bool(bits[byte] >> (7 - bit) & 1)
