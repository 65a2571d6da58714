"""Times by road from an OSRM server; it gets a place to a thousandth of a degree."""

from collections.abc import Sequence

from dtc_db.vehicle import VehicleClass
from routing.model import Position, Site
from routing.travel.answer import TableAnswer, measured_from
from routing.travel.asking import RoadServer
from routing.travel.model import Measured


class OsrmServer(RoadServer):
    """Whatever profile it has is taken for every vehicle.

    References:
        OSRM's HTTP API, version 1, table service.
    """

    engine = "osrm server"

    def _ask(
        self, origin: Position, sites: Sequence[Site], vehicle_class: VehicleClass
    ) -> Measured:
        del vehicle_class
        places = [origin, *(site.position for site in sites)]
        coordinates = ";".join(f"{place.lon_deg:.6f},{place.lat_deg:.6f}" for place in places)
        words = {"sources": "0", "annotations": "duration,distance", "generate_hints": "false"}
        words["destinations"] = ";".join(map(str, range(1, len(places))))
        answer = self._fetch(f"/table/v1/driving/{coordinates}", TableAnswer, words=words)
        return measured_from(answer, sites, engine=self.engine, roads=answer.data_version)
