"""All sites at one version, in memory, arranged so that the near and competent ones are found fast.

A snapshot never changes. For a need it is asked for the sites whose people hold the skills at some
time within a span of days; whether they hold them at the hour of arrival, and all the other rules,
are to be checked on the few of them that are near. It also keeps what was found out in this way.
"""

import hashlib
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from itertools import compress, pairwise
from operator import attrgetter
from typing import TYPE_CHECKING, assert_never

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from dtc_db.need import AllOf, AnyOf, AtLeast, Expression, Skill
from routing.competence.catalogue import Catalogue, load_catalogue
from routing.directory.areas import Areas
from routing.directory.arrange import Arranged, arrange, columns_of, merge
from routing.directory.digest import site_digests, whole_digest
from routing.model import Site

if TYPE_CHECKING:
    from routing.directory.hours import HoursTable
    from routing.directory.table import Table
    from routing.matching.known import Known

type Mask = NDArray[np.bool_]
type Rows = NDArray[np.intp]

_by_id = attrgetter("site_id")


@dataclass(frozen=True, slots=True)
class Ground:
    """Some of the sites with a tree over their unit vectors.

    Attributes:
        rows: Their places in `Directory.sites`, rising.
        tree: Over their unit vectors, in the order of the rows; it may be empty.
    """

    rows: Rows
    tree: "cKDTree"


class Directory:
    """An immutable snapshot of sites.

    Attributes:
        sites: Ordered by id, so that rows are; each may be made when it is first looked at.
        whole: All of them.
        areas: Where those of them go that have no workshop.
        tables: What was found out about the sites, by question; kept by `routing.directory.table`.
        hours: When the sites are open, by day; kept by `routing.directory.hours`.
        known: What of a score depends on the site alone; kept by `routing.matching.known`.
    """

    def __init__(
        self,
        sites: Sequence[Site],
        version: str,
        *,
        catalogue: Catalogue | None = None,
        digest: str | None = None,
        arranged: Arranged | None = None,
    ) -> None:
        """Arrange the sites.

        Args:
            sites: In any order; in that of their ids, each once, if they are arranged.
            version: The name by which a decision refers to this snapshot.
            catalogue: The schemes; those that come with the program if None.
            digest: Of the directory that these sites are an extract of; None for a whole one.
            arranged: These sites, if somebody has them so; then none of them is looked at.

        Raises:
            ValueError: If two sites have the same id.
        """
        self.catalogue = catalogue or load_catalogue()
        if arranged is None:
            sites = _ordered(sites)
            arranged = arrange(columns_of(sites), self.catalogue)
        self.sites = sites
        self.version = version
        self._arranged = arranged
        self._digest_of_whole = digest
        self.areas = Areas(sites, arranged.is_van)
        self.whole = self.ground(np.arange(len(sites)))
        self.tables: OrderedDict[Hashable, Table] = OrderedDict()
        self.hours: OrderedDict[date, HoursTable] = OrderedDict()
        self.known: OrderedDict[str, Known] = OrderedDict()

    def changed(
        self, sites: Sequence[Site], *, gone: Collection[str] = (), version: str
    ) -> "Directory":
        """The snapshot that follows when some sites change; this one stays as it is.

        It is the same as one made of all sites anew, in the time that those take which changed.

        Args:
            sites: As they are now, each id once; those that were not there are added.
            gone: Ids of sites that are there no longer.
            version: The new one.
        """
        out = {*gone, *(site.site_id for site in sites)}
        stays = [site.site_id not in out for site in self.sites]
        ordered = sorted([*compress(self.sites, stays), *sites], key=_by_id)
        row_of = {site.site_id: row for row, site in enumerate(ordered)}
        places = [
            *(
                row_of[one.site_id] if stay else -1
                for one, stay in zip(self.sites, stays, strict=True)
            ),
            *(row_of[one.site_id] for one in sites),
        ]
        new = arrange(columns_of(sites), self.catalogue)
        if self._arranged.digests is not None:
            new = replace(new, digests=site_digests(sites))
        arranged = merge(self._arranged, new, np.array(places, dtype=np.intp))
        return Directory(tuple(ordered), version, catalogue=self.catalogue, arranged=arranged)

    @cached_property
    def digest(self) -> str:
        """Of everything a decision can depend on: the sites and the schemes, SHA-256."""
        if self._digest_of_whole is not None:
            return self._digest_of_whole
        digests = self._arranged.digests
        if digests is None:
            self.sites = tuple(self.sites)  # every one is looked at now
            digests = site_digests(self.sites)
            self._arranged = replace(self._arranged, digests=digests)
        both = f"{whole_digest(digests)} {self.catalogue.digest}"
        return hashlib.sha256(both.encode()).hexdigest()

    def __len__(self) -> int:
        return len(self.sites)

    def find(self, site_id: str) -> Site | None:
        """The site with this id."""
        row = bisect_left(self.sites, site_id, key=_by_id)
        if row == len(self.sites) or self.sites[row].site_id != site_id:
            return None
        return self.sites[row]

    def able(self, expression: Expression, *, first_day: date, last_day: date) -> Rows:
        """The sites that may satisfy the expression on one of the days.

        Every site that satisfies it on one of the days is among them; one that satisfies its
        parts on different days may be too.
        """
        return np.flatnonzero(self._able(expression, first_day.toordinal(), last_day.toordinal()))

    def ground(self, rows: Rows) -> Ground:
        """These sites, to be searched."""
        return Ground(rows, cKDTree(self._arranged.units[rows]))

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
        spans = self._arranged.spans.get(skill)
        if spans is not None:
            mask[spans.rows[(spans.first <= last) & (spans.last >= first)]] = True
        return mask


def _ordered(sites: Sequence[Site]) -> tuple[Site, ...]:
    """By id.

    Raises:
        ValueError: If two have the same.
    """
    ordered = tuple(sorted(sites, key=_by_id))
    for one, next_one in pairwise(ordered):
        if one.site_id == next_one.site_id:
            raise ValueError(f"site {one.site_id} stands in the directory twice")
    return ordered
