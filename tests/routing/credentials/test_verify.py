"""Signed credentials: what another library signed is taken, and every forgery is told apart.

The files in ``badges`` were made by openbadgeslib (see ``make.py`` there); the forgeries are signed
here by hand, because no library would make them.
"""

import base64
import gzip
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st

from routing.competence.catalogue import load_catalogue
from routing.credentials.encoding import from_base64url
from routing.credentials.jws import TOKEN_LENGTH_MAX
from routing.credentials.status import StatusLists
from routing.credentials.trust import TrustList, parse_trust_list
from routing.credentials.verdict import Refusal, Refused, Verified
from routing.credentials.verify import verify
from routing.errors import DataFileError
from routing.model import Evidence

FOLDER = Path(__file__).parent / "badges"
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
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def raw_public(key: ed25519.Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def jwk(key: ed25519.Ed25519PrivateKey, kid: str) -> Fields:
    return {"kty": "OKP", "crv": "Ed25519", "x": encode(raw_public(key)), "kid": kid}


def ec_jwk(kid: str) -> Fields:
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
    return parse_trust_list(json.dumps(document).encode(), catalogue=CATALOGUE)


def badge(**changes: Any) -> Fields:
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
    return {
        "type": "BitstringStatusListEntry",
        "statusPurpose": purpose,
        "statusListIndex": index,
        "statusListCredential": url,
    }


def bits(*places: int, size_bytes: int = 16_384) -> str:
    data = bytearray(size_bytes)
    for place in places:
        data[place // 8] |= 128 >> place % 8
    return "u" + encode(gzip.compress(bytes(data)))


def status(url: str, purpose: str, *places: int, **changes: Any) -> Fields:
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
    parts = [
        encode(json.dumps(part).encode())
        for part in ({"alg": "EdDSA", **({"kid": "k1"} if header is None else header)}, payload)
    ]
    text = ".".join(parts)
    return f"{text}.{encode((sign or key.sign)(text.encode()))}"


def sign_es256(data: bytes) -> bytes:
    r, s = decode_dss_signature(EC_KEY.sign(data, ec.ECDSA(SHA256())))
    return r.to_bytes(32) + s.to_bytes(32)


LISTS = {LIST: signed(status(LIST, "revocation")), PAUSES: signed(status(PAUSES, "suspension"))}
GOOD = signed(badge())


def with_list(url: str, token: str | Fields) -> dict[str, str]:
    return LISTS | {url: token if isinstance(token, str) else signed(token)}


def check(
    token: str,
    expected: Refusal | None,
    *,
    lists: dict[str, str] | None = None,
    newest: datetime = datetime(2000, 1, 1, tzinfo=UTC),
    at: datetime = AT,
    holder: str = HOLDER,
    audience: str | None = "rightbay",
) -> None:
    at_hand = StatusLists(LISTS if lists is None else lists, {LIST: newest})
    found = verify(
        token, trust_list(), holder=holder, at=at, status_lists=at_hand, audience=audience
    )
    if expected is None:
        assert isinstance(found, Verified), found
        assert found.credential.evidence is Evidence.VERIFIED
    else:
        assert isinstance(found, Refused)
        assert found.refusal is expected, found.reason
        assert found.reason


def subject(**changes: Any) -> Fields:
    return {"id": HOLDER, "achievement": {"id": BADGE}} | changes


def resigned_hmac(payload: Fields) -> str:
    """The public key used as a shared secret, as confused verifiers once took it."""
    return signed(
        payload,
        header={"alg": "HS256", "kid": "k1"},
        sign=lambda data: hmac.digest(raw_public(KEY), data, hashlib.sha256),
    )


def tampered(token: str, old: bytes, new: bytes) -> str:
    header, payload, signature = token.split(".")
    return f"{header}.{encode(from_base64url(payload).replace(old, new))}.{signature}"


TAKEN = {
    "as it was signed": GOOD,
    "signed with the other key": signed(
        badge(), header={"alg": "ES256", "kid": "k2"}, sign=sign_es256
    ),
    "by the newer name of the algorithm": signed(badge(), header={"alg": "Ed25519"}),
    "without saying which key": signed(badge(), header={}),
    "issuer by itself": signed(badge(issuer=SCHOOL)),
    "type of the draft": signed(badge(type=["VerifiableCredential", "AchievementCredential"])),
    "without an end": signed(badge(validUntil=..., exp=...)),
    "without claims beside it": signed(badge(sub=..., jti=..., nbf=..., exp=...)),
    "no status at all": signed(badge(credentialStatus=...)),
    "one status, by itself": signed(badge(credentialStatus=entry(LIST, "revocation"))),
    "a status that only informs": signed(badge(credentialStatus=entry(LIST, "message"))),
    "meant for us": signed(badge(aud="rightbay")),
    "meant for us and others": signed(badge(aud=["else", "rightbay"])),
}

FORGERIES = {
    "another holder written in": (tampered(GOOD, b"holder-7", b"holder-8"), Refusal.BAD_SIGNATURE),
    "a later end written in": (tampered(GOOD, b"2028", b"2038"), Refusal.BAD_SIGNATURE),
    "a bit of the signature turned": (
        GOOD[:-8] + ("A" if GOOD[-8] != "A" else "B") + GOOD[-7:],
        Refusal.BAD_SIGNATURE,
    ),
    "signed by somebody else's key": (signed(badge(), key=OTHER_KEY), Refusal.BAD_SIGNATURE),
    "the key comes with the token": (
        signed(badge(), key=OTHER_KEY, header={"jwk": jwk(OTHER_KEY, "k1")}),
        Refusal.BAD_SIGNATURE,
    ),
    "a signature cut short": (GOOD.rpartition(".")[0] + ".AAAA", Refusal.BAD_SIGNATURE),
    "a signature of another shape": (
        signed(badge(), header={"alg": "ES256", "kid": "k2"}, sign=lambda _: b"1234"),
        Refusal.BAD_SIGNATURE,
    ),
    "nothing but zeros as a signature": (
        signed(badge(), header={"alg": "ES256", "kid": "k2"}, sign=lambda _: bytes(64)),
        Refusal.BAD_SIGNATURE,
    ),
    "no signature asked for": (
        signed(badge(), header={"alg": "none"}, sign=lambda _: b""),
        Refusal.UNSUPPORTED_ALGORITHM,
    ),
    "none in other letters": (
        signed(badge(), header={"alg": "nOnE"}, sign=lambda _: b""),
        Refusal.UNSUPPORTED_ALGORITHM,
    ),
    "the public key as a shared secret": (resigned_hmac(badge()), Refusal.UNSUPPORTED_ALGORITHM),
    "no algorithm named": (signed(badge(), header={"alg": None}), Refusal.UNSUPPORTED_ALGORITHM),
    "an algorithm that is a list": (
        signed(badge(), header={"alg": ["EdDSA"]}),
        Refusal.UNSUPPORTED_ALGORITHM,
    ),
    "the key of another algorithm": (
        signed(badge(), header={"alg": "ES256", "kid": "k1"}),
        Refusal.UNKNOWN_KEY,
    ),
    "an algorithm for which there is no key": (
        signed(badge(), header={"alg": "RS256"}),
        Refusal.UNKNOWN_KEY,
    ),
    "a key that nobody knows": (signed(badge(), header={"kid": "k9"}), Refusal.UNKNOWN_KEY),
    "something critical in the header": (
        signed(badge(), header={"kid": "k1", "crit": ["exp"]}),
        Refusal.CRITICAL_HEADER,
    ),
    "a payload that is not encoded": (
        signed(badge(), header={"kid": "k1", "b64": False}),
        Refusal.CRITICAL_HEADER,
    ),
    "an issuer whom nobody trusts": (
        signed(badge(iss="https://mill.example")),
        Refusal.UNKNOWN_ISSUER,
    ),
    "no issuer": (signed(badge(iss=...)), Refusal.UNKNOWN_ISSUER),
    "an issuer who may not issue this": (
        signed(badge(iss=OTHER, issuer=OTHER), key=OTHER_KEY, header={"kid": "o1"}),
        Refusal.NOT_ENTITLED,
    ),
    "an achievement that is not on the list": (
        signed(badge(credentialSubject=subject(achievement={"id": BADGE + "x"}))),
        Refusal.NOT_ENTITLED,
    ),
    "issued in another's name": (signed(badge(issuer=OTHER)), Refusal.CONTRADICTORY),
    "token and credential of two holders": (
        signed(badge(sub="did:example:holder-8")),
        Refusal.CONTRADICTORY,
    ),
    "token and credential of two ids": (signed(badge(jti="urn:uuid:2")), Refusal.CONTRADICTORY),
    "token and credential of two ends": (signed(badge(exp=1_900_000_000)), Refusal.CONTRADICTORY),
    "an end in the token only": (signed(badge(validUntil=...)), Refusal.CONTRADICTORY),
    "token and credential of two begins": (signed(badge(nbf=1)), Refusal.CONTRADICTORY),
    "a credential of another kind": (
        signed(badge(type=["VerifiableCredential", "LibraryCard"])),
        Refusal.NOT_A_CREDENTIAL,
    ),
    "a status list handed in as a badge": (
        signed(status(LIST, "revocation", iss=SCHOOL)),
        Refusal.NOT_A_CREDENTIAL,
    ),
    "no credential at all": (signed({"iss": SCHOOL}), Refusal.NOT_A_CREDENTIAL),
    "two subjects": (
        signed(badge(credentialSubject=[subject(), subject(id="x")])),
        Refusal.NOT_A_CREDENTIAL,
    ),
    "a subject that is a text": (
        signed(badge(credentialSubject=HOLDER)),
        Refusal.NOT_A_CREDENTIAL,
    ),
    "two achievements": (
        signed(badge(credentialSubject=subject(achievement=[{"id": BADGE}, {"id": "x"}]))),
        Refusal.NOT_A_CREDENTIAL,
    ),
    "an achievement without a name": (
        signed(badge(credentialSubject=subject(achievement={}))),
        Refusal.NOT_A_CREDENTIAL,
    ),
    "a day without a time zone": (
        signed(badge(validFrom="2025-03-01T00:00:00")),
        Refusal.NOT_A_CREDENTIAL,
    ),
    "a day that is none": (signed(badge(validUntil="soon")), Refusal.NOT_A_CREDENTIAL),
    "a day that is yes": (signed(badge(nbf=True)), Refusal.NOT_A_CREDENTIAL),
    "a day beyond the calendar": (signed(badge(exp=1e300)), Refusal.NOT_A_CREDENTIAL),
    "no first day": (signed(badge(validFrom=..., nbf=...)), Refusal.NOT_A_CREDENTIAL),
    "somebody else's badge": (
        signed(badge(sub="did:x", credentialSubject=subject(id="did:x"))),
        Refusal.WRONG_HOLDER,
    ),
    "nobody's badge": (
        signed(badge(sub=..., credentialSubject=subject(id=None))),
        Refusal.WRONG_HOLDER,
    ),
    "meant for somebody else": (signed(badge(aud="other")), Refusal.WRONG_AUDIENCE),
    "meant for others": (signed(badge(aud=["a", "b"])), Refusal.WRONG_AUDIENCE),
    "a status of an unknown kind": (
        signed(badge(credentialStatus={"type": "Oracle"})),
        Refusal.STATUS_UNKNOWN,
    ),
    "a status list that is not at hand": (
        signed(badge(credentialStatus=entry(LIST + "x", "revocation"))),
        Refusal.STATUS_UNKNOWN,
    ),
    "a place outside the status list": (
        signed(badge(credentialStatus=entry(LIST, "revocation", "131072"))),
        Refusal.STATUS_INVALID,
    ),
    "a place that is no number": (
        signed(badge(credentialStatus=entry(LIST, "revocation", "-1"))),
        Refusal.STATUS_INVALID,
    ),
    "two parts": ("a.b", Refusal.MALFORMED),
    "padding": (GOOD.replace(".", "=.", 1), Refusal.MALFORMED),
    "an end of base64 that is not its only one": ("e30.e31.", Refusal.MALFORMED),
    "a payload that is a list": (f"e30.{encode(b'[]')}.", Refusal.MALFORMED),
    "a name that stands twice": (
        f"e30.{encode(b'{"iss": 1, "iss": 2}')}.",
        Refusal.MALFORMED,
    ),
    "a number that is none": (f"e30.{encode(b'{"exp": NaN}')}.", Refusal.MALFORMED),
    "nested without end": (f"e30.{encode(b'[' * 100_000)}.", Refusal.MALFORMED),
    "no JSON": (f"e30.{encode(b'x')}.", Refusal.MALFORMED),
    "larger than any": ("x" * (TOKEN_LENGTH_MAX + 1), Refusal.TOO_LARGE),
}

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


@pytest.mark.parametrize("token", TAKEN.values(), ids=TAKEN)
def test_what_a_trusted_issuer_signed_is_taken(token: str) -> None:
    check(token, None)


@pytest.mark.parametrize(("token", "refusal"), FORGERIES.values(), ids=FORGERIES)
def test_every_forgery_is_refused_by_its_own_name(token: str, refusal: Refusal) -> None:
    check(token, refusal)


@pytest.mark.parametrize(("token", "refusal"), STATUSES.values(), ids=STATUSES)
def test_a_status_list_is_believed_only_if_it_is_the_one(
    token: str | Fields, refusal: Refusal
) -> None:
    check(GOOD, refusal, lists=with_list(LIST, token))


def test_a_suspension_is_told_from_a_revocation_which_weighs_more() -> None:
    paused = with_list(PAUSES, status(PAUSES, "suspension", 7))
    check(GOOD, Refusal.SUSPENDED, lists=paused)
    check(GOOD, Refusal.REVOKED, lists=paused | with_list(LIST, REVOKED) | {PAUSES: paused[PAUSES]})


def test_a_status_list_older_than_one_seen_before_is_refused() -> None:
    check(GOOD, None, newest=datetime(2026, 11, 1, tzinfo=UTC))
    check(GOOD, Refusal.STATUS_STALE, newest=datetime(2026, 11, 1, 0, 0, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("at", "refusal"),
    [
        (datetime(2025, 2, 28, 23, 59, 59, tzinfo=UTC), Refusal.NOT_YET_VALID),
        (datetime(2028, 3, 1, tzinfo=UTC), Refusal.EXPIRED),
        (datetime(2028, 3, 1, tzinfo=UTC) - timedelta(seconds=1), Refusal.STATUS_STALE),
    ],
)
def test_a_credential_counts_within_its_dates(at: datetime, refusal: Refusal) -> None:
    check(GOOD, refusal, at=at)


def test_holder_and_audience_are_those_of_whoever_asks() -> None:
    check(GOOD, Refusal.WRONG_HOLDER, holder="did:example:holder-8")
    check(signed(badge(aud="rightbay")), Refusal.WRONG_AUDIENCE, audience=None)


def test_without_status_lists_a_credential_that_names_one_is_refused() -> None:
    found = verify(GOOD, trust_list(), holder=HOLDER, at=AT)
    assert isinstance(found, Refused)
    assert found.refusal is Refusal.STATUS_UNKNOWN


@pytest.mark.parametrize(
    ("end", "last_day"),
    [
        ("2028-03-01T00:00:00Z", date(2028, 2, 29)),
        ("2028-02-29T23:59:59Z", date(2028, 2, 29)),
        ("2028-03-01T12:00:00Z", date(2028, 2, 29)),
        ("2028-03-01T01:00:00+02:00", date(2028, 2, 28)),
    ],
)
def test_the_last_day_is_the_last_one_that_is_covered_whole(end: str, last_day: date) -> None:
    found = verify(
        signed(badge(validUntil=end, exp=..., credentialStatus=...)),
        trust_list(),
        holder=HOLDER,
        at=AT,
    )
    assert isinstance(found, Verified)
    assert found.credential.valid_until == last_day


@pytest.mark.parametrize("name", ["EdDSA", "ES256", "RS256"])
def test_what_an_independent_library_signed_is_taken(name: str) -> None:
    trust = parse_trust_list(FOLDER.joinpath("trust.json").read_bytes(), catalogue=CATALOGUE)
    lists = StatusLists({LIST: FOLDER.joinpath("list.jwt").read_text()})
    # The library signs its list by its own clock: it counts from the day on which it was made.
    at = datetime(2027, 6, 1, tzinfo=UTC)

    def verdict(file: str) -> Verified | Refused:
        token = FOLDER.joinpath(f"{file}.jwt").read_text()
        return verify(token, trust, holder=HOLDER, at=at, status_lists=lists)

    taken, revoked = verdict(name), verdict("revoked")
    assert isinstance(taken, Verified)
    assert (taken.credential.scheme, taken.credential.title) == ("de-dguv-209-093", "2S")
    assert (taken.credential.valid_from, taken.credential.valid_until) == (
        date(2025, 3, 1),
        date(2028, 2, 29),
    )
    assert isinstance(revoked, Refused)
    assert revoked.refusal is Refusal.REVOKED


@given(st.text(max_size=200) | st.from_regex(r"[\w-]{0,40}\.[\w-]{0,40}\.[\w-]{0,40}"))
def test_no_text_raises(text: str) -> None:
    assert isinstance(verify(text, trust_list(), holder=HOLDER, at=AT), Refused)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(max_size=9), parts),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([*badge()]), json_values, max_size=4))
def test_no_signed_payload_raises(changes: Fields) -> None:
    verdict = verify(
        signed(badge(**changes)),
        trust_list(),
        holder=HOLDER,
        at=AT,
        status_lists=StatusLists(LISTS),
    )
    assert isinstance(verdict, Verified | Refused)


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
