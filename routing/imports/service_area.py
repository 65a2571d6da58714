"""Service areas in one cell: ``25 km`` around the site, or polygons as well-known text.

Longitude comes first, as in GeoJSON. What has only one meaning is repaired and said so: a ring that
is not closed, and one that crosses the date line, which is cut there (RFC 7946, 3.1.9). A ring that
crosses itself has more than one, and is refused.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np
import shapely
from shapely.affinity import translate
from shapely.geometry import MultiPolygon, Polygon, box
from shapely.validation import explain_validity

from routing.geo import distance_m
from routing.model import Position, Ring, ServiceArea

RADIUS_M_MAX = 1_000_000
POINTS_MAX = 10_000
AWAY_M_MAX = 500_000  # from the site to the nearest corner; lat and lon were swapped, as a rule
CLOSED = "a ring is closed with its first point"
CUT = "cut in two at the date line"

_RADIUS = re.compile(r"(\d{1,4}(?:\.\d{1,3})?) ?km", re.ASCII | re.IGNORECASE)
_EXPECTED = "expected 25 km, POLYGON ((…)) or MULTIPOLYGON (((…))) with longitudes first"
_WORLD = box(-180, -90, 180, 90)


def parse_service_area(text: str, site: Position) -> tuple[ServiceArea, tuple[str, ...]]:
    """Read a cell.

    Args:
        text: The cell.
        site: From where its people set out.

    Returns:
        The area, and what was repaired, in words.

    Raises:
        ValueError: If it is none of the forms, has too many points, crosses itself, goes round a
            pole, or lies more than `AWAY_M_MAX` from the site.
    """
    radius = _RADIUS.fullmatch(text)
    if radius:
        radius_m = round(float(radius[1]) * 1_000)
        if not 0 < radius_m <= RADIUS_M_MAX:
            raise ValueError(f"expected a radius up to {RADIUS_M_MAX // 1000} km, got {text}")
        return ServiceArea(radius_m=radius_m), ()
    polygons, repairs = _read(text)
    parts = [part for polygon in polygons for part in _within_world(polygon)]
    if len(parts) > len(polygons):
        repairs = (*repairs, CUT)
    area = ServiceArea(polygons=tuple(map(_rings, parts)))
    _check_near(area, site)
    return area, repairs


def load_service_area(text: str) -> ServiceArea:
    """Read what `format_service_area` wrote, which needs no repair and no check."""
    if text.endswith("km"):
        return ServiceArea(radius_m=round(float(text[:-2]) * 1_000))
    return ServiceArea(polygons=tuple(map(_rings, _parts(shapely.from_wkt(text)))))


def format_service_area(area: ServiceArea) -> str:
    """The cell that is read as this area."""
    if area.radius_m is not None:
        return f"{area.radius_m / 1_000:g} km"
    return polygons_text(area.polygons)


def polygons_text(polygons: Iterable[Iterable[Iterable[Sequence[float]]]]) -> str:
    """Well-known text of polygons as nested sequences, like the coordinates of a MultiPolygon.

    Raises:
        LookupError: If a point has less than two coordinates.
    """
    texts = [
        f"({', '.join(f'({", ".join(map(_point_text, ring))})' for ring in rings)})"
        for rings in polygons
    ]
    return f"MULTIPOLYGON ({', '.join(texts)})"


def _point_text(point: Sequence[float]) -> str:
    return f"{point[0]!r} {point[1]!r}"


@np.errstate(invalid="ignore")  # of a coordinate that is no number, which is refused later
def _read(text: str) -> tuple[list[Polygon], tuple[str, ...]]:
    """The polygons of a text, and what was repaired in it."""
    if text.count(",") > POINTS_MAX:
        raise ValueError(f"expected at most {POINTS_MAX} points; simplify the polygon")
    try:
        return _parts(shapely.from_wkt(text)), ()
    except shapely.GEOSException as error:
        if "closed linestring" not in str(error):
            raise ValueError(f"{_EXPECTED}, got {text!r:.40}") from None
    return _parts(shapely.from_wkt(text, on_invalid="fix")), (CLOSED,)


def _parts(geometry: object) -> list[Polygon]:
    match geometry:
        case Polygon() if not geometry.is_empty:
            return [shapely.force_2d(geometry)]
        case MultiPolygon() if not geometry.is_empty:
            return [shapely.force_2d(part) for part in geometry.geoms]
        case _:
            raise ValueError(_EXPECTED)


def _within_world(polygon: Polygon) -> Iterator[Polygon]:
    """The polygon, cut at the date line if it crosses it."""
    rings = [[*ring.coords] for ring in (polygon.exterior, *polygon.interiors)]
    for lon, lat in (point for ring in rings for point in ring):
        if not (abs(lon) <= 360 and abs(lat) <= 90):
            raise ValueError(f"expected longitude and latitude in degrees, got {lon:g} {lat:g}")
    shell, *holes = ([*_unrolled(ring)] for ring in rings)
    if shell[0] != shell[-1]:
        raise ValueError("goes round a pole, which nobody drives")
    unrolled = Polygon(shell, holes)
    if not unrolled.is_valid:
        told = explain_validity(unrolled).replace("[", " at ").removesuffix("]")
        raise ValueError(f"no simple polygon: {told[:1].lower()}{told[1:]}")
    if _WORLD.covers(unrolled):
        yield unrolled
        return
    for turn in (-360, 0, 360):
        yield from _areas(_WORLD.intersection(translate(unrolled, turn)))


def _unrolled(ring: list[tuple[float, ...]]) -> Iterator[tuple[float, float]]:
    """The points without a jump of more than half the world, which nobody drives."""
    turn = 0.0
    for (before, _), (lon, lat) in pairwise([ring[0], *ring]):
        step = lon - before
        turn += -360.0 if step > 180 else 360.0 if step < -180 else 0.0
        yield lon + turn, lat


def _areas(geometry: object) -> list[Polygon]:
    """What has an area in the result of an intersection; it may touch in points and lines."""
    parts = getattr(geometry, "geoms", [geometry])
    return [part for part in parts if isinstance(part, Polygon) and not part.is_empty]


def _rings(polygon: Polygon) -> tuple[Ring, ...]:
    return tuple(
        tuple((float(lon), float(lat)) for lon, lat in ring.coords)
        for ring in (polygon.exterior, *polygon.interiors)
    )


def _check_near(area: ServiceArea, site: Position) -> None:
    corners = [point for rings in area.polygons for point in rings[0]]
    away_m = min(distance_m(site, Position(lon, lat)) for lon, lat in corners)
    if away_m > AWAY_M_MAX:
        raise ValueError(
            f"lies {away_m // 1000} km from the site; longitude comes first, then latitude"
        )
