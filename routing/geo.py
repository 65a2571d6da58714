"""Distances on the sphere, and places as unit vectors for nearest-neighbour trees.

A tree over longitude and latitude is wrong at the antimeridian and near the poles; one over unit
vectors is right everywhere, because the straight line through the earth (the chord) grows with the
way along its surface.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from routing.model import Position

# Mean radius of the earth, IUGG. The sphere is at most 0.6 % off the ellipsoid, which is small
# beside the detour of any road.
EARTH_RADIUS_M = 6_371_008.8
_COARSE_DIGITS = 3  # a cell of 111 m by at most as much


def distance_m(start: Position, end: Position) -> int:
    """Great-circle distance in whole metres; exact for near and for opposite places.

    Whole metres, so that the last bit of a mathematical library never decides an order.
    """
    x_1, y_1, z_1 = unit_vector(start)
    x_2, y_2, z_2 = unit_vector(end)
    cross = math.hypot(y_1 * z_2 - z_1 * y_2, z_1 * x_2 - x_1 * z_2, x_1 * y_2 - y_1 * x_2)
    dot = x_1 * x_2 + y_1 * y_2 + z_1 * z_2
    return round(EARTH_RADIUS_M * math.atan2(cross, dot))


def unit_vector(position: Position) -> tuple[float, float, float]:
    """The place on a sphere of radius 1; x through 0° E 0° N, z through the north pole."""
    lon, lat = math.radians(position.lon_deg), math.radians(position.lat_deg)
    return (
        math.cos(lat) * math.cos(lon),
        math.cos(lat) * math.sin(lon),
        math.sin(lat),
    )


def place_of(vector: Sequence[float]) -> Position:
    """The place that a unit vector stands for, to a centimetre."""
    x, y, z = vector
    lon, lat = math.atan2(y, x), math.atan2(z, math.hypot(x, y))
    return Position(lon_deg=round(math.degrees(lon), 7), lat_deg=round(math.degrees(lat), 7))


def unit_vectors(positions: Sequence[Position]) -> NDArray[np.float64]:
    """Shape (n, 3), in the order given; (0, 3) for no places."""
    rows = [unit_vector(position) for position in positions]
    return np.array(rows, dtype=np.float64).reshape(len(rows), 3)


def unit_vectors_at(lon_deg: Sequence[float], lat_deg: Sequence[float]) -> NDArray[np.float64]:
    """The same, to the last bit, for many places that are no values yet."""
    lons, lats = [*map(math.radians, lon_deg)], [*map(math.radians, lat_deg)]
    cos_lat, sin_lat, cos_lon, sin_lon = (
        np.array([*map(function, angles)], dtype=np.float64)
        for angles in (lats, lons)
        for function in (math.cos, math.sin)
    )
    return np.stack([cos_lat * cos_lon, cos_lat * sin_lon, sin_lat], axis=1)


def arcs_m(chords: NDArray[np.float64]) -> NDArray[np.int64]:
    """Great-circle distances in whole metres for chords between unit vectors, in their shape.

    As exact as `distance_m` but for nearly opposite places, where it may be some metres off.
    """
    arcs = np.minimum(chords / 2, 1)
    np.arcsin(arcs, out=arcs)
    arcs *= 2 * EARTH_RADIUS_M
    return np.rint(arcs, out=arcs).astype(np.int64)


def coarse(position: Position) -> Position:
    """The place to a thousandth of a degree, at most 79 m off.

    Distances to several named sites tell where they were measured from. Measured from here, they
    tell no more than this, and whoever guesses at a digest of it learns no more either.
    """
    return Position(
        lon_deg=round(position.lon_deg, _COARSE_DIGITS),
        lat_deg=round(position.lat_deg, _COARSE_DIGITS),
    )
