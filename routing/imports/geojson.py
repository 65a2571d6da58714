"""Reads repairers from GeoJSON (RFC 7946): a FeatureCollection of points with our field names.

Other properties are ignored, so that a file made for a map can be used as it is.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import msgspec

from routing.errors import UnreadableFileError
from routing.imports.csv_file import ROWS_MAX
from routing.imports.findings import FieldError
from routing.imports.service_area import polygons_text
from routing.imports.site_fields import CLAIMS, OPTIONAL, REQUIRED, SiteFile, gather_sites

FILE_BYTES_MAX = 1 << 30

type _Polygons = tuple[tuple[tuple[tuple[float, ...], ...], ...], ...]


def read_sites(path: Path, *, country: str | None = None) -> SiteFile:
    """Read repairers from the GeoJSON form of docs/directory.md.

    Args:
        path: The file.
        country: Where sites lie that do not say.

    Raises:
        UnreadableFileError: If it is no GeoJSON FeatureCollection.
    """
    features = enumerate(_features(path), start=1)
    rows = ((f"feature {number}", _record(feature)) for number, feature in features)
    return gather_sites(rows, country=country)


def _features(path: Path) -> list[object]:
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise UnreadableFileError(f"{path}: larger than {FILE_BYTES_MAX} bytes; split the file")
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise UnreadableFileError(f"{path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise UnreadableFileError(f"{path}: not JSON: {error}") from error
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list):
        raise UnreadableFileError(f"{path}: expected a GeoJSON FeatureCollection")
    if len(features) > ROWS_MAX:
        raise UnreadableFileError(f"{path}: more than {ROWS_MAX} features; split the file")
    return features


def _record(feature: object) -> dict[str, str] | FieldError:
    """The feature's fields as texts; its id is the site's unless a property says otherwise."""
    match feature:
        case {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [lon, lat, *_]},
            "properties": dict(properties),
            **rest,
        }:
            fields = {"site": rest.get("id"), **properties, "lon": lon, "lat": lat}
        case _:
            return FieldError("geometry", "expected a Feature with a Point and properties")
    record = {}
    for field in (*REQUIRED, *OPTIONAL):
        value = fields.get(field)
        if isinstance(value, bool) and field in CLAIMS:
            text: str | None = "yes" if value else "no"
        else:
            text = _geometry(value) if isinstance(value, dict) else cell_of(value)
        if text is None:
            return FieldError(field, "expected text, a number, a list of texts or a polygon")
        record[field] = text
    return record


def _geometry(value: Mapping[str, object]) -> str | None:
    """A Polygon or MultiPolygon as a cell would have it; None if it is neither."""
    coordinates = value.get("coordinates")
    match value.get("type"):
        case "Polygon":
            coordinates = [coordinates]
        case "MultiPolygon":
            pass
        case _:
            return None
    try:
        return polygons_text(msgspec.convert(coordinates, _Polygons))
    except (LookupError, msgspec.ValidationError):
        return None


def cell_of(value: object) -> str | None:
    """The value as a cell of a CSV file would have it; None if no cell could hold it."""
    match value:
        case None:
            return ""
        case str():
            return value
        case [*entries] if all(isinstance(entry, str) for entry in entries):
            return ";".join(map(str, entries))
        case int() | float() if not isinstance(value, bool):
            return str(value)
        case _:
            return None
