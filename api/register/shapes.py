"""The shapes of self-service, converted by hand. What is not known is absent, never null."""

from datetime import date, datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import ConfigDict, Field

from api import schemas
from api.cursors import encode_cursor
from routing.competence.catalogue import load_catalogue
from routing.model import Credential, Evidence, Person, Site
from routing.register.forms import CONTACT_LENGTH_MAX
from routing.register.model import Kind, Ruling, State
from routing.register.review import REASON_LENGTH_MAX
from storage.register.businesses import Business
from storage.register.rows import Decided
from storage.views import Page, Place

DOCUMENTS_MAX = 10
FIELDS_MAX = 40
DIGEST = r"^[0-9a-f]{64}$"
_HERE = "own:4f1c2a9d03b84e6f"

Digest = Annotated[str, Field(pattern=DIGEST, description="SHA-256 of a document that was sent.")]


class Asked(schemas.Shape):
    """A body: what nobody asked for is refused, not passed over."""

    model_config = ConfigDict(extra="forbid")


class NewBusiness(Asked):
    """A business that wants to be found."""

    model_config = ConfigDict(
        json_schema_extra=schemas.shown_by(
            {"name": "Garage 001", "country": "FR", "contact": "desk@garage.example"}
        )
    )

    name: str
    country: Annotated[str, Field(description="ISO 3166-1 alpha-2.")]
    contact: Annotated[
        str, Field(max_length=CONTACT_LENGTH_MAX, description="Where notices go; shown to nobody.")
    ]


