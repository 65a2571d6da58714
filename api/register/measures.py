"""Suspension and removal: a reviewer gives notice, the business replies, a reviewer rules."""

from datetime import UTC, datetime
from typing import Annotated, Self
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, ConfigDict, Field

from api import schemas
from api.access import KEYED, Owner, Party, Responses, Reviewer
from api.errors import NotFoundError
from api.register.shapes import Asked
from api.routes import Database, check_host
from api.schemas import Problem
from routing.imports.site_fields import ID_LENGTH_MAX
from routing.register.measures import Cause, Measure, MeasureKind, Standing, earliest
from routing.register.review import REASON_LENGTH_MAX
from storage.register import measures

router = APIRouter(prefix="/v1", dependencies=[Depends(check_host)], tags=["self-service"])
_RULED: Responses = {**KEYED, 409: {"model": Problem}}

Text = Annotated[str, Field(max_length=REASON_LENGTH_MAX)]


class NewMeasure(Asked):
    """A notice; without `site` about the whole business. No name of a person belongs in it."""

    model_config = ConfigDict(
        json_schema_extra=schemas.shown_by(
            {
                "kind": "removed",
                "cause": "evidence",
                "reason": "The register of the issuer does not know the certificate of person 1.",
                "site": "own:4f1c2a9d03b84e6f",
            },
            {
                "kind": "suspended",
                "cause": "safety",
                "basis": "work on high voltage without lock-out, reported on 2026-11-20",
                "reason": "We stop recommending the site until this is explained.",
            },
        )
    )

    kind: MeasureKind
    cause: Cause
    reason: Text
    basis: Annotated[Text, Field(description="Which danger, law or authority; if at once.")] = ""
    site: Annotated[str | None, Field(max_length=ID_LENGTH_MAX)] = None
    effective_at: Annotated[
        AwareDatetime | None, Field(description="The earliest that is allowed if absent.")
    ] = None


class NewReply(Asked):
    """What the business has to say."""

    model_config = ConfigDict(
        json_schema_extra=schemas.shown_by({"text": "The register was changed on 1 November."})
    )

    text: Text


class NewMeasureRuling(Asked):
    """What a reviewer decides, having heard the business."""

    model_config = ConfigDict(
        json_schema_extra=schemas.shown_by({"uphold": False, "reason": "The register knows it."})
    )

    uphold: bool
    reason: Text


class MeasureShape(schemas.Shape):
    """A measure as it stands; `begins_at` is absent while it is not certain to take effect."""

    measure: UUID
    business: UUID
    site: str | None = None
    kind: MeasureKind
    cause: Cause
    reason: str
    basis: str | None = None
    standing: Standing
    noticed_at: datetime
    effective_at: datetime
    begins_at: datetime | None = None
    reply: str | None = None
    replied_at: datetime | None = None
    ruling: str | None = None
    ended_at: datetime | None = None

    @classmethod
    def of(cls, value: Measure, at: datetime) -> Self:
        """Convert."""
        return cls(
            measure=value.measure_id,
            business=value.business_id,
            site=value.site_id,
            kind=value.kind,
            cause=value.cause,
            reason=value.reason,
            basis=value.basis or None,
            standing=value.standing(at),
            noticed_at=value.noticed_at,
            effective_at=value.effective_at,
            begins_at=value.begins_at,
            reply=value.reply or None,
            replied_at=value.replied_at,
            ruling=value.ruling or None,
            ended_at=value.ended_at,
        )


class Measures(schemas.Shape):
    """Measures, the newest first."""

    items: list[MeasureShape]


@router.post(
    "/businesses/{business}/measures",
    status_code=201,
    response_model_exclude_none=True,
    responses=_RULED,
)
async def give_notice(
    pool: Database, business: UUID, caller: Reviewer, asked: NewMeasure
) -> MeasureShape:
    """Give notice: 7 days before a suspension, 30 before a removal; at once for danger or law."""
    now = datetime.now(UTC)
    measure = Measure(
        measure_id=uuid4(),
        business_id=business,
        site_id=asked.site,
        kind=asked.kind,
        cause=asked.cause,
        reason=asked.reason,
        basis=asked.basis,
        noticed_at=now,
        effective_at=asked.effective_at or earliest(asked.kind, asked.cause, at=now),
    )
    return MeasureShape.of(await measures.give_notice(pool, measure, by=caller.key_id), now)


@router.get("/businesses/{business}/measures", response_model_exclude_none=True, responses=KEYED)
async def get_measures(pool: Database, business: UUID, _caller: Party) -> Measures:
    """What is or was done against a business, the newest first."""
    now = datetime.now(UTC)
    found = await measures.list_measures(pool, business)
    return Measures(items=[MeasureShape.of(one, now) for one in found])


@router.get(
    "/businesses/{business}/measures/{measure}", response_model_exclude_none=True, responses=KEYED
)
async def get_measure(
    pool: Database, business: UUID, measure: UUID, _caller: Party
) -> MeasureShape:
    """One of them."""
    found = await measures.find_measure(pool, business, measure)
    if found is None:
        raise NotFoundError("there is no such measure")
    return MeasureShape.of(found, datetime.now(UTC))


@router.post(
    "/businesses/{business}/measures/{measure}/reply",
    response_model_exclude_none=True,
    responses=_RULED,
)
async def reply_to_notice(
    pool: Database, business: UUID, measure: UUID, caller: Owner, asked: NewReply
) -> MeasureShape:
    """Say what the business has to say; until the measure is over."""
    now = datetime.now(UTC)
    done = await measures.reply(
        pool,
        business_id=business,
        measure_id=measure,
        said=measures.Said(asked.text, caller.key_id, now),
    )
    return MeasureShape.of(done, now)


@router.post(
    "/businesses/{business}/measures/{measure}/ruling",
    response_model_exclude_none=True,
    responses=_RULED,
)
async def rule_on_measure(
    pool: Database, business: UUID, measure: UUID, caller: Reviewer, asked: NewMeasureRuling
) -> MeasureShape:
    """Uphold a measure, having the reply or after the time for one; or end it. With a reason."""
    now = datetime.now(UTC)
    rule = measures.uphold if asked.uphold else measures.end
    done = await rule(
        pool,
        business_id=business,
        measure_id=measure,
        said=measures.Said(asked.reason, caller.key_id, now),
    )
    return MeasureShape.of(done, now)
