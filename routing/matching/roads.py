"""Times by road in a decision: which sites to measure, and what the measured times change.

Straight lines find who may compete (`routing.matching.shortlist`); between those who were measured,
the road decides.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dtc_db.need import Arrival
from dtc_db.vehicle import VehicleClass
from routing.directory.snapshot import Directory
from routing.matching.policy import Policy
from routing.travel.model import Measured, RoadTime

type Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class RoadTable:
    """Measured times by the rows of a directory.

    Attributes:
        rows: Rising.
        road_m: In their order.
        travel_s: Likewise, for one way of getting there, help included.
    """

    rows: NDArray[np.intp]
    road_m: Ints
    travel_s: Ints

    @classmethod
    def of(
        cls,
        measured: Measured,
        directory: Directory,
        policy: Policy,
        *,
        arrival: Arrival,
        vehicle_class: VehicleClass,
    ) -> "RoadTable":
        """Arrange what was measured; sites that are not in the directory are left out."""
        times = [*_known(measured.times, directory)]
        rows = np.array([row for row, _ in times], dtype=np.intp)
        road_m = np.array([time.road_m for _, time in times], dtype=np.int64)
        drive_s = np.array([time.drive_s for _, time in times], dtype=np.int64)
        travel_s = policy.road_times_s(
            road_m, drive_s, arrival=arrival, vehicle_class=vehicle_class
        )
        return cls(rows, road_m, travel_s)

    def over(self, rows: NDArray[np.intp], travel_s: Ints) -> Ints:
        """The times, with those by road in the place of estimates where there are any."""
        at, is_measured = self._find(rows)
        return np.where(is_measured, self.travel_s[at], travel_s) if len(self.rows) else travel_s

    def is_within(self, rows: NDArray[np.intp], road_m_max: int) -> NDArray[np.bool_]:
        """Which sites are near enough by road, as far as that was measured."""
        at, is_measured = self._find(rows)
        if not len(self.rows):
            return np.ones(rows.shape, dtype=np.bool_)
        return ~is_measured | (self.road_m[at] <= road_m_max)

    def road_m_to(self, row: int) -> int | None:
        """The length of the way to one site; None if it was not measured."""
        at, is_measured = self._find(np.array([row]))
        return int(self.road_m[at[0]]) if is_measured[0] else None

    def _find(self, rows: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        if not len(self.rows):
            return np.zeros(rows.shape, dtype=np.intp), np.zeros(rows.shape, dtype=np.bool_)
        at = np.minimum(np.searchsorted(self.rows, rows), len(self.rows) - 1)
        return at, self.rows[at] == rows


def _known(times: Iterable[RoadTime], directory: Directory) -> Iterator[tuple[int, RoadTime]]:
    """Rows of measured sites, rising as the directory is ordered by site."""
    sites = directory.sites
    for time in sorted(times, key=lambda time: time.site_id):
        row = bisect_left(sites, time.site_id, key=lambda site: site.site_id)
        if row < len(sites) and sites[row].site_id == time.site_id:
            yield row, time
