"""Checks the signature of a compact JWS (RFC 7515) with keys that are trusted beforehand.

The key decides the algorithm, never the token: each kind of key takes one, so a token can neither
ask for none nor have a public key used as a shared secret. Names in a header that we do not know
are passed over unless the token calls them critical.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from routing.credentials.encoding import Json, from_base64url, parse_object
from routing.credentials.trust import PublicKey, TrustedKey
from routing.credentials.verdict import Refusal, RefusedError

TOKEN_LENGTH_MAX = 1 << 20  # characters; a status list of a million entries fits
_ALGORITHMS = ("ES256", "Ed25519", "EdDSA", "RS256")
_P256_BYTES = 32


@dataclass(frozen=True, slots=True)
class Token:
    """A token taken apart; nothing of it is believed yet."""

    header: dict[str, Json]
    payload: dict[str, Json]
    signed: bytes
    signature: bytes


def take_apart(text: str) -> Token:
    """Take a compact JWS apart.

    Raises:
        RefusedError: If it is none, or none that we can check.
    """
    if len(text) > TOKEN_LENGTH_MAX:
        raise RefusedError(Refusal.TOO_LARGE, f"more than {TOKEN_LENGTH_MAX} characters")
    parts = text.strip().split(".")
    if len(parts) != 3:
        raise RefusedError(Refusal.MALFORMED, f"expected 3 parts between dots, got {len(parts)}")
    try:
        header, payload = (parse_object(from_base64url(part)) for part in parts[:2])
        signature = from_base64url(parts[2])
    except ValueError as error:
        raise RefusedError(Refusal.MALFORMED, str(error)) from error
    if header.keys() & {"crit", "b64"}:
        raise RefusedError(Refusal.CRITICAL_HEADER, "expected no critical header")
    if header.get("alg") not in _ALGORITHMS:
        raise RefusedError(
            Refusal.UNSUPPORTED_ALGORITHM,
            f"expected one of {', '.join(_ALGORITHMS)}, got {header.get('alg')!r:.40}",
        )
    return Token(header, payload, f"{parts[0]}.{parts[1]}".encode(), signature)


def check_signature(token: Token, keys: Sequence[TrustedKey]) -> None:
    """Return if one of the keys signed the token.

    Raises:
        RefusedError: If no key has the token's key name or takes its algorithm, or none signed it.
    """
    kid, algorithm = token.header.get("kid"), token.header["alg"]
    named = [key for key in keys if not key.kid or kid is None or key.kid == kid]
    usable = [key for key in named if algorithm in _check_of(key.key)[0]]
    if not usable:
        raise RefusedError(
            Refusal.UNKNOWN_KEY, f"the issuer has no key of this name for {algorithm}"
        )
    if not any(_is_signed_by(token, key.key) for key in usable):
        raise RefusedError(Refusal.BAD_SIGNATURE, "the text is not what the issuer signed")


def _is_signed_by(token: Token, key: PublicKey) -> bool:
    try:
        _check_of(key)[1](token)
    except (InvalidSignature, ValueError):
        return False
    return True


def _check_of(key: PublicKey) -> tuple[frozenset[str], Callable[[Token], None]]:
    """The algorithms that a key takes, and how a token is checked with it."""
    if isinstance(key, Ed25519PublicKey):
        return frozenset({"EdDSA", "Ed25519"}), lambda token: key.verify(
            token.signature, token.signed
        )
    if isinstance(key, EllipticCurvePublicKey):
        return frozenset({"ES256"}), lambda token: key.verify(
            _der(token.signature), token.signed, ECDSA(SHA256())
        )
    return frozenset({"RS256"}), lambda token: key.verify(
        token.signature, token.signed, PKCS1v15(), SHA256()
    )


def _der(signature: bytes) -> bytes:
    """Two numbers of 32 bytes, as JWS has them (RFC 7518, 3.4), in the form of X9.62."""
    if len(signature) != 2 * _P256_BYTES:
        raise ValueError(f"expected {2 * _P256_BYTES} bytes, got {len(signature)}")
    return encode_dss_signature(
        int.from_bytes(signature[:_P256_BYTES]), int.from_bytes(signature[_P256_BYTES:])
    )
