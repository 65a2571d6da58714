"""Where vans go: a site without a workshop serves the vehicles in its area, and no others."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import shapely
from numpy.typing import NDArray

from routing.geo import place_of
from routing.model import Position, ServiceArea, Site

_SHAPES_MAX = 20_000  # prepared and remembered


class Areas:
    """The areas of a directory's vans.

    Attributes:
        vans: Which sites are vans, by row; None if none is, so that nobody has to ask.
    """

    def __init__(self, sites: Sequence[Site], is_van: NDArray[np.bool_]) -> None:
        """Note the vans among sites in the order of a directory."""
        self.vans = is_van if is_van.any() else None
        self._areas = {row: sites[row].service_area for row in np.flatnonzero(is_van).tolist()}

    def serves(self, row: int, distance_m: int, position: Position) -> bool:
        """Whether a site may take a vehicle at this place, as far as areas go.

        Args:
            row: Of the site.
            distance_m: From it to the vehicle.
            position: Of the vehicle.
        """
        if row not in self._areas:
            return True
        area = self._areas[row]
        return area is not None and covers(area, distance_m, position)

    def unserved(
        self, rows: NDArray[np.intp], distance_m: NDArray[np.int64], points: NDArray[np.float64]
    ) -> NDArray[np.bool_]:
        """Which sites cannot come to these places.

        Args:
            rows: Shape (places, sites).
            distance_m: Likewise.
            points: Unit vectors of the places, shape (places, 3).
        """
        found = np.zeros(rows.shape, dtype=np.bool_)
        if self.vans is None:
            return found
        for place, column in zip(*np.nonzero(self.vans[rows]), strict=True):
            position = place_of(points[place].tolist())
            row, far_m = int(rows[place, column]), int(distance_m[place, column])
            found[place, column] = not self.serves(row, far_m, position)
        return found


def covers(area: ServiceArea, distance_m: int, position: Position) -> bool:
    """Whether a place lies in an area; its edge belongs to it."""
    if area.radius_m is not None:
        return distance_m <= area.radius_m
    return bool(shapely.intersects_xy(_shape(area), position.lon_deg, position.lat_deg))


@lru_cache(maxsize=_SHAPES_MAX)
def _shape(area: ServiceArea) -> shapely.MultiPolygon:
    shape = shapely.MultiPolygon([(rings[0], rings[1:]) for rings in area.polygons])
    shapely.prepare(shape)
    return shape
