"""Reads repairers from schema.org JSON-LD: things of type ``AutoRepair``, wherever they stand.

One object, a list, an ``@graph``, or any of these nested: what a garage's own page says of it. The
id is ``@id`` or else the address of its page. Of what schema.org says, identity, place, country,
brands, hours and what the place offers are taken; it knows no competence.
https://schema.org/AutoRepair
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from routing.errors import UnreadableFileError
from routing.imports.csv_file import ROWS_MAX
from routing.imports.findings import FieldError, Row
from routing.imports.geojson import FILE_BYTES_MAX
from routing.imports.jsonld_offers import listed, name_of, offered, text
from routing.imports.site_fields import SiteFile, gather_sites

REPAIRERS = frozenset({"AutoRepair", "MotorcycleRepair"})
_DAYS = {
    "monday": "Mo",
    "tuesday": "Tu",
    "wednesday": "We",
    "thursday": "Th",
    "friday": "Fr",
    "saturday": "Sa",
    "sunday": "Su",
    "publicholidays": "PH",
}


def read_sites(path: Path, *, country: str | None = None) -> SiteFile:
    """Read repairers from a JSON-LD document.

    Args:
        path: The file.
        country: Where sites lie that do not say.

    Raises:
        UnreadableFileError: If it is no JSON.
    """
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise UnreadableFileError(f"{path}: larger than {FILE_BYTES_MAX} bytes; split the file")
        found = [*_repairers(json.loads(path.read_bytes()))]
    except OSError as error:
        raise UnreadableFileError(f"{path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise UnreadableFileError(f"{path}: not JSON: {error}") from error
    if len(found) > ROWS_MAX:
        raise UnreadableFileError(f"{path}: more than {ROWS_MAX} repairers; split the file")
    return gather_sites(map(_row, range(1, len(found) + 1), found), country=country)


def _repairers(document: object) -> Iterator[Mapping[str, object]]:
    match document:
        case [*parts]:
            for part in parts:
                yield from _repairers(part)
        case dict():
            if REPAIRERS & set(_texts(document.get("@type"))):
                yield document
            for value in document.values():
                if isinstance(value, dict | list):
                    yield from _repairers(value)
        case _:
            return


def _row(number: int, thing: Mapping[str, object]) -> Row:
    where = f"repairer {number}"
    try:
        return where, _record(thing)
    except FieldError as error:
        return where, error


def _record(thing: Mapping[str, object]) -> dict[str, str]:
    geo, address = thing.get("geo"), thing.get("address")
    place = geo if isinstance(geo, dict) else thing
    lon, lat = text(place.get("longitude")), text(place.get("latitude"))
    types = set(_texts(thing.get("@type")))
    country = address.get("addressCountry") if isinstance(address, dict) else None
    if isinstance(country, dict):
        country = country.get("name")
    return {
        "site": text(thing.get("@id")) or text(thing.get("url")),
        "name": text(thing.get("name")),
        "lon": lon,
        "lat": lat,
        "country": text(country),
        "vehicle_classes": "motorcycle" if types & REPAIRERS == {"MotorcycleRepair"} else "",
        "access": ";".join(
            f"make.diagnostics:{brand}"
            for brand in map(name_of, listed(thing.get("brand")))
            if brand and ";" not in brand
        ),
        "opening_hours": _hours(thing),
        **offered(thing, lon=lon, lat=lat),
    }


def _hours(thing: Mapping[str, object]) -> str:
    """In OpenStreetMap's grammar, of which schema.org's short form is a part."""
    specified = listed(thing.get("openingHoursSpecification"))
    if specified:
        return "; ".join(map(_specification, specified))
    return "; ".join(_texts(thing.get("openingHours")))


def _specification(one: object) -> str:
    if not isinstance(one, dict):
        raise FieldError("openingHoursSpecification", "expected an object")
    if one.get("validFrom") or one.get("validThrough"):
        raise FieldError("openingHoursSpecification", "seasons are not read; state usual hours")
    days = [word.rpartition("/")[2].lower() for word in _texts(one.get("dayOfWeek"))]
    opens, closes = (text(one.get(name))[:5] for name in ("opens", "closes"))
    unknown = [day for day in days if day not in _DAYS]
    if unknown or not days:
        raise FieldError("openingHoursSpecification", f"expected days such as Monday, got {days}")
    hours = "off" if opens == closes else f"{opens}-{closes}"
    return f"{','.join(_DAYS[day] for day in days)} {hours}"


def _texts(value: object) -> list[str]:
    return [each for each in listed(value) if isinstance(each, str)]
