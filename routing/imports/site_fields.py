"""Reads the fields of one repairer, whatever form of file they came in.

The fields are those of docs/directory.md. Lists are separated by semicolons.
"""

import math
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from dtc_db.vehicle import VehicleClass
from routing.directory.opening import is_readable
from routing.imports.findings import FieldError, Finding, Row
from routing.imports.makes import make_of
from routing.model import Position, Site

REQUIRED = ("site", "name", "lon", "lat")
OPTIONAL = ("country", "vehicle_classes", "makes", "equipment", "access", "opening_hours")
ID_LENGTH_MAX = 100
NAME_LENGTH_MAX = 200
LIST_LENGTH_MAX = 50

_ID = re.compile(r"[!-~]+")  # printable ASCII without blanks
_COUNTRY = re.compile(r"[A-Z]{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteFile:
    """The repairers of a file.

    Attributes:
        sites: Each id once, in the order of the file.
        findings: What was refused, skipped or repaired, in the order of the file.
    """

    sites: tuple[Site, ...]
    findings: tuple[Finding, ...]


def gather_sites(rows: Iterable[Row], *, country: str | None) -> SiteFile:
    """Read a site from every row; a row that cannot be read becomes a finding."""
    sites: dict[str, Site] = {}
    findings: list[Finding] = []
    for where, record in rows:
        try:
            site = parse_site(_readable(record), country=country)
        except FieldError as error:
            findings.append(error.at(where))
            continue
        if site.site_id in sites:
            twice = FieldError("site", f"{site.site_id} stands in this file twice")
            findings.append(twice.at(where))
        sites.setdefault(site.site_id, site)
    return SiteFile(sites=tuple(sites.values()), findings=tuple(findings))


def parse_site(record: Mapping[str, str], *, country: str | None) -> Site:
    """Read a site from texts by field name; fields that are empty count as absent.

    Args:
        record: What the row or feature says.
        country: Where sites lie that do not say; None if they must.

    Raises:
        FieldError: For the first field that cannot be read.
    """
    makes = frozenset(make_of(make) for make in _list(record, "makes"))
    return Site(
        site_id=parse_site_id(record.get("site", "")),
        name=parse_name(record.get("name", "")),
        position=_position(record),
        country=parse_country(record.get("country") or country or ""),
        vehicle_classes=frozenset(_classes(record)),
        makes=makes,
        equipment=_words(record, "equipment"),
        access=_words(record, "access"),
        opening_hours=_hours(record),
    )


def parse_site_id(text: str) -> str:
    """An external id: printable ASCII without blanks."""
    if not _ID.fullmatch(text) or len(text) > ID_LENGTH_MAX:
        raise FieldError(
            "site", f"expected 1 to {ID_LENGTH_MAX} printable characters without blanks"
        )
    return text


def parse_name(text: str) -> str:
    """A name that fits on a line."""
    name = " ".join(text.split())
    if not name or len(name) > NAME_LENGTH_MAX or not name.isprintable():
        raise FieldError("name", f"expected 1 to {NAME_LENGTH_MAX} printable characters")
    return name


def parse_country(text: str) -> str:
    """ISO 3166-1 alpha-2, which decides whose titles count."""
    country = text.strip().upper()
    if not _COUNTRY.fullmatch(country):
        raise FieldError(
            "country", "expected two letters such as FR, in the file or by the option --country"
        )
    return country


def parse_position(lon: float, lat: float) -> Position:
    """A place on earth, or a refusal that names the field."""
    if not (math.isfinite(lon) and -180 <= lon <= 180):
        raise FieldError("lon", "expected a longitude from -180 to 180")
    if not (math.isfinite(lat) and -90 <= lat <= 90):
        raise FieldError("lat", "expected a latitude from -90 to 90")
    return Position(lon_deg=lon, lat_deg=lat)


def _readable(record: Mapping[str, str] | FieldError) -> Mapping[str, str]:
    if isinstance(record, FieldError):
        raise record
    return record


@cache
def vocabulary(table: str) -> frozenset[str]:
    """The words for ``equipment``, ``access`` or ``skills`` that needs are written in."""
    content = resources.files("dtc_db.data").joinpath("skills.toml").read_text("utf-8")
    return frozenset(tomllib.loads(content)[table])


def _position(record: Mapping[str, str]) -> Position:
    degrees = []
    for field in ("lon", "lat"):
        text = record.get(field, "").strip()
        try:
            degrees.append(float(text))
        except ValueError:
            raise FieldError(field, f"expected degrees such as 9.52, got {text!r:.40}") from None
    return parse_position(*degrees)


def _classes(record: Mapping[str, str]) -> list[VehicleClass]:
    known = [one for one in VehicleClass if one is not VehicleClass.UNKNOWN]
    words = _list(record, "vehicle_classes")
    for word in words:
        if word not in known:
            raise FieldError(
                "vehicle_classes", f"expected words of {', '.join(known)}, got {word!r:.40}"
            )
    return [VehicleClass(word) for word in words]


def _words(record: Mapping[str, str], field: str) -> frozenset[str]:
    """Words of the vocabulary; access may name the make it is for, as ``word:make``."""
    words = set()
    for entry in _list(record, field):
        word, colon, make = entry.partition(":")
        if word not in vocabulary(field) or (colon and field != "access"):
            known = ", ".join(sorted(vocabulary(field)))
            raise FieldError(field, f"expected words of {known}, got {entry!r:.40}")
        words.add(f"{word}:{make_of(make)}" if colon else word)
    return frozenset(words)


def _list(record: Mapping[str, str], field: str) -> list[str]:
    entries = [entry.strip().lower() for entry in record.get(field, "").split(";")]
    entries = [entry for entry in entries if entry]
    if len(entries) > LIST_LENGTH_MAX:
        raise FieldError(field, f"expected at most {LIST_LENGTH_MAX} entries, got {len(entries)}")
    return entries


def _hours(record: Mapping[str, str]) -> str | None:
    hours = record.get("opening_hours", "").strip()
    if hours and not is_readable(hours):
        raise FieldError(
            "opening_hours",
            f"expected hours such as Mo-Fr 08:00-18:00 in OpenStreetMap's form, got {hours!r:.60}",
        )
    return hours or None