class NewProposal(Asked):
    """Something that a business says of itself.

    `fields` are the columns of docs/directory.md: text, numbers, or lists of texts.
    """

    model_config = ConfigDict(
        json_schema_extra=schemas.shown_by(
            {
                "kind": "site",
                "fields": {
                    "name": "Garage 001, east",
                    "lon": 2.3522,
                    "lat": 48.8566,
                    "country": "FR",
                    "equipment": ["hv.tools"],
                    "opening_hours": "Mo-Fr 08:00-18:00",
                },
            },
            {
                "kind": "credential",
                "fields": {
                    "site": _HERE,
                    "person": 1,
                    "scheme": "fr-nf-c-18-550",
                    "title": "BCL",
                    "valid_from": "2025-02-01",
                    "valid_until": "2028-01-31",
                },
                "documents": ["e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
            },
        )
    )

    kind: Kind
    fields: Annotated[dict[str, str | bool | int | float | list[str]], Field(max_length=FIELDS_MAX)]
    documents: Annotated[tuple[Digest, ...], Field(max_length=DOCUMENTS_MAX)] = ()


class NewRuling(Asked):
    """What a reviewer decides."""

    model_config = ConfigDict(
        json_schema_extra=schemas.shown_by(
            {"accept": True, "evidence": "document_seen"},
            {
                "accept": False,
                "about": "valid_until",
                "reason": "The certificate says 2027-01-31; please propose it with that day.",
            },
        )
    )

    accept: bool
    reason: Annotated[str, Field(max_length=REASON_LENGTH_MAX)] = ""
    about: Annotated[
        str, Field(max_length=40, description="The field that the reason is about.")
    ] = ""
    evidence: Annotated[
        Evidence | None, Field(description="How the title is known; for credentials.")
    ] = None

    def ruling(self) -> Ruling:
        """As a value."""
        return Ruling(
            is_accepted=self.accept, reason=self.reason, about=self.about, evidence=self.evidence
        )


class ProposalShape(schemas.Shape):
    """A proposal and what became of it; contact, holder and token are not repeated."""

    proposal: UUID
    business: UUID
    kind: Kind
    fields: dict[str, str]
    documents: list[str]
    state: State
    proposed_at: datetime
    decided_at: datetime | None = None
    reason: str | None = None
    about: str | None = None
    evidence: Evidence | None = None

    @classmethod
    def of(cls, value: Decided) -> Self:
        """Convert."""
        one, ruling = value.proposal, value.ruling
        return cls(
            proposal=one.proposal_id,
            business=one.business_id,
            kind=one.kind,
            fields=dict(one.fields),
            documents=list(one.documents),
            state=one.state,
            proposed_at=one.proposed_at,
            decided_at=value.decided_at,
            reason=(ruling.reason or None) if ruling else None,
            about=(ruling.about or None) if ruling else None,
            evidence=ruling.evidence if ruling else None,
        )


class Proposals(schemas.Shape):
    """A page of proposals, newest first."""

    items: list[ProposalShape]
    after: str | None = None

    @classmethod
    def of(cls, page: Page[Decided]) -> Self:
        """Convert."""
        return cls(items=[ProposalShape.of(item) for item in page.items], after=cursor(page.after))


class RegisteredShape(schemas.Shape):
    """A business that was taken in, with its key, which is shown this once."""

    business: UUID
    proposal: UUID
    key: UUID
    token: str


class TitleShape(schemas.Shape):
    """A title as the directory has it, and the skills that it shows where the site is."""

    scheme: str
    title: str
    valid_from: date
    valid_until: date | None = None
    evidence: Evidence
    revoked: bool
    skills: list[str]

    @classmethod
    def of(cls, value: Credential, country: str) -> Self:
        """Convert."""
        catalogue = load_catalogue()
        title = catalogue.find_title(value.scheme, value.title)
        counts = catalogue.is_valid_in(value.scheme, value.title, country)
        return cls(
            scheme=value.scheme,
            title=value.title,
            valid_from=value.valid_from,
            valid_until=value.valid_until,
            evidence=value.evidence,
            revoked=value.is_revoked or value.revoked_on is not None,
            skills=sorted(title.skills) if title is not None and counts else [],
        )


class PersonShape(schemas.Shape):
    """A person as the directory has them: a number."""

    person: int
    employed_from: date | None = None
    employed_until: date | None = None
    hours: str | None = None
    absences: list[list[date]]
    titles: list[TitleShape]

    @classmethod
    def of(cls, value: Person, country: str) -> Self:
        """Convert."""
        return cls(
            person=value.number,
            employed_from=value.employed_from,
            employed_until=value.employed_until,
            hours=value.hours,
            absences=[[absence.first, absence.last] for absence in value.absences],
            titles=[TitleShape.of(one, country) for one in value.credentials],
        )


class SiteShape(schemas.Shape):
    """A site as the directory has it."""

    site: str
    name: str
    country: str
    pos: list[float]
    opening_hours: str | None = None
    people: list[PersonShape]

    @classmethod
    def of(cls, value: Site) -> Self:
        """Convert."""
        return cls(
            site=value.site_id,
            name=value.name,
            country=value.country,
            pos=[value.position.lon_deg, value.position.lat_deg],
            opening_hours=value.opening_hours,
            people=[PersonShape.of(person, value.country) for person in value.people],
        )


class BusinessShape(schemas.Shape):
    """A business and the ids of its sites."""

    business: UUID
    name: str
    country: str
    state: State
    registered_at: datetime
    sites: list[str]

    @classmethod
    def of(cls, value: Business) -> Self:
        """Convert; the contact goes to nobody."""
        return cls(
            business=value.business_id,
            name=value.name,
            country=value.country,
            state=value.state,
            registered_at=value.registered_at,
            sites=list(value.sites),
        )


class BusinessDetail(BusinessShape):
    """A business with all that is known of it, to itself and to reviewers."""

    contact: str
    detail: list[SiteShape]

    @classmethod
    def whole(cls, value: Business, sites: list[Site]) -> Self:
        """Convert."""
        return cls(
            **BusinessShape.of(value).model_dump(),
            contact=value.contact,
            detail=[SiteShape.of(site) for site in sites],
        )


class Businesses(schemas.Shape):
    """A page of businesses, the last registered first."""

    items: list[BusinessShape]
    after: str | None = None

    @classmethod
    def of(cls, page: Page[Business]) -> Self:
        """Convert."""
        return cls(items=[BusinessShape.of(item) for item in page.items], after=cursor(page.after))


class EventsShape(schemas.Shape):
    """What was decided, the newest first; `before` asks for what came before."""

    items: list[dict[str, Any]]
    before: int | None = None


class DocumentShape(schemas.Shape):
    """A document that is kept, by its SHA-256."""

    document: str
    media_type: str
    bytes: int


def cursor(place: Place | None) -> str | None:
    """The place as text."""
    return None if place is None else encode_cursor(place)
