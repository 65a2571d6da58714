"""Where a case was repaired: an operator attests it, and the vehicle shows what came of it."""

from datetime import UTC, datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import ConfigDict, Field

from api import schemas
from api.access import KEYED, Responses, Reviewer
from api.errors import NotFoundError
from api.register.shapes import Asked
from api.routes import Database, check_host
from api.schemas import Problem
from routing.imports.site_fields import ID_LENGTH_MAX
from routing.register.review import REASON_LENGTH_MAX
from storage import outcomes
from storage.outcomes import Repair

router = APIRouter(prefix="/v1/cases", dependencies=[Depends(check_host)], tags=["cases"])
_RULED: Responses = {**KEYED, 409: {"model": Problem}}


class NewRepair(Asked):
    """Where a case was repaired, and what shows it. No name of a person belongs in it."""

    model_config = ConfigDict(
        json_schema_extra=schemas.shown_by(
            {"site": "own:4f1c2a9d03b84e6f", "basis": "invoice of 2026-11-24 seen"}
        )
    )

    site: Annotated[str, Field(min_length=1, max_length=ID_LENGTH_MAX)]
    basis: Annotated[str, Field(min_length=1, max_length=REASON_LENGTH_MAX)]


class RepairShape(schemas.Shape):
    """A repair; `open` while a fault is on, `waiting` until it is known what came of it."""

    case: UUID
    site: str
    basis: str
    attested_by: UUID
    attested_at: datetime
    outcome: Literal["open", "waiting", "held", "came_back"]

    @classmethod
    def of(cls, value: Repair) -> Self:
        """Convert."""
        return cls(
            case=value.case_id,
            site=value.site_id,
            basis=value.basis,
            attested_by=value.attested_by,
            attested_at=value.attested_at,
            outcome=_outcome(value),
        )


@router.put("/{case}/repair", responses=_RULED)
async def put_repair(pool: Database, case: UUID, asked: NewRepair, caller: Reviewer) -> RepairShape:
    """Attest where a case was repaired: at a site that stood on a list of it."""
    repair = Repair(
        case_id=case,
        site_id=asked.site,
        basis=asked.basis,
        attested_by=caller.key_id,
        attested_at=datetime.now(UTC),
    )
    return RepairShape.of(await outcomes.attest(pool, repair))


@router.get("/{case}/repair", responses=KEYED)
async def get_repair(pool: Database, case: UUID, _caller: Reviewer) -> RepairShape:
    """What is attested of a case, and what came of it."""
    repair = await outcomes.find_repair(pool, case)
    if repair is None:
        raise NotFoundError("no repair of this case is attested")
    return RepairShape.of(repair)


@router.delete("/{case}/repair", status_code=204, responses=KEYED)
async def delete_repair(pool: Database, case: UUID, caller: Reviewer) -> None:
    """Take back what was attested by mistake; the log keeps both."""
    await outcomes.withdraw(pool, case, by=caller.key_id, at=datetime.now(UTC))


def _outcome(value: Repair) -> Literal["open", "waiting", "held", "came_back"]:
    match value.outcome:
        case "held":
            return "held"
        case "came_back":
            return "came_back"
        case _:
            return "open" if value.closed_at is None else "waiting"
