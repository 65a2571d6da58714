"""The sites of a directory as arrays: where they are, and when which skill is held there.

    sites ─▶ columns ─▶ arranged

Columns say what is asked of all sites at once; who reads sites as columns need make none of them. A
title shows the same skills wherever it counts, so titles are taken apart once and not for each of
the million people that hold one. When some sites change, the rows of the others are moved and not
made again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from routing.competence.catalogue import Catalogue
from routing.geo import unit_vectors_at
from routing.model import Credential, Site

NEVER = 0  # the last day of a title that was taken back: before time began

type Int32s = NDArray[np.int32]
type Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Spans:
    """When a skill is held where: row of the site, first and last day as ordinals."""

    rows: Int32s
    first: Int32s
    last: Int32s


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Titles that are held, in any order.

    Attributes:
        rows: Of the site of each.
        names: Scheme and title, each pair once.
        shown: Of each title its place among the names.
        first: Its first day, as an ordinal.
        last: Its last day, `NEVER` for one that was taken back, nobody said when.
    """

    rows: Int32s
    names: Sequence[tuple[str, str]]
    shown: Int32s
    first: Int32s
    last: Int32s


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """What is asked of all sites at once, in their order."""

    lon_deg: Sequence[float]
    lat_deg: Sequence[float]
    countries: Sequence[str]
    is_van: Mask
    held: Held


@dataclass(frozen=True, slots=True)
class Arranged:
    """Some sites as arrays.

    Attributes:
        units: Unit vectors, shape (sites, 3).
        is_van: Whether a site is one.
        spans: By skill.
        digests: Of each site, shape (sites, `DIGEST_BYTES`); None while nobody asked for them.
    """

    units: NDArray[np.float64]
    is_van: Mask
    spans: Mapping[str, Spans]
    digests: NDArray[np.uint8] | None = None


def columns_of(sites: Sequence[Site]) -> Columns:
    """Look at all of some sites."""
    return Columns(
        lon_deg=[site.position.lon_deg for site in sites],
        lat_deg=[site.position.lat_deg for site in sites],
        countries=[site.country for site in sites],
        is_van=np.array([site.is_van for site in sites], dtype=np.bool_),
        held=_held(sites),
    )


def arrange(columns: Columns, catalogue: Catalogue) -> Arranged:
    """Take sites apart."""
    return Arranged(
        units=unit_vectors_at(columns.lon_deg, columns.lat_deg),
        is_van=columns.is_van,
        spans=_spans_by_skill(columns.held, columns.countries, catalogue),
    )


def merge(one: Arranged, other: Arranged, places: NDArray[np.intp]) -> Arranged:
    """Put two together.

    Args:
        one: Of some sites.
        other: Of others.
        places: The new row of each site of the first, then of each site of the second; -1 for one
            that is left out.
    """
    stays = places >= 0
    order = np.argsort(places[stays])
    units = np.concatenate([one.units, other.units])[stays][order]
    is_van = np.concatenate([one.is_van, other.is_van])[stays][order]
    digests = (
        None
        if one.digests is None or other.digests is None
        else np.concatenate([one.digests, other.digests])[stays][order]
    )
    split = len(one.units)
    spans = {}
    for skill in one.spans.keys() | other.spans.keys():
        parts = [
            _moved(arranged.spans[skill], moved)
            for arranged, moved in ((one, places[:split]), (other, places[split:]))
            if skill in arranged.spans
        ]
        spans[skill] = Spans(
            *(np.concatenate([getattr(part, name) for part in parts]) for name in Spans.__slots__)
        )
    return Arranged(units, is_van, spans, digests)


def _moved(spans: Spans, places: NDArray[np.intp]) -> Spans:
    rows = places[spans.rows].astype(np.int32)
    stays = rows >= 0
    if stays.all():
        return Spans(rows, spans.first, spans.last)
    return Spans(rows[stays], spans.first[stays], spans.last[stays])


def number_names(names: Sequence[tuple[str, str]]) -> tuple[list[tuple[str, str]], Int32s]:
    """Each name once, and the place of each of those given among them."""
    place = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return [*place], np.array([place[name] for name in names], dtype=np.int32)


def _held(sites: Sequence[Site]) -> Held:
    held = [one for site in sites for person in site.people for one in person.credentials]
    counts = [sum(len(person.credentials) for person in site.people) for site in sites]
    names, shown = number_names([(one.scheme, one.title) for one in held])
    return Held(
        rows=np.repeat(np.arange(len(sites), dtype=np.int32), counts),
        names=names,
        shown=shown,
        first=np.array([one.valid_from.toordinal() for one in held], dtype=np.int32),
        last=np.array([_last_day(one) for one in held], dtype=np.int32),
    )


def _spans_by_skill(held: Held, countries: Sequence[str], catalogue: Catalogue) -> dict[str, Spans]:
    """Every title that counts where it is held, taken apart into its skills."""
    numbers = {country: place for place, country in enumerate(dict.fromkeys(countries))}
    there = np.array([numbers[country] for country in countries], dtype=np.int32)
    shown = there[held.rows] + held.shown * len(numbers)
    spans = {}
    for skill, mask in _counting(held.names, numbers, catalogue).items():
        places = np.flatnonzero(mask[shown])
        if len(places):
            spans[skill] = Spans(held.rows[places], held.first[places], held.last[places])
    return spans


def _counting(
    names: Sequence[tuple[str, str]], countries: Mapping[str, int], catalogue: Catalogue
) -> dict[str, NDArray[np.bool_]]:
    """For each skill, whether a title shows it in a country: one place for each pair of them."""
    masks: dict[str, NDArray[np.bool_]] = {}
    for number, (scheme, spelling) in enumerate(names):
        title = catalogue.find_title(scheme, spelling)
        for country, place in countries.items():
            if title is None or not catalogue.is_valid_in(scheme, spelling, country):
                continue
            for skill in title.skills:
                if skill not in masks:
                    masks[skill] = np.zeros(len(names) * len(countries), dtype=np.bool_)
                masks[skill][number * len(countries) + place] = True
    return masks


def _last_day(credential: Credential) -> int:
    if credential.is_revoked:
        return NEVER
    return (credential.valid_until or date.max).toordinal()
