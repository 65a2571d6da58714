"""Trust lists: whole, or refused with what is wrong."""

from typing import Any

import pytest

from routing.credentials.testing import (
    BADGE,
    KEY,
    TRUST,
    Fields,
    encode,
    jwk,
    trust_list,
)
from routing.errors import DataFileError


def issuer(**changes: Any) -> Fields:
    return {"issuers": [TRUST["issuers"][0] | changes]}


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"issuers": [{}]}, "id"),
        (issuer(more=1), "more"),
        (issuer(keys=[]), "1 to 16 keys"),
        (issuer(keys=[{"kty": "oct", "k": "AAAA"}]), "unknown kind"),
        (issuer(keys=[jwk(KEY, "k1") | {"d": "AAAA"}]), "private key"),
        (issuer(keys=[jwk(KEY, "k1") | {"x": "AAAA"}]), "32"),
        (issuer(keys=[jwk(KEY, "k1") | {"x": "A=="}]), "base64url"),
        (issuer(keys=[{"kty": "RSA", "n": encode(b"\xc1" * 128), "e": "AQAB"}]), "2048"),
        (issuer(titles={BADGE: ["de-dguv-209-093", "9S"]}), "no title '9S'"),
        ({"issuers": TRUST["issuers"] * 2}, "twice"),
    ],
)
def test_a_trust_list_is_whole_or_refused(document: Fields, told: str) -> None:
    with pytest.raises(DataFileError, match="trust list") as caught:
        trust_list(document)
    assert told in str(caught.value)


def test_a_trust_list_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("routing.credentials.trust.ISSUERS_MAX", 1)
    with pytest.raises(DataFileError, match="more than 1 issuers"):
        trust_list()
