"""OSRM's answer to a table of one source and many destinations, read with care.

The form is the same over HTTP and in process (OSRM's HTTP API, version 1, table service). What has
another form, or holds numbers that no way has, is no answer.
"""

from collections.abc import Sequence

import msgspec

from routing.errors import RoadsError
from routing.model import Site
from routing.travel.model import OFF_ROAD_M, Measured, RoadTime, Setback, Unmeasured


class Waypoint(msgspec.Struct, frozen=True):
    """Where a place was put on the road.

    Attributes:
        distance: How far that is from the place, in metres.
    """

    distance: float


class TableAnswer(msgspec.Struct, frozen=True):
    """Rows are sources, of which there is one; seconds and metres; null where there is no way."""

    durations: tuple[tuple[float | None, ...]]
    distances: tuple[tuple[float | None, ...]]
    sources: tuple[Waypoint]
    destinations: tuple[Waypoint, ...]
    data_version: str = ""


def measured_from(
    answer: TableAnswer, sites: Sequence[Site], *, engine: str, roads: str
) -> Measured:
    """Put an answer into our values.

    Args:
        answer: One source, and the sites in their order.
        sites: In the order in which they were asked for.
        engine: Of `Measured`.
        roads: Likewise.

    Raises:
        RoadsError: If the answer does not fit the question, or no way is like that.
    """
    rows = (answer.durations[0], answer.distances[0], answer.destinations)
    if any(len(row) != len(sites) for row in rows):
        raise RoadsError(f"expected ways to {len(sites)} sites, got {[*map(len, rows)]}")
    if not answer.sources[0].distance <= OFF_ROAD_M:
        return Measured(engine=engine, roads=roads, setback=Setback.VEHICLE_OFF_ROAD)
    times, unmeasured = [], []
    for site, drive_s, road_m, waypoint in zip(sites, *rows, strict=True):
        if not waypoint.distance <= OFF_ROAD_M:
            unmeasured.append((site.site_id, Unmeasured.OFF_ROAD))
        elif drive_s is None or road_m is None:
            unmeasured.append((site.site_id, Unmeasured.NO_WAY))
        else:
            times.append(road_time(site.site_id, road_m, drive_s))
    return Measured(
        engine=engine,
        roads=roads,
        times=tuple(sorted(times, key=lambda time: time.site_id)),
        unmeasured=tuple(sorted(unmeasured)),
    )


def road_time(site_id: str, road_m: float, drive_s: float) -> RoadTime:
    """Numbers of an engine as a value.

    Raises:
        RoadsError: If no way is like that.
    """
    try:
        return RoadTime(site_id=site_id, road_m=round(road_m), drive_s=round(drive_s))
    except (ValueError, OverflowError) as error:
        raise RoadsError(f"no way is {road_m} m in {drive_s} s") from error
