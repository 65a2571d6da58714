"""Who calls: a bearer token (RFC 6750), and what it opens.

no key, or none that counts   401
a key of another role         403
what belongs to another       404, as what does not exist
"""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api import schemas
from api.errors import ForbiddenError, NotFoundError, UnknownCallerError
from api.routes import Database, check_host
from storage.register.access import Caller, Role, find_caller

_bearer = HTTPBearer(
    auto_error=False,
    scheme_name="key",
    description="`rbk_…`, as registering or `rightbay keys` gave it.",
)
Sent = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


async def find_optional_caller(pool: Database, sent: Sent) -> Caller | None:
    """Who calls; None without a key.

    Raises:
        UnknownCallerError: A key that does not count is no better than none, and is said to be.
    """
    if sent is None:
        return None
    found = await find_caller(pool, sent.credentials)
    if found is None:
        raise UnknownCallerError("the key is unknown, or was revoked")
    return found


OptionalCaller = Annotated[Caller | None, Depends(find_optional_caller)]


async def get_caller(caller: OptionalCaller) -> Caller:
    """Who calls.

    Raises:
        UnknownCallerError: If the request does not say.
    """
    if caller is None:
        raise UnknownCallerError("expected `Authorization: Bearer` and a key")
    return caller


AnyCaller = Annotated[Caller, Depends(get_caller)]


async def get_reviewer(caller: AnyCaller) -> Caller:
    """A reviewer.

    Raises:
        ForbiddenError: If it is somebody else.
    """
    if caller.role is not Role.REVIEWER:
        raise ForbiddenError("expected a reviewer's key")
    return caller


async def get_party(business: UUID, caller: AnyCaller) -> Caller:
    """The business that the path names, or a reviewer.

    Raises:
        NotFoundError: If it is another business: it learns nothing of this one.
    """
    if caller.role is not Role.REVIEWER and caller.business_id != business:
        raise NotFoundError("there is no such business")
    return caller


async def get_owner(business: UUID, caller: AnyCaller) -> Caller:
    """The business that the path names, and nobody else: reviewers put no words in its mouth.

    Raises:
        NotFoundError: If it is another business.
        ForbiddenError: If it is a reviewer.
    """
    if caller.role is Role.REVIEWER:
        raise ForbiddenError("expected a key of the business")
    return await get_party(business, caller)


Reviewer = Annotated[Caller, Depends(get_reviewer)]
Party = Annotated[Caller, Depends(get_party)]
Owner = Annotated[Caller, Depends(get_owner)]

type Responses = dict[int | str, dict[str, Any]]
KEYED: Responses = {status: {"model": schemas.Problem} for status in (401, 403, 404)}

router = APIRouter(prefix="/v1", dependencies=[Depends(check_host)], tags=["self-service"])


class KeyShape(schemas.Shape):
    """What a key is good for."""

    key: UUID
    role: Role
    business: UUID | None = None


@router.get("/key", response_model_exclude_none=True, responses={401: KEYED[401]})
async def get_key(caller: AnyCaller) -> KeyShape:
    """What the key that was sent is good for."""
    return KeyShape(key=caller.key_id, role=caller.role, business=caller.business_id)
