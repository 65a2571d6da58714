"""Documents that are to prove something: kept as they came, by their digest, never read."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Path, Request, Response

from api.access import KEYED, Owner, Party
from api.errors import MediaTypeError, NotFoundError
from api.register import shapes
from api.routes import Database, check_host
from api.schemas import Problem
from storage.register.documents import find_document, keep_document

router = APIRouter(prefix="/v1", dependencies=[Depends(check_host)], tags=["self-service"])

MEDIA_TYPES = ("application/pdf", "image/jpeg", "image/png")
# A browser that is handed one saves it, and runs nothing in it.
_HEADERS = {
    "Content-Disposition": "attachment",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, no-store",
}
_FILES = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in MEDIA_TYPES}


@router.post(
    "/businesses/{business}/documents",
    status_code=201,
    responses={**KEYED, 409: {"model": Problem}, 415: {"model": Problem}},
    openapi_extra={"requestBody": {"required": True, "content": _FILES}},
)
async def send_document(
    pool: Database,
    business: UUID,
    _caller: Owner,
    request: Request,
    content_type: Annotated[str, Header(include_in_schema=False)] = "",
) -> shapes.DocumentShape:
    """Keep a document, at most 5 MiB of PDF, JPEG or PNG, so that a proposal can name it."""
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type not in MEDIA_TYPES:
        raise MediaTypeError(f"expected one of {', '.join(MEDIA_TYPES)}")
    content = await request.body()
    digest = await keep_document(
        pool,
        business_id=business,
        media_type=media_type,
        content=content,
        at=datetime.now(UTC),
    )
    return shapes.DocumentShape(document=digest, media_type=media_type, bytes=len(content))


@router.get(
    "/businesses/{business}/documents/{document}",
    responses={**KEYED, 200: {"description": "As it came.", "content": _FILES}},
    response_class=Response,
)
async def get_document(
    pool: Database,
    business: UUID,
    document: Annotated[str, Path(pattern=shapes.DIGEST)],
    _caller: Party,
) -> Response:
    """A document, as it came."""
    found = await find_document(pool, business, document)
    if found is None:
        raise NotFoundError("there is no such document, or no longer")
    return Response(found.content, media_type=found.media_type, headers=_HEADERS)
