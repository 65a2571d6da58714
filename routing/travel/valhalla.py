"""Times by road from a Valhalla server; it gets a place to a thousandth of a degree.

Two requests make one question, because one place off the road makes a whole matrix fail:

    locate ─▶ who lies on a road of the map ─▶ sources_to_targets ─▶ times

Trucks and buses are asked for with the size of the trucks that `routing.travel.build` knows.
"""

from collections.abc import Sequence

import msgspec

from dtc_db.vehicle import VehicleClass
from routing.errors import RoadsError
from routing.geo import distance_m
from routing.model import Position, Site
from routing.travel.answer import road_time
from routing.travel.asking import RoadServer
from routing.travel.model import OFF_ROAD_M, Measured, Setback, Unmeasured

_HEAVY = frozenset({VehicleClass.TRUCK, VehicleClass.BUS})
_TRUCK = {"height": 4.0, "length": 16.5, "weight": 40.0}  # metres and metric tons
# Beyond, its tiles cannot be reckoned, and there are no roads.
_LAT_DEG_MAX = 85


class _Edge(msgspec.Struct, frozen=True):
    """A road near a place, and the point on it."""

    correlated_lat: float
    correlated_lon: float


class _Located(msgspec.Struct, frozen=True):
    edges: tuple[_Edge, ...] | None = None


class _Way(msgspec.Struct, frozen=True):
    """Seconds and kilometres; null where there is no way."""

    time: float | None = None
    distance: float | None = None


class _Matrix(msgspec.Struct, frozen=True):
    sources_to_targets: tuple[tuple[_Way, ...]]
    units: str


class ValhallaServer(RoadServer):
    """Asks as a car, or as a truck.

    References:
        Valhalla's HTTP API: locate, and the time-distance matrix (``sources_to_targets``).
    """

    engine = "valhalla server"

    def _ask(
        self, origin: Position, sites: Sequence[Site], vehicle_class: VehicleClass
    ) -> Measured:
        costing: dict[str, object] = {"costing": "auto"}
        if vehicle_class in _HEAVY:
            costing = {"costing": "truck", "costing_options": {"truck": _TRUCK}}
        is_near = self._near_roads([origin, *(site.position for site in sites)], costing)
        if not is_near[0]:
            return Measured(engine=self.engine, roads="", setback=Setback.VEHICLE_OFF_ROAD)
        asked = [site for site, near in zip(sites, is_near[1:], strict=True) if near]
        off_road = {site.site_id for site in sites} - {site.site_id for site in asked}
        unmeasured = [(site_id, Unmeasured.OFF_ROAD) for site_id in off_road]
        times = []
        for site, way in zip(asked, self._ways(origin, asked, costing), strict=True):
            if way.time is None or way.distance is None:
                unmeasured.append((site.site_id, Unmeasured.NO_WAY))
            else:
                times.append(road_time(site.site_id, 1000 * way.distance, way.time))
        return Measured(
            engine=self.engine,
            roads="",
            times=tuple(sorted(times, key=lambda time: time.site_id)),
            unmeasured=tuple(sorted(unmeasured)),
        )

    def _near_roads(self, places: Sequence[Position], costing: dict[str, object]) -> list[bool]:
        """Whether a road lies near enough to each place."""
        on_map = [place for place in places if abs(place.lat_deg) <= _LAT_DEG_MAX]
        found = self._post("locate", tuple[_Located, ...], locations=on_map, **costing)
        if len(found) != len(on_map):
            raise RoadsError(f"expected {len(on_map)} places, got {len(found)}")
        located = iter(found)
        return [
            abs(place.lat_deg) <= _LAT_DEG_MAX and _is_near(place, next(located))
            for place in places
        ]

    def _ways(
        self, origin: Position, sites: Sequence[Site], costing: dict[str, object]
    ) -> Sequence[_Way]:
        if not sites:
            return ()
        targets = [site.position for site in sites]
        answer = self._post(
            "sources_to_targets", _Matrix, sources=[origin], targets=targets, **costing
        )
        (ways,) = answer.sources_to_targets
        if answer.units != "kilometers" or len(ways) != len(sites):
            raise RoadsError(f"expected {len(sites)} ways in km, got {len(ways)} in others")
        return ways

    def _post[Answer](self, action: str, form: type[Answer], **asked: object) -> Answer:
        spelt = {
            name: [{"lat": place.lat_deg, "lon": place.lon_deg} for place in value]
            if isinstance(value, list)
            else value
            for name, value in asked.items()
        }
        body = msgspec.json.encode({**spelt, "units": "kilometers"})
        return self._fetch(f"/{action}", form, body=body)


def _is_near(place: Position, located: _Located) -> bool:
    """Whether the nearest of the roads found lies within reach; wrong numbers are no place."""
    try:
        points = [Position(one.correlated_lon, one.correlated_lat) for one in located.edges or ()]
    except ValueError as error:
        raise RoadsError("expected a place on earth") from error
    return min((distance_m(place, point) for point in points), default=OFF_ROAD_M + 1) <= OFF_ROAD_M
