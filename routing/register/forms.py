"""Reads what a business says, by the rules that hold for files: there are no others.

fields as JSON ─▶ cells, as a line of a file has them ─▶ the readers of `routing.imports`
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from routing.competence.catalogue import Catalogue, load_catalogue
from routing.imports import credentials, people, site_fields
from routing.imports.findings import FieldError
from routing.imports.geojson import cell_of
from routing.model import Absence, Credential, Evidence, Person, Site
from routing.register.model import Kind

CELL_LENGTH_MAX = 40_000
TOKEN_LENGTH_MAX = 16_000
HOLDER_LENGTH_MAX = 300
CONTACT_LENGTH_MAX = 200

_PERSON = ("site", "person")
# What a business may say; how well a title is known and whether it is revoked is not for it to say.
FIELDS: Mapping[Kind, Collection[str]] = {
    Kind.BUSINESS: ("name", "country", "contact"),
    Kind.SITE: (*site_fields.REQUIRED, *site_fields.OPTIONAL),
    Kind.PERSON: (*_PERSON, "employer", "employed_from", "holder"),
    Kind.CREDENTIAL: (
        *(field for field in credentials.REQUIRED if field != "evidence"),
        *("employer", "edition", "scope"),
    ),
    Kind.SIGNED_CREDENTIAL: (*_PERSON, "token"),
}
# What narrows an offer counts at once; widening it beyond what was accepted is out of its reach.
PRESENCE = (*_PERSON, "employed_until", "hours", "absences")
# These are kept out of the history.
PRIVATE = frozenset({"contact", "holder", "token"})

_YES_NO = {True: "yes", False: "no"}
_HOLDER = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class Named:
    """A business as it names itself."""

    name: str
    country: str
    contact: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Employed:
    """A person as one of a site's.

    Attributes:
        person: Number, employer and first day are stated, the rest is not.
        holder: The subject of their signed credentials; empty if they have none.
    """

    site_id: str
    person: Person
    holder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A title of somebody at a site."""

    site_id: str
    person: int
    credential: Credential


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """When somebody is not there.

    Attributes:
        person: Number, hours and last day are stated; None for the whole site.
    """

    site_id: str
    person: Person | None
    absences: tuple[Absence, ...]


def cells(fields: Mapping[str, object], known: Collection[str]) -> dict[str, str]:
    """The fields as the cells of a line; those that are empty are left out.

    Raises:
        FieldError: For a field that nobody knows, or one that no cell could hold.
    """
    found: dict[str, str] = {}
    for field, value in fields.items():
        if field not in known:
            raise FieldError(field[:40], f"unknown; known are {', '.join(known)}")
        length_max = TOKEN_LENGTH_MAX if field == "token" else CELL_LENGTH_MAX
        text = _YES_NO[value] if isinstance(value, bool) else cell_of(value)
        if text is None:
            raise FieldError(field, "expected text, a number or a list of texts")
        text = text.strip()
        if len(text) > length_max or not text.isprintable():
            raise FieldError(field, f"expected at most {length_max} printable characters")
        if text:
            found[field] = text
    return found


def read_business(record: Mapping[str, str]) -> Named:
    """A business.

    Raises:
        FieldError: For the first field that cannot be read; likewise below.
    """
    contact = record.get("contact", "")
    if not 3 <= len(contact) <= CONTACT_LENGTH_MAX:
        raise FieldError("contact", "expected how notices reach the business, such as an address")
    return Named(
        name=site_fields.parse_name(record.get("name", "")),
        country=site_fields.parse_country(record.get("country", "")),
        contact=contact,
    )


def read_site(record: Mapping[str, str]) -> Site:
    """A site without people; what would be repaired in a file is to be sent as it is meant."""
    site, repairs = site_fields.parse_site(record, country=None)
    if repairs:
        raise FieldError("service_area", f"it would have to be changed: {'; '.join(repairs)}")
    return site


def read_person(record: Mapping[str, str]) -> Employed:
    """A person with what is to be reviewed: for whom they work, and who they are to an issuer."""
    holder = record.get("holder", "")
    if holder and (len(holder) > HOLDER_LENGTH_MAX or not _HOLDER.fullmatch(holder)):
        raise FieldError("holder", "expected the id of a credential's subject, without blanks")
    return Employed(
        site_id=site_fields.parse_site_id(record.get("site", "")),
        person=people.parse_employment(record),
        holder=holder,
    )


def read_presence(record: Mapping[str, str]) -> Presence:
    """When somebody is there; without a person, on which days the whole site is closed."""
    site_id = site_fields.parse_site_id(record.get("site", ""))
    if "person" in record:
        person = people.parse_employment(record)
        return Presence(site_id=site_id, person=person, absences=person.absences)
    for field in ("hours", "employed_until"):
        if field in record:
            raise FieldError(field, "this is said of a person: name one")
    anybody = people.parse_employment({**record, "person": "1"})
    return Presence(site_id=site_id, person=None, absences=anybody.absences)


def read_credential(
    record: Mapping[str, str],
    held: Sequence[Credential] = (),
    *,
    catalogue: Catalogue | None = None,
) -> Held:
    """A title, as declared.

    Args:
        record: Its fields.
        held: What the person holds already; the same title from the same day may be said again.
        catalogue: The schemes; those that come with the program if None.
    """
    declared = {**record, "evidence": Evidence.DECLARED.value}
    first = record.get("valid_from", "")
    others = [
        one
        for one in held
        if (one.scheme, one.title, one.valid_from.isoformat())
        != (record.get("scheme"), record.get("title"), first)
    ]
    return Held(
        site_id=site_fields.parse_site_id(record.get("site", "")),
        person=credentials.parse_person(record),
        credential=credentials.parse_credential(declared, catalogue or load_catalogue(), others),
    )


def read_signed(record: Mapping[str, str]) -> tuple[str, int, str]:
    """Site, person and the token that is to be verified."""
    token = record.get("token", "")
    if not token:
        raise FieldError("token", "expected a credential as a compact JWS")
    site_id = site_fields.parse_site_id(record.get("site", ""))
    return site_id, credentials.parse_person(record), token


def check_title_day(held: Held, *, today: date) -> None:
    """A title that is over when it is proposed is a mistake, most likely of the year.

    Raises:
        FieldError: If it is.
    """
    until = held.credential.valid_until
    if until is not None and until < today:
        raise FieldError("valid_until", f"{until} is over")
