"""Signed credentials, status lists and trust lists, made by hand as no library would make them."""

import base64
import gzip
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from routing.competence.catalogue import load_catalogue
from routing.credentials.encoding import from_base64url
from routing.credentials.status import StatusLists
from routing.credentials.trust import TrustList, parse_trust_list
from routing.credentials.verdict import Refusal, Refused
from routing.credentials.verify import verify

SCHOOL, OTHER = "https://school.example/issuer", "https://other.example/issuer"
BADGE = "https://school.example/achievements/2s"
LIST, PAUSES = "https://school.example/status/revocation", "https://school.example/status/pauses"
HOLDER = "did:example:holder-7"
AT = datetime(2026, 12, 1, 10, tzinfo=UTC)
CATALOGUE = load_catalogue()

KEY, OTHER_KEY = ed25519.Ed25519PrivateKey.generate(), ed25519.Ed25519PrivateKey.generate()
EC_KEY = ec.generate_private_key(ec.SECP256R1())

type Fields = dict[str, Any]


def encode(data: bytes) -> str:
    """Encode by base64url, without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def raw_public(key: ed25519.Ed25519PrivateKey) -> bytes:
    """Take the 32 bytes of a public key."""
    return key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def jwk(key: ed25519.Ed25519PrivateKey, kid: str) -> Fields:
    """Write a public key as a trust list does."""
    return {"kty": "OKP", "crv": "Ed25519", "x": encode(raw_public(key)), "kid": kid}


def ec_jwk(kid: str) -> Fields:
    """Write the public half of `EC_KEY`."""
    numbers = EC_KEY.public_key().public_numbers()
    x, y = (encode(number.to_bytes(32)) for number in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": kid}


TRUST = {
    "issuers": [
        {
            "id": SCHOOL,
            "keys": [jwk(KEY, "k1"), ec_jwk("k2")],
            "titles": {BADGE: ["de-dguv-209-093", "2S"]},
        },
        {"id": OTHER, "keys": [jwk(OTHER_KEY, "o1")], "titles": {}},
    ]
}


def trust_list(document: Fields = TRUST) -> TrustList:
    """Read a trust list; the usual one trusts the school for one title."""
    return parse_trust_list(json.dumps(document).encode(), catalogue=CATALOGUE)


def badge(**changes: object) -> Fields:
    """Make the payload of a credential in order but for the changes; `...` leaves one out."""
    whole: Fields = {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "id": "urn:uuid:1",
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "issuer": {"id": SCHOOL, "type": ["Profile"]},
        "validFrom": "2025-03-01T00:00:00Z",
        "validUntil": "2028-03-01T00:00:00Z",
        "credentialSubject": {"id": HOLDER, "achievement": {"id": BADGE}},
        "credentialStatus": [entry(LIST, "revocation"), entry(PAUSES, "suspension")],
        "iss": SCHOOL,
        "sub": HOLDER,
        "jti": "urn:uuid:1",
        "nbf": int(datetime(2025, 3, 1, tzinfo=UTC).timestamp()),
        "exp": int(datetime(2028, 3, 1, tzinfo=UTC).timestamp()),
    }
    return {name: value for name, value in (whole | changes).items() if value is not ...}


def entry(url: str, purpose: str, index: str = "7") -> Fields:
    """Name a place in a status list."""
    return {
        "type": "BitstringStatusListEntry",
        "statusPurpose": purpose,
        "statusListIndex": index,
        "statusListCredential": url,
    }


def bits(*places: int, size_bytes: int = 16_384) -> str:
    """Make a bit string in which only these places are set."""
    data = bytearray(size_bytes)
    for place in places:
        data[place // 8] |= 128 >> place % 8
    return "u" + encode(gzip.compress(bytes(data)))


def status(url: str, purpose: str, *places: int, **changes: object) -> Fields:
    """Make the payload of a status list that is in order, but for the changes."""
    subject = {"type": "BitstringStatusList", "statusPurpose": purpose}
    whole: Fields = {
        "id": url,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": SCHOOL,
        "validFrom": "2026-11-01T00:00:00Z",
        "validUntil": "2027-01-01T00:00:00Z",
        "credentialSubject": {**subject, "encodedList": bits(*places)},
    }
    return {name: value for name, value in (whole | changes).items() if value is not ...}


def signed(
    payload: Fields,
    *,
    key: ed25519.Ed25519PrivateKey = KEY,
    header: Fields | None = None,
    sign: Callable[[bytes], bytes] | None = None,
) -> str:
    """Sign a payload, with another header, key or way of signing if one is given."""
    parts = [
        encode(json.dumps(part).encode())
        for part in ({"alg": "EdDSA", **({"kid": "k1"} if header is None else header)}, payload)
    ]
    text = ".".join(parts)
    return f"{text}.{encode((sign or key.sign)(text.encode()))}"


def sign_es256(data: bytes) -> bytes:
    """Sign with `EC_KEY`."""
    r, s = decode_dss_signature(EC_KEY.sign(data, ec.ECDSA(SHA256())))
    return r.to_bytes(32) + s.to_bytes(32)


LISTS = {LIST: signed(status(LIST, "revocation")), PAUSES: signed(status(PAUSES, "suspension"))}
GOOD = signed(badge())


def with_list(url: str, token: str | Fields) -> dict[str, str]:
    """Put one status list in place of the usual one."""
    return LISTS | {url: token if isinstance(token, str) else signed(token)}


def refusal_of(
    token: str,
    *,
    lists: dict[str, str] | None = None,
    newest: datetime = datetime(2000, 1, 1, tzinfo=UTC),
    at: datetime = AT,
    holder: str = HOLDER,
) -> Refusal | None:
    """Say why a credential is refused with the usual trust list, or None if it is taken.

    Args:
        token: The signed credential.
        lists: Status lists at hand, by address; the usual ones if none are given.
        newest: Of when the newest list of revocations was that has been seen.
        at: When it is asked.
        holder: Who shows it.
    """
    at_hand = StatusLists(LISTS if lists is None else lists, {LIST: newest})
    found = verify(
        token, trust_list(), holder=holder, at=at, status_lists=at_hand, audience="rightbay"
    )
    return found.refusal if isinstance(found, Refused) else None


def subject(**changes: object) -> Fields:
    """Make the subject of the usual credential, but for the changes."""
    return {"id": HOLDER, "achievement": {"id": BADGE}} | changes


def resigned_hmac(payload: Fields) -> str:
    """The public key used as a shared secret, as confused verifiers once took it."""
    return signed(
        payload,
        header={"alg": "HS256", "kid": "k1"},
        sign=lambda data: hmac.digest(raw_public(KEY), data, hashlib.sha256),
    )


def tampered(token: str, old: bytes, new: bytes) -> str:
    """Change the payload of what is signed already."""
    header, payload, signature = token.split(".")
    return f"{header}.{encode(from_base64url(payload).replace(old, new))}.{signature}"
