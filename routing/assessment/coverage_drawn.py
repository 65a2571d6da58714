"""A coverage map as GeoJSON and as a picture, with what it says in words."""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from itertools import groupby
from textwrap import wrap
from xml.sax.saxutils import escape

import msgspec

from dtc_db.languages import column_of
from dtc_db.skills import load_vocabulary
from routing.assessment.assess import SHOWN_MIN
from routing.assessment.coverage import Coverage

# Apart in lightness as well as in hue, so that they can be told apart in grey and by everybody.
_COLOURS = ("#d9ecf7", "#f2a65a", "#8c1c13")
_WIDTH_PX, _MARGIN_PX, _LINE_PX = 640, 20, 22
_LETTERS = 100  # of small print, on a line


class _Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a map says in one language."""

    title: str
    bands: tuple[str, str, str]
    band: str
    cases: str
    sites: str
    few: str
    masked: str
    caveat: str


def sentences(found: Coverage, *, lang: str) -> Iterator[str]:
    """The map in words: what it is of, each band, and what it does not say."""
    words = _words(lang)
    yield from _title(found, lang)
    yield from _legend(found, words)
    few = words.few.format(count=SHOWN_MIN)
    yield words.sites.format(count=few if found.sites is None else found.sites)
    yield words.caveat


def geojson(found: Coverage) -> dict[str, object]:
    """A FeatureCollection: a MultiPolygon for each band that there is, and the sums beside it."""
    features = []
    for band in range(len(found.area_km2)):
        rings = [[_ring(found, row, first, last)] for row, first, last in _runs(found, band)]
        if rings:
            properties = {
                "band": band,
                "minutes_max": None
                if band == len(found.area_km2) - 1
                else (band + 1) * found.minutes,
                "area_km2": found.area_km2[band],
                "cases": None if found.cases is None else found.cases[band],
            }
            geometry = {"type": "MultiPolygon", "coordinates": rings}
            features.append({"type": "Feature", "geometry": geometry, "properties": properties})
    return {
        "type": "FeatureCollection",
        "bbox": [found.box.west_deg, found.box.south_deg, found.box.east_deg, found.box.north_deg],
        "skill": found.skill,
        "minutes": found.minutes,
        "day": found.day.isoformat(),
        "sites": found.sites,
        "features": features,
    }


def svg(found: Coverage, *, lang: str) -> str:
    """The map as a picture that needs nothing else: north is up, cells are drawn as squares."""
    words = _words(lang)
    rows, columns = found.bands.shape
    cell_px = _WIDTH_PX / max(rows, columns)
    title, meaning = _title(found, lang)
    lines = wrap(meaning, _LETTERS)
    top_px = _MARGIN_PX + (1 + len(lines)) * _LINE_PX
    cells = [
        _rect(
            _MARGIN_PX + first * cell_px,
            top_px + row * cell_px,
            (last - first) * cell_px + 0.2,  # over the seam
            cell_px + 0.2,
            _COLOURS[band],
        )
        for band in range(len(_COLOURS))
        for row, first, last in _runs(found, band)
    ]
    y_px = top_px + rows * cell_px + _LINE_PX
    box = found.box
    corners = f"{box.west_deg:g} {box.south_deg:g} … {box.east_deg:g} {box.north_deg:g}"
    parts = [_text(_MARGIN_PX, _MARGIN_PX + 6, title, 15)]
    parts += [
        _text(_MARGIN_PX, _MARGIN_PX + 4 + number * _LINE_PX, line, 12)
        for number, line in enumerate(lines, start=1)
    ]
    for band, line in enumerate(_legend(found, words)):
        parts += [
            _rect(_MARGIN_PX, y_px - 11, 14, 14, _COLOURS[band]),
            _text(_MARGIN_PX + 22, y_px, line, 13),
        ]
        y_px += _LINE_PX
    for line in wrap(f"{corners}. {words.caveat}", _LETTERS):
        parts.append(_text(_MARGIN_PX, y_px, line, 11))
        y_px += _LINE_PX
    width_px, height_px = _WIDTH_PX + 2 * _MARGIN_PX, y_px + _MARGIN_PX
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width_px} {height_px:.0f}" '
        f'width="{width_px}" height="{height_px:.0f}" role="img" font-family="sans-serif">'
        f'<rect width="100%" height="100%" fill="white"/>'
        f'<g shape-rendering="crispEdges">{"".join(cells)}</g>{"".join(parts)}</svg>\n'
    )


def _title(found: Coverage, lang: str) -> tuple[str, str]:
    """What the map is of, and the skill in plain words."""
    names = load_vocabulary().skills[found.skill]
    title = _words(lang).title.format(
        skill=found.skill, day=found.day.isoformat(), minutes=found.minutes
    )
    return title, names[column_of(lang)]


def _legend(found: Coverage, words: _Words) -> Iterator[str]:
    names = [name.format(minutes=found.minutes, twice=2 * found.minutes) for name in words.bands]
    whole = sum(found.area_km2) or 1
    for band, name in enumerate(names):
        area = found.area_km2[band]
        line = words.band.format(name=name, share=round(100 * area / whole), area=area)
        if found.cases is not None:
            count = found.cases[band]
            line += words.cases.format(count=words.masked if count is None else count)
        yield line


def _runs(found: Coverage, band: int) -> Iterator[tuple[int, int, int]]:
    """Row, first column and the one after the last of cells of a band that lie side by side."""
    for row, cells in enumerate(found.bands.tolist()):
        column = 0
        for value, run in groupby(cells):
            length = len([*run])
            if value == band:
                yield row, column, column + length
            column += length


def _ring(found: Coverage, row: int, first: int, last: int) -> list[list[float]]:
    """Corners of a run; east of the date line they go on beyond 180, as maps draw it."""
    rows, columns = found.bands.shape
    box = found.box
    step_deg, height_deg = box.width_deg / columns, (box.north_deg - box.south_deg) / rows
    west, east = (round(box.west_deg + place * step_deg, 6) for place in (first, last))
    north, south = (round(box.north_deg - place * height_deg, 6) for place in (row, row + 1))
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def _rect(x_px: float, y_px: float, width_px: float, height_px: float, colour: str) -> str:
    return (
        f'<rect x="{x_px:.1f}" y="{y_px:.1f}" width="{width_px:.1f}" height="{height_px:.1f}" '
        f'fill="{colour}"/>'
    )


def _text(x_px: float, y_px: float, text: str, size_px: int) -> str:
    return f'<text x="{x_px}" y="{y_px:.1f}" font-size="{size_px}">{escape(text)}</text>'


def _words(lang: str) -> _Words:
    return _load().get(lang, _load()["en"])


@cache
def _load() -> Mapping[str, _Words]:
    content = resources.files("routing.assessment").joinpath("coverage.toml").read_bytes()
    return msgspec.toml.decode(content, type=dict[str, _Words])
