"""Reads repairers from a file in any of the forms we know, told by how its name ends."""

from pathlib import Path

from routing.errors import UnreadableFileError
from routing.imports import csv_file, geojson, jsonld
from routing.imports.site_fields import SiteFile

_OSM_ENDINGS = (".pbf", ".osm", ".osm.gz", ".osm.bz2")


def read_sites(path: Path, *, country: str | None = None) -> SiteFile:
    """Read repairers.

    Args:
        path: A file named ``.csv``, ``.geojson``, ``.json``, ``.jsonld``, ``.pbf`` or ``.osm``.
        country: Where sites lie that do not say: ISO 3166-1 alpha-2.

    Raises:
        UnreadableFileError: If it is none of these, or not what its name says.
    """
    name = path.name.lower()
    if name.endswith(_OSM_ENDINGS):
        # osmium is needed for maps only, and takes its time to load.
        from routing.imports import osm  # noqa: PLC0415

        return osm.read_sites(path, country=country)
    if name.endswith((".geojson", ".json")):
        return geojson.read_sites(path, country=country)
    if name.endswith(".jsonld"):
        return jsonld.read_sites(path, country=country)
    if name.endswith(".csv"):
        return csv_file.read_sites(path, country=country)
    raise UnreadableFileError(
        f"{path}: expected a file named .csv, .geojson, .jsonld, .pbf or .osm"
    )
