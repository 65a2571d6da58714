"""All sites at one version, in memory, arranged so that the near and competent ones are found fast.

A snapshot never changes. For a need it is asked for sites whose people hold the skills at some
time within a span of days, nearest first; whether they hold them at the hour of arrival, and all
the other rules, are `match`'s to check on the few sites that come out.
"""

import hashlib
import json
from collections import OrderedDict, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import assert_never

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from dtc_db.need import AllOf, AnyOf, AtLeast, Expression, Skill
from routing.catalogue import Catalogue, load_catalogue
from routing.geo import distance_m, unit_vector, unit_vectors
from routing.model import Credential, Position, Site

# Trees over the sites able to do something, kept for the next case with the same need. The one
# used least recently goes when there are more.
_TREES_MAX = 64
_FIRST_RING = 64
_RING_GROWTH = 4

type Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Near:
    """A site and how far it is."""

    distance_m: int
    site: Site


@dataclass(frozen=True, slots=True)
class _Spans:
    """When a skill is held where: row of the site, first and last day as ordinals; all int32."""

    rows: NDArray[np.int32]
    first: NDArray[np.int32]
    last: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class _Ground:
    """Some of the sites with a tree over their unit vectors; the rows rise."""

    rows: NDArray[np.intp]
    tree: "cKDTree | None"


class Directory:
    """An immutable snapshot of sites."""

    def __init__(
        self, sites: Sequence[Site], version: str, *, catalogue: Catalogue | None = None
    ) -> None:
        """Arrange the sites.

        Args:
            sites: In any order.
            version: The name by which a decision refers to this snapshot.
            catalogue: The schemes; those that come with the program if None.

        Raises:
            ValueError: If two sites have the same id.
        """
        self.sites = tuple(sorted(sites, key=lambda site: site.site_id))
        self.version = version
        self.catalogue = catalogue or load_catalogue()
        for one, next_one in zip(self.sites, self.sites[1:], strict=False):
            if one.site_id == next_one.site_id:
                raise ValueError(f"site {one.site_id} stands in the directory twice")
        self._units = unit_vectors([site.position for site in self.sites])
        self._spans = _spans_by_skill(self.sites, self.catalogue)
        self._grounds: OrderedDict[tuple[Expression, date, date], _Ground] = OrderedDict()
        self._whole = self._ground(np.ones(len(self.sites), dtype=np.bool_))

    @cached_property
    def digest(self) -> str:
        """Of everything a decision can depend on: the sites and the schemes, SHA-256."""
        both = f"{directory_digest(self.sites)} {self.catalogue.digest}"
        return hashlib.sha256(both.encode()).hexdigest()

    def __len__(self) -> int:
        return len(self.sites)

    def nearest(self, position: Position) -> Iterator[Near]:
        """All sites, nearest first, equally far ones by id."""
        return self._walk(self._whole, position)

    def nearest_able(
        self, position: Position, expression: Expression, *, first_day: date, last_day: date
    ) -> Iterator[Near]:
        """The sites that may satisfy the expression on one of the days, nearest first.

        Every site that satisfies it on one of the days is among them; one that satisfies its
        parts on different days may be too.
        """
        key = (expression, first_day, last_day)
        ground = self._grounds.get(key)
        if ground is None:
            mask = self._able(expression, first_day.toordinal(), last_day.toordinal())
            ground = self._grounds[key] = self._ground(mask)
            if len(self._grounds) > _TREES_MAX:
                self._grounds.popitem(last=False)
        else:
            self._grounds.move_to_end(key)
        return self._walk(ground, position)

    def _ground(self, mask: Mask) -> _Ground:
        rows = np.flatnonzero(mask)
        return _Ground(rows, cKDTree(self._units[rows]) if len(rows) else None)

    def _walk(self, ground: _Ground, position: Position) -> Iterator[Near]:
        """Ring by ring, holding back what another site of the next ring may be as near as."""
        total, count, given = len(ground.rows), _FIRST_RING, 0
        if ground.tree is None:
            return
        point = unit_vector(position)
        while given < total:
            count = min(count, total)
            _, found = ground.tree.query(point, k=[*range(1, count + 1)])
            ring = [self.sites[row] for row in ground.rows[found]]
            nears = [Near(distance_m(position, site.position), site) for site in ring]
            if count < total:
                # One metre for rounding: chords and whole metres may disagree about the last one.
                sure_m = max(near.distance_m for near in nears) - 1
                nears = [near for near in nears if near.distance_m < sure_m]
            nears.sort(key=lambda near: (near.distance_m, near.site.site_id))
            yield from nears[given:]
            given = len(nears)
            count *= _RING_GROWTH

    def _able(self, expression: Expression, first: int, last: int) -> Mask:
        match expression:
            case Skill(name):
                return self._holding(name, first, last)
            case AllOf(parts):
                least = len(parts)
            case AnyOf(parts):
                least = 1
            case AtLeast(least, parts):
                pass
            case _:
                assert_never(expression)
        counts = np.zeros(len(self.sites), dtype=np.int32)
        for part in parts:
            counts += self._able(part, first, last)
        return counts >= least

    def _holding(self, skill: str, first: int, last: int) -> Mask:
        mask = np.zeros(len(self.sites), dtype=np.bool_)
        spans = self._spans.get(skill)
        if spans is not None:
            mask[spans.rows[(spans.first <= last) & (spans.last >= first)]] = True
        return mask


