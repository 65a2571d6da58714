"""Signed credentials: what another library signed is taken, and every forgery is told apart.

The files in ``badges`` were made by openbadgeslib (see ``make.py`` there); the forgeries are signed
here by hand, because no library would make them.
"""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.credentials.jws import TOKEN_LENGTH_MAX
from routing.credentials.status import StatusLists
from routing.credentials.testing import (
    AT,
    BADGE,
    CATALOGUE,
    GOOD,
    HOLDER,
    LIST,
    LISTS,
    OTHER,
    OTHER_KEY,
    SCHOOL,
    Fields,
    badge,
    encode,
    entry,
    jwk,
    refusal_of,
    resigned_hmac,
    sign_es256,
    signed,
    status,
    subject,
    tampered,
    trust_list,
)
from routing.credentials.trust import parse_trust_list
from routing.credentials.verdict import Refusal, Refused, Verified
from routing.credentials.verify import verify
from routing.model import Evidence

FOLDER = Path(__file__).parent / "badges"

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


@pytest.mark.parametrize("token", TAKEN.values(), ids=TAKEN)
def test_what_a_trusted_issuer_signed_is_taken(token: str) -> None:
    assert refusal_of(token) is None


@pytest.mark.parametrize(("token", "refusal"), FORGERIES.values(), ids=FORGERIES)
def test_every_forgery_is_refused_by_its_own_name(token: str, refusal: Refusal) -> None:
    assert refusal_of(token) is refusal


@pytest.mark.parametrize(
    ("at", "refusal"),
    [
        (datetime(2025, 2, 28, 23, 59, 59, tzinfo=UTC), Refusal.NOT_YET_VALID),
        (datetime(2028, 3, 1, tzinfo=UTC), Refusal.EXPIRED),
        (datetime(2028, 3, 1, tzinfo=UTC) - timedelta(seconds=1), Refusal.STATUS_STALE),
    ],
)
def test_a_credential_counts_within_its_dates(at: datetime, refusal: Refusal) -> None:
    assert refusal_of(GOOD, at=at) is refusal


def test_holder_and_audience_are_those_of_whoever_asks() -> None:
    assert refusal_of(GOOD, holder="did:example:holder-8") is Refusal.WRONG_HOLDER
    found = verify(
        signed(badge(aud="rightbay")),
        trust_list(),
        holder=HOLDER,
        at=AT,
        status_lists=StatusLists(LISTS),
    )
    assert isinstance(found, Refused)
    assert found.refusal is Refusal.WRONG_AUDIENCE
    assert found.reason


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
    assert taken.credential.evidence is Evidence.VERIFIED
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
