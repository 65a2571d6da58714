"""Errors as HTTP says them: one table, one shape (RFC 9457).

Every error body is ``application/problem+json`` with ``type``, ``title``, ``status`` and
``detail``; a malformed request adds ``errors``, a list of ``where`` and ``text``. What the caller
sent is not repeated, but for the beginning of a field that breaks the rules for directories.
"""

import http
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from api.errors import (
    ApiError,
    BadCursorError,
    ForbiddenError,
    ForeignHostError,
    MediaTypeError,
    NotFoundError,
    NotReadyError,
    UnknownCallerError,
)
from api.schemas import MalformedPart, Problem
from routing.errors import NotNowError
from routing.imports.findings import FieldError
from storage.errors import DatabaseUnavailableError, NoSuchProposalError, TooManyError

MEDIA_TYPE = "application/problem+json"

log = logging.getLogger("rightbay.api")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem.

    Attributes:
        name: Of its page below ``/problems/``; stable.
        status: HTTP status.
        title: For people; the same for every occurrence.
        advice: What the caller can do.
        headers: That every such answer carries.
    """

    name: str
    status: int
    title: str
    advice: str
    headers: Mapping[str, str] = field(default_factory=dict)


MALFORMED = Kind("malformed-request", 422, "the request is malformed", "Mend what `errors` names.")
NOT_FOUND = Kind(
    "not-found",
    404,
    "there is no such thing",
    "Check the id. What exists and is not yours to see is answered like this as well.",
)
UNKNOWN_CALLER = Kind(
    "unknown-caller",
    401,
    "this needs a key",
    "Send `Authorization: Bearer` with a key that is in force. A business gets one when it "
    "registers; the operator makes others with `rightbay keys issue`.",
    {"WWW-Authenticate": 'Bearer realm="rightbay"'},
)
FORBIDDEN = Kind(
    "forbidden", 403, "this key is not good for that", "Use a key of the role that is named."
)
NOT_NOW = Kind(
    "not-now",
    409,
    "that cannot be done as things stand",
    "`detail` says what stands in the way. The same request may succeed once that is gone.",
)
WRONG_MEDIA = Kind(
    "media-type", 415, "that kind of file is not taken", "Send PDF, JPEG or PNG, and say which."
)
TOO_MANY = Kind(
    "too-many",
    429,
    "a bound is reached",
    "`detail` says which. Try again later, or let a reviewer decide what is open.",
    {"Retry-After": "3600"},
)
TOO_LARGE = Kind(
    "too-large", 413, "the body is too large", "Send less: docs/http.md says how much is read."
)
MISDIRECTED = Kind(
    "foreign-host",
    421,
    "this service does not answer under that name",
    "Ask for it as localhost or 127.0.0.1: it knows no callers yet, and answers this machine only.",
)
UNAVAILABLE = Kind(
    "database-unavailable",
    503,
    "the database is away",
    "Try again in a few seconds. Nothing that was reported is lost meanwhile.",
)
NOT_READY = Kind(
    "not-ready", 503, "the service is not ready", "The operator has to run `rightbay migrate`."
)
INTERNAL = Kind("internal", 500, "something is wrong on our side", "Try again; tell the operator.")
REFUSED = Kind(
    "refused", 400, "the request cannot be answered", "See the status: it is plain HTTP (RFC 9110)."
)

KINDS: Mapping[type[Exception], Kind] = {
    NotFoundError: NOT_FOUND,
    UnknownCallerError: UNKNOWN_CALLER,
    ForbiddenError: FORBIDDEN,
    BadCursorError: MALFORMED,
    FieldError: MALFORMED,
    MediaTypeError: WRONG_MEDIA,
    NotNowError: NOT_NOW,
    NoSuchProposalError: NOT_FOUND,
    TooManyError: TOO_MANY,
    RequestValidationError: MALFORMED,
    ForeignHostError: MISDIRECTED,
    DatabaseUnavailableError: UNAVAILABLE,
    NotReadyError: NOT_READY,
    Exception: INTERNAL,
}
_OF_HTTP = {NOT_FOUND.status: NOT_FOUND, TOO_LARGE.status: TOO_LARGE}
PAGES = {kind.name: kind for kind in (*KINDS.values(), TOO_LARGE, REFUSED)}
# Their words are made for whoever asked.
_OURS = (ApiError, NotNowError, TooManyError)
RETRY_AFTER_S = 2


def install(app: FastAPI) -> None:
    """Let the application answer every error in the one shape."""
    for error, kind in KINDS.items():
        app.add_exception_handler(error, _handler(kind))
    app.add_exception_handler(HTTPException, _answer_http)


def answer(
    kind: Kind,
    detail: str,
    *,
    status: int | None = None,
    errors: Sequence[MalformedPart] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Build the response for one problem."""
    problem = Problem(
        type=f"/problems/{kind.name}",
        title=kind.title,
        status=status or kind.status,
        detail=detail,
        errors=None if errors is None else list(errors),
    )
    more = {"Retry-After": str(RETRY_AFTER_S)} if problem.status == 503 else {}
    return JSONResponse(
        problem.model_dump(exclude_none=True),
        status_code=problem.status,
        headers={**kind.headers, **(headers or {}), **more},
        media_type=MEDIA_TYPE,
    )


def _handler(kind: Kind) -> Callable[[Request, Exception], Awaitable[JSONResponse]]:
    async def handle(_request: Request, error: Exception) -> JSONResponse:
        if isinstance(error, DatabaseUnavailableError):
            log.warning("database_unavailable", extra={"reason": str(error)})
        # Only our own words are told: those of others may repeat what they were given.
        detail = str(error) if isinstance(error, _OURS) else kind.title
        return answer(kind, detail, errors=_malformed_parts(error))

    return handle


def _malformed_parts(error: Exception) -> list[MalformedPart] | None:
    match error:
        case RequestValidationError():
            return [
                MalformedPart(where=".".join(map(str, part["loc"])), text=part["msg"])
                for part in error.errors()
            ]
        case FieldError():
            return [MalformedPart(where=f"body.fields.{error.field}", text=error.reason)]
        case BadCursorError():
            return [MalformedPart(where="query.after", text=str(error))]
        case _:
            return None


async def _answer_http(_request: Request, error: Exception) -> JSONResponse:
    """What the framework itself refuses: unknown paths, wrong methods."""
    if not isinstance(error, HTTPException):
        raise error
    kind = _OF_HTTP.get(error.status_code, REFUSED)
    detail = http.HTTPStatus(error.status_code).phrase.lower()
    return answer(kind, detail, status=error.status_code, headers=error.headers)
