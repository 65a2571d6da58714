"""What a schema.org repairer says of its service beside place and hours.

areaServed, serviceArea           a GeoCircle or a GeoShape; names of places are passed over
specialOpeningHoursSpecification  days on which it is closed; other special hours are refused
makesOffer                        offers with a price by the hour (unit code HUR)
knowsLanguage, availableLanguage  codes; names of languages are passed over
memberOf                          networks
"""

import re
from collections.abc import Iterator, Mapping

from routing.imports.findings import FieldError

_MIDNIGHT = "00:00"
_CODE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9-]+)?")
# UN/ECE recommendation 20: the hour.
_HOUR = "HUR"
_SAME_PLACE_DEG = 0.01  # a circle's middle and the site, at most


def offered(thing: Mapping[str, object], *, lon: str, lat: str) -> dict[str, str]:
    """The fields of docs/directory.md for it, by name.

    Args:
        thing: The repairer.
        lon: Where it stands, as a cell has it.
        lat: Likewise.

    Raises:
        FieldError: If something is there in a form that cannot be read.
    """
    return {
        "service_area": _area(thing, lon, lat),
        "absences": ";".join(_closed(thing)),
        "hourly_rates": ";".join(_rates(thing)),
        "languages": ";".join(_languages(thing)),
        "networks": ";".join(_networks(thing)),
    }


def text(value: object) -> str:
    """A text or a number as a cell would hold it; nothing for anything else."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if isinstance(value, str) or is_number else ""


def listed(value: object) -> list[object]:
    """One value or several, as schema.org lets everything be."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def name_of(value: object) -> str:
    """The name of a thing, or the text that stands for it."""
    return text(value.get("name")) if isinstance(value, dict) else text(value)


def _area(thing: Mapping[str, object], lon: str, lat: str) -> str:
    shapes = [
        shape
        for field in ("areaServed", "serviceArea")
        for each in listed(thing.get(field))
        for shape in _shapes(each)
    ]
    if len(shapes) > 1:
        raise FieldError("areaServed", f"expected one shape, got {len(shapes)}")
    if not shapes:
        return ""
    (shape,) = shapes
    return _polygon(shape) if "polygon" in shape else _circle(shape, lon, lat)


def _shapes(area: object) -> Iterator[Mapping[str, object]]:
    """The shape itself, or that of a Place."""
    if isinstance(area, dict):
        if "geoRadius" in area or "polygon" in area:
            yield area
        else:
            yield from _shapes(area.get("geo"))


def _circle(circle: Mapping[str, object], lon: str, lat: str) -> str:
    """Metres, unless a Distance says kilometres (https://schema.org/geoRadius)."""
    radius, middle = text(circle.get("geoRadius")).strip().lower(), circle.get("geoMidpoint")
    metres = 1 if radius.endswith("km") else 1_000
    radius_km = _number(radius.removesuffix("km").removesuffix("m")) / metres
    if isinstance(middle, dict):
        away = max(
            abs(_number(middle.get(name)) - _number(own))
            for name, own in (("longitude", lon), ("latitude", lat))
        )
        if not away <= _SAME_PLACE_DEG:
            raise FieldError("areaServed", "expected a circle around the site; use a GeoShape")
    return f"{radius_km:.3f} km"


def _number(value: object) -> float:
    try:
        return float(text(value))
    except ValueError:
        raise FieldError(
            "areaServed", f"expected a radius in metres around a place, got {value!r:.40}"
        ) from None


def _polygon(shape: Mapping[str, object]) -> str:
    """Latitude before longitude, with blanks or commas between (https://schema.org/polygon)."""
    numbers = text(shape.get("polygon")).replace(",", " ").split()
    if len(numbers) % 2:
        raise FieldError("areaServed", "expected pairs of latitude and longitude")
    points = ", ".join(f"{lon} {lat}" for lat, lon in zip(numbers[::2], numbers[1::2], strict=True))
    return f"POLYGON (({points}))"


def _closed(thing: Mapping[str, object]) -> Iterator[str]:
    field = "specialOpeningHoursSpecification"
    for one in listed(thing.get(field)):
        if not isinstance(one, dict):
            raise FieldError(field, "expected an object")
        opens, closes = (text(one.get(name))[:5] or _MIDNIGHT for name in ("opens", "closes"))
        first = text(one.get("validFrom"))[:10]
        if opens != closes or not first:
            raise FieldError(field, "only days on which it is closed are read")
        yield f"{first}/{text(one.get('validThrough'))[:10] or first}"


def _rates(thing: Mapping[str, object]) -> Iterator[str]:
    for offer in listed(thing.get("makesOffer")):
        if not isinstance(offer, dict):
            continue
        for one in listed(offer.get("priceSpecification")):
            if not isinstance(one, dict) or text(one.get("unitCode")) != _HOUR:
                continue
            net = " net" if one.get("valueAddedTaxIncluded") is False else ""
            name = name_of(one) or name_of(offer) or name_of(offer.get("itemOffered"))
            amount = f"{text(one.get('price'))} {text(one.get('priceCurrency'))}{net}"
            yield f"{name.replace(';', ' ').replace(':', ' ')}: {amount}" if name else amount


def _languages(thing: Mapping[str, object]) -> Iterator[str]:
    for field in ("knowsLanguage", "availableLanguage"):
        for language in listed(thing.get(field)):
            found = _CODE.fullmatch(_code(language))
            if found:
                yield found[0].partition("-")[0]


def _code(language: object) -> str:
    """A Language has its code as its alternate name (https://schema.org/Language)."""
    if isinstance(language, dict):
        return text(language.get("alternateName"))
    return text(language)


def _networks(thing: Mapping[str, object]) -> Iterator[str]:
    for member in listed(thing.get("memberOf")):
        name = name_of(member).replace(";", " ")
        if name:
            yield name
