"""Which engine knows the roads here: the settings say it, and this wires it."""

from pathlib import Path

from rightbay.settings import Settings
from routing.ports import TravelTimes
from routing.travel.maps import MANIFEST

VALHALLA = "valhalla+"  # before the address of such a server


def roads_folder(settings: Settings) -> Path | None:
    """Where the map lies, or would lie; None if a server is named instead."""
    if settings.roads is None:
        return settings.data / "roads"
    return None if "://" in settings.roads else Path(settings.roads)


def travel_times(settings: Settings) -> TravelTimes | None:
    """The engine to ask; None leaves straight lines.

    Nothing is opened or reached before it is asked. A map or server that was named and cannot be
    used is told in every referral; one that nobody named, and that is not there, is not missed.
    """
    folder = roads_folder(settings)
    if folder is None:
        url = settings.roads or ""
        if url.startswith(VALHALLA):
            from routing.travel.valhalla import ValhallaServer

            return ValhallaServer(url.removeprefix(VALHALLA))
        from routing.travel.server import OsrmServer

        return OsrmServer(url)
    if settings.roads is None and not (folder / MANIFEST).is_file():
        return None
    from routing.travel.osrm import OsrmRoads

    return OsrmRoads(folder)
