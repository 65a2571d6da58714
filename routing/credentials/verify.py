"""Verifies an Open Badges 3.0 credential signed as a JWT, offline.

    token ─▶ taken apart ─▶ issuer trusted ─▶ signature ─▶ one and the same story ─▶ entitled
          ─▶ right holder ─▶ in time ─▶ not revoked or suspended ─▶ Verified

Open Badges 3.0, 8.2 (JWT proof format): the payload is the credential itself, with the registered
claims `iss`, `sub`, `jti`, `nbf` and `exp` beside its members. What both say must agree.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from routing.credentials.claims import check_times, has_type, objects_of, text_of, time_of
from routing.credentials.encoding import Json
from routing.credentials.jws import check_signature, take_apart
from routing.credentials.status import StatusLists, check_status, issuer_of
from routing.credentials.trust import TrustedIssuer, TrustList
from routing.credentials.verdict import Refusal, Refused, RefusedError, Verdict, Verified
from routing.model import Credential, Evidence

_DAY, _SECOND = timedelta(days=1), timedelta(seconds=1)


def verify(  # noqa: PLR0913 - what was signed, whom to believe, and whom it is asked for
    token: str,
    trust: TrustList,
    *,
    holder: str,
    at: datetime,
    status_lists: StatusLists | None = None,
    audience: str | None = None,
) -> Verdict:
    """Say what a signed credential is worth. Never raises.

    Args:
        token: Compact JWS.
        trust: Whose signatures count, for which titles.
        holder: Of whom it must speak: the id in its subject.
        at: Aware; no other clock is known.
        status_lists: Those at hand; a credential that names another one is refused.
        audience: For whom it must be meant, if it says for whom.
    """
    try:
        payload, issuer = _authentic(token, trust)
        subject = _check_story(payload, issuer)
        scheme, title = _title(subject, issuer)
        _check_people(payload, subject, holder, audience)
        check_times(payload, at=at)
        looked = check_status(payload, issuer, status_lists or StatusLists({}), at=at)
        credential = Credential(
            scheme=scheme,
            title=title,
            valid_from=_begin(payload).date(),
            valid_until=_last_day(payload),
            evidence=Evidence.VERIFIED,
        )
    except RefusedError as error:
        return Refused(error.refusal, error.reason)
    return Verified(
        credential=credential,
        issuer=issuer.issuer_id,
        credential_id=str(payload.get("id") or ""),
        status_lists=looked,
    )


def _authentic(text: str, trust: TrustList) -> tuple[Mapping[str, Json], TrustedIssuer]:
    """What a trusted issuer signed, and who that is."""
    token = take_apart(text)
    name = token.payload.get("iss")
    issuer = trust.issuers.get(name) if isinstance(name, str) else None
    if issuer is None:
        raise RefusedError(Refusal.UNKNOWN_ISSUER, f"{name!r:.100} is not trusted")
    check_signature(token, issuer.keys)
    return token.payload, issuer


def _check_story(payload: Mapping[str, Json], issuer: TrustedIssuer) -> dict[str, Json]:
    """The one subject of a credential whose members and claims agree."""
    is_badge = has_type(payload, "OpenBadgeCredential") or has_type(
        payload, "AchievementCredential"
    )
    if not (is_badge and has_type(payload, "VerifiableCredential")):
        raise RefusedError(Refusal.NOT_A_CREDENTIAL, "expected an OpenBadgeCredential")
    subjects = objects_of(payload, "credentialSubject")
    if len(subjects) != 1:
        raise RefusedError(Refusal.NOT_A_CREDENTIAL, f"expected 1 subject, got {len(subjects)}")
    pairs = (
        ("issuer", issuer_of(payload), issuer.issuer_id),
        ("subject", subjects[0].get("id"), payload.get("sub", subjects[0].get("id"))),
        ("id", payload.get("id"), payload.get("jti", payload.get("id"))),
        ("begin", _seconds(payload, "validFrom"), _seconds(payload, "nbf", "validFrom")),
        ("end", _seconds(payload, "validUntil"), _seconds(payload, "exp", "validUntil")),
    )
    for name, inside, outside in pairs:
        if inside != outside:
            raise RefusedError(Refusal.CONTRADICTORY, f"token and credential disagree on {name}")
    return subjects[0]


def _seconds(payload: Mapping[str, Json], *names: str) -> int | None:
    """The first of the members that is there, in whole seconds, as claims have it."""
    found = (time_of(payload, name) for name in names)
    return next((int(moment.timestamp()) for moment in found if moment is not None), None)


def _title(subject: Mapping[str, Json], issuer: TrustedIssuer) -> tuple[str, str]:
    achievements = objects_of(subject, "achievement")
    if len(achievements) != 1:
        raise RefusedError(Refusal.NOT_A_CREDENTIAL, "expected 1 achievement")
    achievement = text_of(achievements[0], "id")
    if achievement not in issuer.titles:
        raise RefusedError(
            Refusal.NOT_ENTITLED, f"the issuer is not trusted for {achievement!r:.100}"
        )
    return issuer.titles[achievement]


def _check_people(
    payload: Mapping[str, Json], subject: Mapping[str, Json], holder: str, audience: str | None
) -> None:
    """It speaks of the right person, and to us if it says to whom."""
    meant = payload.get("aud")
    addressed = meant if isinstance(meant, list) else [meant]
    if meant is not None and (audience is None or audience not in addressed):
        raise RefusedError(Refusal.WRONG_AUDIENCE, "it is meant for somebody else")
    if subject.get("id") != holder:
        raise RefusedError(Refusal.WRONG_HOLDER, "it was issued to somebody else")


def _begin(payload: Mapping[str, Json]) -> datetime:
    begin = time_of(payload, "validFrom") or time_of(payload, "nbf")
    if begin is None:
        raise RefusedError(Refusal.NOT_A_CREDENTIAL, "expected a moment in validFrom")
    return begin


def _last_day(payload: Mapping[str, Json]) -> date | None:
    """The last day that it covers whole; one that ends a second before midnight covers that day."""
    end = time_of(payload, "validUntil") or time_of(payload, "exp")
    return None if end is None else (end + _SECOND - _DAY).date()
