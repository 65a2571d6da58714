"""The sites of a directory as arrays: where they are, and when which skill is held there.

A title shows the same skills wherever it counts, so titles are taken apart once and not for each of
the million people that hold one. When some sites change, the rows of the others are moved and not
made again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from routing.competence.catalogue import Catalogue
from routing.geo import unit_vectors
from routing.model import Credential, Site

type Int32s = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Spans:
    """When a skill is held where: row of the site, first and last day as ordinals."""

    rows: Int32s
    first: Int32s
    last: Int32s


@dataclass(frozen=True, slots=True)
class Arranged:
    """Some sites as arrays.

    Attributes:
        units: Unit vectors, shape (sites, 3).
        spans: By skill.
        digests: Of each site, shape (sites, `DIGEST_BYTES`); None while nobody asked for them.
    """

    units: NDArray[np.float64]
    spans: Mapping[str, Spans]
    digests: NDArray[np.uint8] | None = None


def arrange(sites: Sequence[Site], catalogue: Catalogue) -> Arranged:
    """Take sites apart."""
    return Arranged(
        units=unit_vectors([site.position for site in sites]),
        spans=_spans_by_skill(sites, catalogue),
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
    return Arranged(units, spans, digests)


def _moved(spans: Spans, places: NDArray[np.intp]) -> Spans:
    rows = places[spans.rows].astype(np.int32)
    stays = rows >= 0
    if stays.all():
        return Spans(rows, spans.first, spans.last)
    return Spans(rows[stays], spans.first[stays], spans.last[stays])


def _spans_by_skill(sites: Sequence[Site], catalogue: Catalogue) -> dict[str, Spans]:
    """Every title that counts where it is held, taken apart into its skills."""
    held = [one for site in sites for person in site.people for one in person.credentials]
    counts = [sum(len(person.credentials) for person in site.people) for site in sites]
    rows = np.repeat(np.arange(len(sites), dtype=np.int32), counts)
    # Equal titles are one object as a rule: look at each object once.
    _, index, which = np.unique(
        np.fromiter(map(id, held), dtype=np.int64, count=len(held)),
        return_index=True,
        return_inverse=True,
    )
    distinct = [held[place] for place in index.tolist()]
    first = np.array([one.valid_from.toordinal() for one in distinct], dtype=np.int32)
    last = np.array([_last_day(one) for one in distinct], dtype=np.int32)
    names = list(dict.fromkeys((one.scheme, one.title) for one in distinct))
    number = {name: place for place, name in enumerate(names)}
    titles = np.array([number[one.scheme, one.title] for one in distinct], dtype=np.int32)
    countries = {country: place for place, country in enumerate({site.country for site in sites})}
    there = np.array([countries[site.country] for site in sites], dtype=np.int32)
    counting = _counting(names, countries, catalogue)
    shown = there[rows] + titles[which] * len(countries)
    spans = {}
    for skill, mask in counting.items():
        places = np.flatnonzero(mask[shown])
        if len(places):
            spans[skill] = Spans(rows[places], first[which[places]], last[which[places]])
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
    """A title that was taken back, nobody said when, ended before time began."""
    if credential.is_revoked:
        return 0
    return (credential.valid_until or date.max).toordinal()
