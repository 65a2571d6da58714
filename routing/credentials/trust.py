"""Whose signatures count, for which titles: the trust list that an operator keeps.

    {"issuers": [{"id": "https://school.example", "keys": [{"kid": "k1", "kty": "OKP", …}],
                  "titles": {"https://school.example/2s": ["de-dguv-209-093", "2S"]}}]}

Keys are public JSON Web Keys (RFC 7517, RFC 8037). Nothing in a credential adds to this list: a key
that a token carries in its own header proves nothing.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePublicKey,
    EllipticCurvePublicNumbers,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers

from routing.competence.catalogue import Catalogue
from routing.credentials.encoding import from_base64url
from routing.errors import DataFileError

ISSUERS_MAX, KEYS_MAX, TITLES_MAX = 10_000, 16, 1_000
_RSA_BITS_MIN = 2048

PublicKey = Ed25519PublicKey | EllipticCurvePublicKey | RSAPublicKey


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A public key and the name that its issuer gave it; empty if none."""

    kid: str
    key: PublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedIssuer:
    """Somebody whose signature counts.

    Attributes:
        issuer_id: As it stands in credentials, such as a URL or a DID.
        titles: What it may issue: the id of an achievement to scheme and title.
    """

    issuer_id: str
    keys: tuple[TrustedKey, ...]
    titles: Mapping[str, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class TrustList:
    """Everybody whose signature counts, by id."""

    issuers: Mapping[str, TrustedIssuer]


class _Key(msgspec.Struct):
    kty: str
    kid: str = ""
    crv: str = ""
    x: str = ""
    y: str = ""
    n: str = ""
    e: str = ""
    d: str = ""


class _Issuer(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    keys: list[_Key]
    titles: dict[str, tuple[str, str]]


class _File(msgspec.Struct, forbid_unknown_fields=True):
    issuers: list[_Issuer]


def parse_trust_list(content: bytes, *, catalogue: Catalogue) -> TrustList:
    """Read a trust list.

    Args:
        content: JSON in the form above.
        catalogue: Of the schemes; the list may name no other titles.

    Raises:
        DataFileError: If it breaks the form, or names a key or a title that cannot be.
    """
    try:
        file = msgspec.json.decode(content, type=_File)
    except msgspec.DecodeError as error:
        raise DataFileError(f"trust list: {error}") from error
    if len(file.issuers) > ISSUERS_MAX:
        raise DataFileError(f"trust list: more than {ISSUERS_MAX} issuers")
    issuers = {issuer.id: _issuer(issuer, catalogue) for issuer in file.issuers}
    if len(issuers) != len(file.issuers):
        raise DataFileError("trust list: an issuer stands in it twice")
    return TrustList(issuers)


def _issuer(issuer: _Issuer, catalogue: Catalogue) -> TrustedIssuer:
    where = f"trust list: issuer {issuer.id!r:.80}"
    if not issuer.keys or len(issuer.keys) > KEYS_MAX or len(issuer.titles) > TITLES_MAX:
        raise DataFileError(f"{where}: expected 1 to {KEYS_MAX} keys, at most {TITLES_MAX} titles")
    for scheme, title in issuer.titles.values():
        if catalogue.find_title(scheme, title) is None:
            raise DataFileError(f"{where}: no title {title!r:.40} in scheme {scheme!r:.40}")
    try:
        keys = tuple(TrustedKey(key.kid, _public_key(key)) for key in issuer.keys)
    except ValueError as error:
        raise DataFileError(f"{where}: {error}") from error
    return TrustedIssuer(issuer_id=issuer.id, keys=keys, titles=issuer.titles)


def _public_key(key: _Key) -> PublicKey:
    if key.d:
        raise ValueError("a private key stands in the list: take it out and use another one")
    match key.kty, key.crv:
        case "OKP", "Ed25519":
            return Ed25519PublicKey.from_public_bytes(from_base64url(key.x))
        case "EC", "P-256":
            numbers = EllipticCurvePublicNumbers(_integer(key.x), _integer(key.y), SECP256R1())
            return numbers.public_key()
        case "RSA", _:
            public = RSAPublicNumbers(_integer(key.e), _integer(key.n)).public_key()
            if public.key_size < _RSA_BITS_MIN:
                raise ValueError(f"an RSA key of fewer than {_RSA_BITS_MIN} bits")
            return public
        case kind:
            raise ValueError(f"a key of unknown kind {json.dumps(kind)}")


def _integer(text: str) -> int:
    return int.from_bytes(from_base64url(text))
