"""Reads repairers from OpenStreetMap files (.pbf, .osm, .osm.gz).

A repairer is a ``shop=car_repair`` and its like, as a node or an area, or a dealer that says it
repairs. Centres that only inspect vehicles are often tagged so by mistake and may not repair at
all; they are skipped, each with its reason. OpenStreetMap knows no competence: people and their
titles come from elsewhere. Tags: https://wiki.openstreetmap.org/wiki/Tag:shop=car_repair
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import osmium

from dtc_db.vehicle import VehicleClass
from routing.directory.opening import is_readable
from routing.errors import UnreadableFileError
from routing.imports.findings import FieldError, Finding, Verdict
from routing.imports.makes import make_of
from routing.imports.site_fields import (
    NAME_LENGTH_MAX,
    SiteFile,
    parse_country,
    parse_name,
)
from routing.model import Position, Site

_REPAIR_SHOPS = frozenset({"car_repair", "truck_repair", "motorcycle_repair"})
_DEALERS = frozenset({"car", "truck", "motorcycle", "tyres"})
_CLASSES_OF_SERVICE: Mapping[str, frozenset[VehicleClass]] = {
    "car_repair": frozenset({VehicleClass.CAR, VehicleClass.VAN}),
    "truck_repair": frozenset({VehicleClass.TRUCK}),
    "motorcycle_repair": frozenset({VehicleClass.MOTORCYCLE}),
}
# Names under which inspection centres of several countries stand on the map.
_TEST_CENTRE = re.compile(
    r"contr[oô]le technique|centre de contr[oô]le|s[eé]curitest|autovision|autosur|norisko"
    r"|\bt[uü]v\b|\bdekra\b|\bgtü\b|prüfstelle|fahrzeugprüfung|motorfahrzeugkontrolle"
    r"|strassenverkehrsamt|\bmot (?:test )?(?:station|centre)\b|\bitv\b",
    re.IGNORECASE,
)
# Brands that are no makes: networks of workshops that work on all of them, spelt as `make_of` does.
_NETWORKS = frozenset(
    {"1a autoservice", "a.t.u", "ad", "ad autodienst", "atu", "auto plus", "autofit", "automeister"}
    | {"autoprofi", "autoteam", "bestdrive", "bosch", "bosch car service", "bosch service"}
    | {"carglass", "carter-cash", "delko", "driver center", "euro repar", "euro repar car service"}
    | {"eurorepar", "euromaster", "feu vert", "first stop", "garage plus", "halfords", "identica"}
    | {"kwik fit", "le garage", "meineke", "meisterhaft", "midas", "motrio", "norauto", "pit-stop"}
    | {"pitstop", "point s", "precisium", "profil plus", "reifen muller", "roady", "speedy"}
    | {"technicar", "top garage", "vergolst", "vulco", "feu-vert", "autocenter", "l'auto-leclerc"}
)

type Tags = Mapping[str, str]


def read_sites(path: Path, *, country: str | None = None) -> SiteFile:
    """Read repairers from an OpenStreetMap file.

    Args:
        path: The file.
        country: Where sites lie that have no ``addr:country``.

    Raises:
        UnreadableFileError: If osmium cannot read it.
    """
    if not path.is_file():
        raise UnreadableFileError(f"{path}: no such file")
    sites, findings = [], []
    try:
        for where, position, tags in _objects(path):
            read = _read(where, position, tags, country)
            findings += [one for one in read if isinstance(one, Finding)]
            sites += [one for one in read if isinstance(one, Site)]
    except RuntimeError as error:
        raise UnreadableFileError(f"{path}: not an OpenStreetMap file: {error}") from error
    sites.sort(key=lambda site: site.site_id)
    return SiteFile(sites=tuple(sites), findings=tuple(findings))


def _objects(path: Path) -> Iterator[tuple[str, Position | FieldError, Tags]]:
    """Nodes and areas that have a shop or an amenity, by ``node/1``, ``way/2``, ``relation/3``."""
    wanted = osmium.filter.KeyFilter("shop", "amenity")
    processor = osmium.FileProcessor(path).with_areas(wanted).with_filter(wanted)
    for thing in processor:
        if isinstance(thing, osmium.osm.Node):
            where, corners = f"node/{thing.id}", [thing.location]
        elif isinstance(thing, osmium.osm.Area):
            kind = "way" if thing.from_way() else "relation"
            where = f"{kind}/{thing.orig_id()}"
            corners = [node.location for ring in thing.outer_rings() for node in ring]
        else:
            continue
        yield where, _middle(corners), dict(thing.tags)


def _middle(corners: Sequence[osmium.osm.Location]) -> Position | FieldError:
    """The middle of the bounding box: inside or beside the building, which is near enough."""
    if not all(corner.valid() for corner in corners):
        return FieldError("lat", "the object has no place on earth")
    lons, lats = [corner.lon for corner in corners], [corner.lat for corner in corners]
    # OpenStreetMap keeps seven decimals, about a centimetre; more would be noise of the sum.
    middle = (round((min(degrees) + max(degrees)) / 2, 7) for degrees in (lons, lats))
    return Position(*middle)


def _read(
    where: str, position: Position | FieldError, tags: Tags, country: str | None
) -> list[Site | Finding]:
    """The site that an object is and what there is to say of it; nothing for anything else."""
    shops = {shop.strip() for shop in tags.get("shop", "").split(";")}
    services = {
        name for name in _CLASSES_OF_SERVICE if tags.get(f"service:vehicle:{name}") == "yes"
    }
    if not (shops & _REPAIR_SHOPS or (shops & _DEALERS and services)):
        return []
    reason = _no_repairer(tags)
    if reason:
        return [Finding(verdict=Verdict.SKIPPED, where=where, field="shop", reason=reason)]
    hours, brands = tags.get("opening_hours"), _brands(tags)
    findings: list[Site | Finding] = []
    if hours and not is_readable(hours):
        findings.append(
            Finding(
                verdict=Verdict.REPAIRED,
                where=where,
                field="opening_hours",
                reason=f"cannot be read, so the hours count as unknown: {hours!r:.60}",
            )
        )
        hours = None
    try:
        if isinstance(position, FieldError):
            raise position
        site = Site(
            site_id=f"osm:{where}",
            name=_name(where, tags),
            position=position,
            country=parse_country(tags.get("addr:country") or country or ""),
            vehicle_classes=_classes(shops, services),
            access=frozenset(f"make.diagnostics:{brand}" for brand in brands - _NETWORKS),
            networks=brands & _NETWORKS,
            opening_hours=hours,
        )
    except FieldError as error:
        return [error.at(where)]
    return [*findings, site]


def _no_repairer(tags: Tags) -> str | None:
    """Why something that is tagged as a repairer is none."""
    if tags.get("amenity") == "vehicle_inspection":
        return "a vehicle inspection centre (amenity=vehicle_inspection), which may not repair"
    for key in ("name", "operator", "brand"):
        found = _TEST_CENTRE.search(tags.get(key, ""))
        if found:
            return f"a vehicle inspection centre by its {key} ({found[0]!r}), which may not repair"
    if tags.get("service:vehicle:car_repair") == "no":
        return "says that it does not repair (service:vehicle:car_repair=no)"
    return None


def _classes(shops: set[str], services: set[str]) -> frozenset[VehicleClass]:
    """What it says it takes; empty if it is just a car repairer, which says nothing of vans."""
    stated = (shops | services) & set(_CLASSES_OF_SERVICE)
    if stated <= {"car_repair"}:
        return frozenset()
    return frozenset().union(*(_CLASSES_OF_SERVICE[service] for service in stated))


def _brands(tags: Tags) -> frozenset[str]:
    """Makes it represents, and networks it belongs to."""
    brands = {make_of(brand) for brand in tags.get("brand", "").split(";")}
    return frozenset(brand for brand in brands if brand and brand.isprintable())


def _name(where: str, tags: Tags) -> str:
    for key in ("name", "operator", "brand"):
        if tags.get(key):
            return parse_name(tags[key][:NAME_LENGTH_MAX])
    return f"unnamed garage ({where})"
