"""When people and sites are not there, in the business's own word."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import ConfigDict, Field

from api import schemas
from api.access import KEYED, Owner
from api.register.shapes import FIELDS_MAX, Asked
from api.routes import Database, check_host
from api.schemas import Problem
from storage.register.presence import state_presence

router = APIRouter(prefix="/v1", dependencies=[Depends(check_host)], tags=["self-service"])


class NewPresence(Asked):
    """When somebody is not there; without `person`, on which days the whole site is closed.

    The fields are columns of docs/directory.md: `site`, `person`, `hours`, `absences` and
    `employed_until`. What is left out is empty from then on.
    """

    model_config = ConfigDict(
        json_schema_extra=schemas.shown_by(
            {
                "fields": {
                    "site": "own:4f1c2a9d03b84e6f",
                    "person": 1,
                    "absences": ["2026-12-24/2027-01-02"],
                }
            },
            {"fields": {"site": "own:4f1c2a9d03b84e6f", "absences": ["2026-12-24"]}},
        )
    )

    fields: Annotated[dict[str, str | int | list[str]], Field(max_length=FIELDS_MAX)]


@router.put(
    "/businesses/{business}/presence",
    status_code=204,
    responses={**KEYED, 409: {"model": Problem}, 429: {"model": Problem}},
)
async def put_presence(pool: Database, business: UUID, caller: Owner, asked: NewPresence) -> None:
    """State when a person or a site is not there. It counts at once: it can only narrow."""
    await state_presence(
        pool,
        business_id=business,
        fields=asked.fields,
        by=caller.key_id,
        at=datetime.now(UTC),
    )
