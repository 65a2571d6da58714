"""Draw docs/images/roads.svg: three places where the nearest workshop is not the soonest.

Usage: python scripts/roads_picture.py liechtenstein.osm.pbf FOLDER, where FOLDER has the map that
`rightbay roads build` made of it.
"""

import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import osmium
import osrm
from shapely import LineString

from routing.geo import distance_m
from routing.imports.sites import read_sites
from routing.model import Position, Site
from routing.travel.maps import BASE, load_manifest

ROOT = Path(__file__).parent.parent
PLACES = {"Triesen": "#0a7d4b", "Planken": "#8a3ffc", "Balzers": "#b8500a"}
WEST, EAST, SOUTH, NORTH = 9.470, 9.625, 47.045, 47.275
WIDTH = 560
SCALE = WIDTH / ((EAST - WEST) * math.cos(math.radians(47.15)))
HEIGHT = round((NORTH - SOUTH) * SCALE)
WIDE = {"primary": 1.6, "secondary": 1.2, "tertiary": 0.8, "unclassified": 0.4}
# Of the lines drawn, in degrees: finer than a pixel would only be longer.
SIMPLE_DEG = 0.00015

type Points = Sequence[tuple[float, float]]


class Map(osmium.SimpleHandler):
    """The roads to be drawn, and the places."""

    def __init__(self) -> None:
        super().__init__()
        self.roads: list[tuple[str, Points]] = []
        self.places: dict[str, Position] = {}

    def node(self, node: osmium.osm.Node) -> None:
        """Keep the places that are shown."""
        name = node.tags.get("name")
        if "place" in node.tags and name in PLACES:
            self.places[name] = Position(node.location.lon, node.location.lat)

    def way(self, way: osmium.osm.Way) -> None:
        """Keep the roads that are wide enough to be seen."""
        kind = way.tags.get("highway", "")
        if kind in WIDE:
            self.roads.append((kind, [(node.lon, node.lat) for node in way.nodes]))


def path(points: Points) -> str:
    """An SVG path through points in degrees."""
    line = LineString(points).simplify(SIMPLE_DEG) if len(points) > 1 else LineString()
    steps = [f"{x:.1f} {y:.1f}" for x, y in map(on_paper, line.coords)]
    return "M" + "L".join(steps)


def on_paper(point: tuple[float, ...]) -> tuple[float, float]:
    """Where a point in degrees lies on the picture, in pixels."""
    x = (point[0] - WEST) * math.cos(math.radians(47.15)) * SCALE
    return x, (NORTH - point[1]) * SCALE


def way(engine: osrm.OSRM, start: Position, end: Position) -> tuple[float, Points]:
    """Seconds, and the line of the quickest way."""
    found = engine.Route(
        osrm.RouteParameters(
            coordinates=[(start.lon_deg, start.lat_deg), (end.lon_deg, end.lat_deg)],
            geometries="geojson",
            overview="full",
        )
    )["routes"][0]
    return found["duration"], [(point[0], point[1]) for point in found["geometry"]["coordinates"]]


def label(point: tuple[float, float], text: str, style: str) -> str:
    """A word beside a point."""
    x, y = on_paper(point)
    return f'<text x="{x + 8:.1f}" y="{y + 4:.1f}" {style}>{text}</text>'


def draw(world: Map, sites: Sequence[Site], engine: osrm.OSRM) -> Iterator[str]:
    """The lines of the picture, from the ground up."""
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" role="img" aria-label="Three places in Liechtenstein, with the '
        'nearest workshop in a straight line and the soonest by road">'
    )
    yield f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fbfaf7"/>'
    for kind, width in WIDE.items():
        lines = " ".join(path(points) for road, points in world.roads if road == kind)
        yield f'<path d="{lines}" fill="none" stroke="#b9b4a8" stroke-width="{width}"/>'
    for name, colour in PLACES.items():
        place = world.places[name]
        nearest = min(sites, key=lambda site: distance_m(place, site.position))
        soonest = min(sites, key=lambda site: way(engine, place, site.position)[0])
        here, there = (on_paper((one.lon_deg, one.lat_deg)) for one in (place, nearest.position))
        long, short = (path(way(engine, place, site.position)[1]) for site in (nearest, soonest))
        style = f'fill="none" stroke="{colour}"'
        yield f'<path d="{long}" {style} stroke-width="2" stroke-opacity="0.35"/>'
        yield f'<path d="{short}" {style} stroke-width="3.5" stroke-opacity="0.9"/>'
        yield (
            f'<path d="M{here[0]:.1f} {here[1]:.1f}L{there[0]:.1f} {there[1]:.1f}" {style} '
            'stroke-width="1.5" stroke-dasharray="5 4"/>'
        )
        yield f'<circle cx="{here[0]:.1f}" cy="{here[1]:.1f}" r="5" fill="{colour}"/>'
        bold = f'font-size="14" font-weight="bold" fill="{colour}"'
        yield label((place.lon_deg, place.lat_deg), name, bold)
    for site in sites:
        x, y = on_paper((site.position.lon_deg, site.position.lat_deg))
        yield f'<rect x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8" fill="#222"/>'
        small = 'font-size="11" fill="#222" stroke="#fbfaf7" stroke-width="3" paint-order="stroke"'
        yield label((site.position.lon_deg, site.position.lat_deg), site.name, small)
    notes = (
        "■ workshop   ● vehicle",
        "dashed: nearest in a straight line",
        "thin: the way there by road",
        "bold: the soonest by road",
        "Map data © OpenStreetMap contributors",
    )
    for number, note in enumerate(notes):
        yield f'<text x="{WIDTH - 262}" y="{26 + 18 * number}" font-size="12">{note}</text>'
    yield "</svg>"


def main() -> None:
    """Read the map twice, once with its roads and once with its ways, and draw."""
    source, folder = map(Path, sys.argv[1:3])
    world = Map()
    world.apply_file(str(source), locations=True)
    base = folder / load_manifest(folder).folder / "car" / BASE
    engine = osrm.OSRM(algorithm="MLD", storage_config=str(base), use_shared_memory=False)
    lines = draw(world, read_sites(source, country="LI").sites, engine)
    target = ROOT / "docs" / "images" / "roads.svg"
    target.write_text("\n".join(lines) + "\n", "utf-8")
    print(f"{target}: {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
