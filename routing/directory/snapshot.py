"""All sites at one version, in memory, arranged so that the near and competent ones are found fast.

A snapshot never changes. For a need it is asked for the sites whose people hold the skills at some
time within a span of days; whether they hold them at the hour of arrival, and all the other rules,
are to be checked on the few of them that are near. It also keeps what was found out in this way.
"""

import hashlib
from collections import OrderedDict, defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, fields
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, assert_never

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from dtc_db.need import AllOf, AnyOf, AtLeast, Expression, Skill
from routing.competence.catalogue import Catalogue, load_catalogue
from routing.directory.areas import Areas
from routing.geo import unit_vectors
from routing.model import Credential, Person, Site

if TYPE_CHECKING:
    from routing.directory.hours import HoursTable
    from routing.directory.table import Table

type Mask = NDArray[np.bool_]
type Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class _Spans:
    """When a skill is held where: row of the site, first and last day as ordinals; all int32."""

    rows: NDArray[np.int32]
    first: NDArray[np.int32]
    last: NDArray[np.int32]


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
        sites: Ordered by id, so that rows are.
        whole: All of them.
        areas: Where those of them go that have no workshop.
        tables: What was found out about the sites, by question; kept by `routing.directory.table`.
        hours: When the sites are open, by day; kept by `routing.directory.hours`.
    """

    def __init__(
        self,
        sites: Sequence[Site],
        version: str,
        *,
        catalogue: Catalogue | None = None,
        digest: str | None = None,
    ) -> None:
        """Arrange the sites.

        Args:
            sites: In any order.
            version: The name by which a decision refers to this snapshot.
            catalogue: The schemes; those that come with the program if None.
            digest: Of the directory that these sites are an extract of; None for a whole one.

        Raises:
            ValueError: If two sites have the same id.
        """
        self.sites = tuple(sorted(sites, key=lambda site: site.site_id))
        self.version = version
        self.catalogue = catalogue or load_catalogue()
        self._digest_of_whole = digest
        for one, next_one in zip(self.sites, self.sites[1:], strict=False):
            if one.site_id == next_one.site_id:
                raise ValueError(f"site {one.site_id} stands in the directory twice")
        self._units = unit_vectors([site.position for site in self.sites])
        self._spans = _spans_by_skill(self.sites, self.catalogue)
        self.areas = Areas(self.sites)
        self.whole = self.ground(np.arange(len(self.sites)))
        self.tables: OrderedDict[Hashable, Table] = OrderedDict()
        self.hours: OrderedDict[date, HoursTable] = OrderedDict()

    @cached_property
    def digest(self) -> str:
        """Of everything a decision can depend on: the sites and the schemes, SHA-256."""
        if self._digest_of_whole is not None:
            return self._digest_of_whole
        both = f"{directory_digest(self.sites)} {self.catalogue.digest}"
        return hashlib.sha256(both.encode()).hexdigest()

    def __len__(self) -> int:
        return len(self.sites)

    def able(self, expression: Expression, *, first_day: date, last_day: date) -> Rows:
        """The sites that may satisfy the expression on one of the days.

        Every site that satisfies it on one of the days is among them; one that satisfies its
        parts on different days may be too.
        """
        return np.flatnonzero(self._able(expression, first_day.toordinal(), last_day.toordinal()))

    def ground(self, rows: Rows) -> Ground:
        """These sites, to be searched."""
        return Ground(rows, cKDTree(self._units[rows]))

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
    """SHA-256 over the content of the sites, whatever their order or that of their people.

    Each site is JSON with its fields in the order of their definition and its sets sorted. Of the
    later fields only those are in it that say something, by name, so that a site has the same
    digest as before there were such fields.
    """
    digest = hashlib.sha256()
    for site in sorted(sites, key=lambda site: site.site_id):
        encoded = sorted(map(_person_bytes, site.people))
        own = [getattr(site, name) for name in _SITE_FIELDS]
        said = {name: getattr(site, name) for name in _LATER if getattr(site, name) != _LATER[name]}
        own += [said] if said else []
        digest.update(b"".join((_JSON.encode(own), b"[", b",".join(encoded), b"]")))
    return digest.hexdigest()


_JSON = msgspec.json.Encoder(order="deterministic")
_AFTER = [field.name for field in fields(Site)].index("people")
_SITE_FIELDS = tuple(field.name for field in fields(Site)[:_AFTER])
_LATER = {field.name: field.default for field in fields(Site)[_AFTER + 1 :]}
_PERSON_FIELDS = tuple(field.name for field in fields(Person) if field.name != "credentials")


def _person_bytes(person: Person) -> bytes:
    own = [getattr(person, name) for name in _PERSON_FIELDS]
    return _JSON.encode(own) + b",".join(sorted(map(_JSON.encode, person.credentials)))


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
