"""Reminders that titles end, with what they open and who issues them."""

from datetime import date, datetime
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from api import schemas
from api.access import KEYED, Party
from api.routes import Database, check_host
from routing.competence.catalogue import FALLBACK, in_language, load_catalogue
from storage.register.reminders import Kept, list_reminders

router = APIRouter(prefix="/v1", dependencies=[Depends(check_host)], tags=["self-service"])


class ReminderShape(schemas.Shape):
    """A title that ends.

    `skills` is what it opens, `lost` what the site shows no more without it; `issuer` who issues
    it and `validity` how it is refreshed, in words.
    """

    site: str
    person: int
    scheme: str
    title: str
    ends: date
    ahead_days: int
    made_at: datetime
    skills: list[str]
    lost: list[str]
    issuer: str
    validity: str

    @classmethod
    def of(cls, value: Kept, lang: str) -> Self:
        """Convert."""
        one, catalogue = value.reminder, load_catalogue()
        scheme = catalogue.schemes.get(one.scheme)
        title = catalogue.find_title(one.scheme, one.title)
        return cls(
            site=one.site_id,
            person=one.person,
            scheme=one.scheme,
            title=one.title,
            ends=one.ends,
            ahead_days=one.ahead_days,
            made_at=value.made_at,
            skills=sorted(title.skills) if title else [],
            lost=list(one.lost),
            issuer=in_language(scheme.issuer, lang) if scheme else "",
            validity=in_language(scheme.validity, lang) if scheme else "",
        )


class Reminders(schemas.Shape):
    """Reminders, the newest first."""

    items: list[ReminderShape]


@router.get("/businesses/{business}/reminders", responses=KEYED)
async def get_reminders(
    pool: Database,
    business: UUID,
    _caller: Party,
    lang: Annotated[str, Query(pattern="^[a-z]{2}$", description="Of the words.")] = FALLBACK,
) -> Reminders:
    """Which titles end: said 90, 30 and 7 days ahead, once each."""
    found = await list_reminders(pool, business)
    return Reminders(items=[ReminderShape.of(one, lang) for one in found])