def directory_digest(sites: Sequence[Site]) -> str:
    """SHA-256 over the content of the sites, whatever their order; hexadecimal.

    Each site is one line of JSON with its fields in a fixed order and its sets sorted.
    """
    lines = sorted(
        json.dumps(_content(site), ensure_ascii=False, separators=(",", ":")) for site in sites
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


type _Content = str | int | float | bool | list["_Content"] | None


def _content(site: Site) -> list[_Content]:
    return [
        site.site_id,
        site.name,
        site.position.lon_deg,
        site.position.lat_deg,
        site.country,
        [*sorted(site.vehicle_classes)],
        [*sorted(site.makes)],
        [*sorted(site.equipment)],
        [*sorted(site.access)],
        site.opening_hours,
        [
            [person.number, *sorted(map(_credential_text, person.credentials))]
            for person in sorted(site.people, key=lambda person: person.number)
        ],
    ]


def _credential_text(credential: Credential) -> str:
    until = credential.valid_until.isoformat() if credential.valid_until else "-"
    state = "revoked" if credential.is_revoked else credential.evidence.value
    parts = (credential.scheme, credential.title, credential.valid_from.isoformat(), until, state)
    return "|".join(parts)


def _spans_by_skill(sites: Sequence[Site], catalogue: Catalogue) -> dict[str, _Spans]:
    """Every title that counts where it is held, taken apart into its skills."""
    found: defaultdict[str, list[tuple[int, int, int]]] = defaultdict(list)
    skills: dict[tuple[str, str, str], frozenset[str]] = {}
    for row, site in enumerate(sites):
        for person in site.people:
            for credential in person.credentials:
                if credential.is_revoked:
                    continue
                key = (credential.scheme, credential.title, site.country)
                if key not in skills:
                    skills[key] = _skills_shown(catalogue, *key)
                span = _span(row, credential)
                for skill in skills[key]:
                    found[skill].append(span)
    return {
        skill: _Spans(*np.array(spans, dtype=np.int32).T.copy()) for skill, spans in found.items()
    }


def _skills_shown(catalogue: Catalogue, scheme: str, spelling: str, country: str) -> frozenset[str]:
    title = catalogue.find_title(scheme, spelling)
    if title is None or not catalogue.is_valid_in(scheme, spelling, country):
        return frozenset()
    return title.skills


def _span(row: int, credential: Credential) -> tuple[int, int, int]:
    until = credential.valid_until or date.max
    return row, credential.valid_from.toordinal(), until.toordinal()
