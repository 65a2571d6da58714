"""Reads the fields of one repairer, whatever form of file they came in.

The fields are those of docs/directory.md. Lists are separated by semicolons.
"""

import math
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources

from dtc_db.vehicle import VehicleClass
from routing.directory.opening import is_readable
from routing.imports.absences import parse_absences
from routing.imports.findings import FieldError, Finding, Row, Verdict
from routing.imports.makes import make_of
from routing.imports.rates import parse_rates
from routing.imports.service_area import parse_service_area
from routing.model import Absence, HourlyRate, Position, ServiceArea, Site

REQUIRED = ("site", "name", "lon", "lat")
OPTIONAL = (
    "country",
    "vehicle_classes",
    "makes",
    "equipment",
    "access",
    "opening_hours",
    "absences",
    "service_area",
    "van",
    "cases_per_day",
    "hourly_rates",
    "languages",
    "networks",
    "insurers",
    "replacement_car",
)
CLAIMS = frozenset({"van", "replacement_car"})  # yes or no
ID_LENGTH_MAX = 100
NAME_LENGTH_MAX = 200
LIST_LENGTH_MAX = 50
WORD_LENGTH_MAX = 80
CASES_PER_DAY_MAX = 1_000

_ID = re.compile(r"[!-~]+")  # printable ASCII without blanks
_COUNTRY = re.compile(r"[A-Z]{2}")
_LANGUAGE = re.compile(r"[a-z]{2,3}")
YES_NO = {"yes": True, "no": False}

type Repairs = tuple[str, ...]  # of a service area, in words: nothing else of a record is repaired


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteFile:
    """The repairers of a file.

    Attributes:
        sites: Each id once, in the order of the file.
        findings: What was refused, skipped or repaired, in the order of the file.
        refused: Ids that stand in refused rows: whoever names one of them elsewhere is not wrong.
    """

    sites: tuple[Site, ...]
    findings: tuple[Finding, ...]
    refused: frozenset[str] = frozenset()


def gather_sites(rows: Iterable[Row], *, country: str | None) -> SiteFile:
    """Read a site from every row; a row that cannot be read becomes a finding."""
    sites: dict[str, Site] = {}
    findings: list[Finding] = []
    refused: set[str] = set()
    for where, record in rows:
        try:
            site, repairs = parse_site(_readable(record), country=country)
        except FieldError as error:
            findings.append(error.at(where))
            refused.update(() if isinstance(record, FieldError) else (record.get("site", ""),))
            continue
        findings += [
            Finding(verdict=Verdict.REPAIRED, where=where, field="service_area", reason=reason)
            for reason in repairs
        ]
        if site.site_id in sites:
            twice = FieldError("site", f"{site.site_id} stands in this file twice")
            findings.append(twice.at(where))
        sites.setdefault(site.site_id, site)
    return SiteFile(
        sites=tuple(sites.values()), findings=tuple(findings), refused=frozenset(refused)
    )


def parse_site(record: Mapping[str, str], *, country: str | None) -> tuple[Site, Repairs]:
    """Read a site from texts by field name; fields that are empty count as absent.

    Args:
        record: What the row or feature says.
        country: Where sites lie that do not say; None if they must.

    Returns:
        The site, and what had to be repaired.

    Raises:
        FieldError: For the first field that cannot be read.
    """
    makes = frozenset(make_of(make) for make in _list(record, "makes"))
    site = Site(
        site_id=parse_site_id(record.get("site", "")),
        name=parse_name(record.get("name", "")),
        position=_position(record),
        country=parse_country(record.get("country") or country or ""),
        vehicle_classes=frozenset(_classes(record)),
        makes=makes,
        equipment=_words(record, "equipment"),
        access=_words(record, "access"),
        opening_hours=_hours(record),
        absences=_absences(record),
        cases_per_day=_cases_per_day(record),
        hourly_rates=_rates(record),
        languages=_languages(record),
        networks=_names(record, "networks"),
        insurers=_names(record, "insurers"),
        has_replacement_car=_yes_no(record, "replacement_car"),
    )
    area, repairs = _service_area(record, site.position)
    is_van = _yes_no(record, "van") or False
    if is_van and area is None:
        raise FieldError("service_area", "a van needs one, because no vehicle can come to it")
    return replace(site, service_area=area, is_van=is_van), repairs


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


def _absences(record: Mapping[str, str]) -> tuple[Absence, ...]:
    try:
        return parse_absences(record.get("absences", ""))
    except ValueError as error:
        raise FieldError("absences", str(error)) from error


def _service_area(record: Mapping[str, str], site: Position) -> tuple[ServiceArea | None, Repairs]:
    text = record.get("service_area", "").strip()
    if not text:
        return None, ()
    try:
        return parse_service_area(text, site)
    except ValueError as error:
        raise FieldError("service_area", str(error)) from error


def _cases_per_day(record: Mapping[str, str]) -> int | None:
    text = record.get("cases_per_day", "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and int(text[:9]) <= CASES_PER_DAY_MAX):
        raise FieldError(
            "cases_per_day", f"expected a number from 0 to {CASES_PER_DAY_MAX}, got {text!r:.40}"
        )
    return int(text)


def _rates(record: Mapping[str, str]) -> tuple[HourlyRate, ...]:
    try:
        return parse_rates(record.get("hourly_rates", ""))
    except ValueError as error:
        raise FieldError("hourly_rates", str(error)) from error


def _languages(record: Mapping[str, str]) -> frozenset[str]:
    words = _list(record, "languages")
    for word in words:
        if not _LANGUAGE.fullmatch(word):
            raise FieldError(
                "languages", f"expected codes of ISO 639 such as fr;de, got {word!r:.40}"
            )
    return frozenset(words)


def _names(record: Mapping[str, str], field: str) -> frozenset[str]:
    """Names of networks and the like, so that who lists them may write them in other letters."""
    names = [" ".join(entry.split()) for entry in _list(record, field)]
    for name in names:
        if len(name) > WORD_LENGTH_MAX or not name.isprintable():
            raise FieldError(field, f"expected at most {WORD_LENGTH_MAX} printable characters each")
    return frozenset(names)


def _yes_no(record: Mapping[str, str], field: str) -> bool | None:
    text = record.get(field, "").strip().lower()
    if text and text not in YES_NO:
        raise FieldError(field, f"expected yes or no, got {text!r:.40}")
    return YES_NO.get(text)
