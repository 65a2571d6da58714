"""Puts an assessment into counts that may be shown, and into words.

A count that is small, but not nothing, is masked; and where the parts of a sum would give it away,
the other part is masked too.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources

from dtc_db.languages import column_of
from dtc_db.skills import load_vocabulary
from routing.assessment.assess import (
    SHOWN_MIN,
    Advice,
    Assessment,
    Change,
    ChangeKind,
    Ending,
    shown,
)
from routing.competence.catalogue import Catalogue, in_language


@dataclass(frozen=True, slots=True, kw_only=True)
class AdviceReport:
    """A change as it may be shown.

    Attributes:
        opens: None if it is a small count.
        means: Of the title or the thing, in plain words.
        issuer: Who issues the title; empty for anything else, as `validity` and `page`.
    """

    kind: ChangeKind
    name: str
    scheme: str
    opens: int | None
    same: tuple[str, ...]
    means: str
    issuer: str
    validity: str
    page: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EndingReport:
    """A title that ends, as it may be shown."""

    person: int
    scheme: str
    title: str
    ends: date
    loses: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AssessmentReport:
    """An assessment as it may be shown; a count is None where it is masked."""

    site: str
    day: date
    days: int
    total: int | None
    able: int | None
    unable: int | None
    advice: tuple[AdviceReport, ...]
    endings: tuple[EndingReport, ...]


def report(
    found: Assessment, *, day: date, days: int, lang: str, catalogue: Catalogue
) -> AssessmentReport:
    """The assessment without anything that could point at a vehicle or a competitor.

    Args:
        found: What was found.
        day: For which people and titles were asked.
        days: Length of the period that was looked at.
        lang: Of the plain words; English for one that is not known.
        catalogue: The schemes.
    """
    able, unable = shown(len(found.able)), shown(len(found.unable))
    if able is None or unable is None:
        able = None if found.able else 0
        unable = None if found.unable else 0
    return AssessmentReport(
        site=found.site.site_id,
        day=day,
        days=days,
        total=shown(len(found.able) + len(found.unable)),
        able=able,
        unable=unable,
        advice=tuple(_advice(one, lang, catalogue) for one in found.advice),
        endings=tuple(map(_ending, found.endings)),
    )


def sentences(seen: AssessmentReport, *, lang: str) -> Iterator[str]:
    """The report in words; in English for a language that is not known."""
    words = _load().get(lang, _load()["en"])
    counts = {
        name: _count(count, words)
        for name, count in (("total", seen.total), ("able", seen.able), ("unable", seen.unable))
    }
    if seen.total == 0:
        yield words["none"].format(days=seen.days)
        return
    yield words["total"].format(days=seen.days, **counts)
    for advice in seen.advice:
        yield " ".join(_advice_sentences(advice, words))
    if not seen.advice and seen.unable != 0:
        yield words["nothing"]
    for ending in seen.endings:
        yield words["ending"].format(
            title=ending.title,
            person=ending.person,
            date=ending.ends.isoformat(),
            count=_count(ending.loses, words),
        )
    yield words["caveat"].format(day=seen.day.isoformat())


def _advice_sentences(advice: AdviceReport, words: Mapping[str, str]) -> Iterator[str]:
    count = _count(advice.opens, words)
    yield words[advice.kind].format(
        title=advice.name,
        scheme=advice.scheme,
        thing=words.get(f"class_{advice.name}", advice.name),
        count=count,
    )
    if advice.same:
        yield words["same"].format(titles=", ".join(advice.same))
    if advice.means:
        yield words["means"].format(text=advice.means)
    if advice.issuer:
        yield words["issuer"].format(text=advice.issuer + ".")
        yield words["validity"].format(text=advice.validity)
    if advice.page:
        yield words["page"].format(page=advice.page)


def _count(count: int | None, words: Mapping[str, str]) -> str:
    return words["few"].format(count=SHOWN_MIN) if count is None else str(count)


def _advice(advice: Advice, lang: str, catalogue: Catalogue) -> AdviceReport:
    change = advice.change
    scheme = catalogue.schemes.get(change.scheme)
    return AdviceReport(
        kind=change.kind,
        name=change.name,
        scheme=change.scheme,
        opens=shown(len(advice.opened)),
        same=tuple(f"{one.name} ({one.scheme})" if one.scheme else one.name for one in advice.same),
        means=_meaning(change, lang, catalogue),
        issuer=in_language(scheme.issuer, lang) if scheme else "",
        validity=in_language(scheme.validity, lang) if scheme else "",
        page=(scheme.page or "") if scheme else "",
    )


def _ending(ending: Ending) -> EndingReport:
    return EndingReport(
        person=ending.person,
        scheme=ending.credential.scheme,
        title=ending.credential.title,
        ends=ending.ends,
        loses=shown(len(ending.lost)),
    )


def _meaning(change: Change, lang: str, catalogue: Catalogue) -> str:
    """Plain words for a title or a thing; none for a kind of vehicle."""
    title = catalogue.find_title(change.scheme, change.name)
    if title is not None:
        return in_language(title.text, lang)
    vocabulary = load_vocabulary()
    texts = {**vocabulary.equipment, **vocabulary.access}.get(change.name)
    if texts is None:
        return ""
    return texts[column_of(lang)] + "."


@cache
def _load() -> Mapping[str, Mapping[str, str]]:
    content = resources.files("routing.assessment").joinpath("texts.toml").read_text("utf-8")
    return tomllib.loads(content)
