"""Reasons in words for people, made from the data of a decision and templates for each language."""

import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

from dtc_db.need import Arrival, skills_of
from dtc_db.vehicle import VehicleClass
from routing.competence.held import Lapse, earliest_end
from routing.directory.opening import Openness
from routing.matching.eligible import NOBODY_CAN, Failure, Question, Standing, Weighed
from routing.matching.policy import Policy
from routing.model import Case, Exclusion, Rule
from routing.travel.model import Measured, Unmeasured

FALLBACK = "en"
_TOLD_MAX = 5000  # sentences remembered
_LAPSES_MAX = 2  # told of one site; more would bury the reason
_THINGS = frozenset({Rule.VEHICLE_CLASS, Rule.SKILLS, Rule.ACCESS, Rule.EQUIPMENT})

type Tables = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Reasons:
    """The templates of one language: tables of key to sentence."""

    tables: Tables
    _told: dict[Failure, str] = field(default_factory=dict, repr=False, compare=False)

    def text(self, table: str, key: str, **words: str) -> str:
        """One sentence with its words filled in."""
        return self.tables[table][key].format(**words)

    def things(self, names: Iterable[str]) -> str:
        """Skills, equipment and access in words; a name without words stands for itself."""
        return ", ".join(self.tables["things"].get(name, name) for name in sorted(names))

    def for_offer(
        self, weighed: Weighed, case: Case, *, unmeasured: Unmeasured | None = None
    ) -> tuple[str, ...]:
        """Why a place is on the list, and why its way is not told by road if others' are."""
        travel, road_m = format_duration(weighed.travel_s), weighed.road_m
        key, length_m = ("near", weighed.distance_m) if road_m is None else ("near_by_road", road_m)
        sentences = [self.text("reasons", key, distance=format_distance(length_m), travel=travel)]
        if unmeasured is not None:
            sentences.append(self.text("reasons", unmeasured.value))
        match weighed.opening.openness:
            case Openness.OPEN:
                sentences.append(self.text("reasons", "open"))
            case Openness.LATER:
                wait = format_duration(weighed.opening.wait_s)
                sentences.append(self.text("reasons", "later", wait=wait))
            case _:
                sentences.append(self.text("reasons", "hours_unknown"))
        sentences += self._competence(weighed.standing)
        assumed = self._assumed(weighed, case)
        if assumed:
            sentences.append(self.text("reasons", "assumed", things=assumed))
        return tuple(sentences)

    def nearer(self, exclusion: Exclusion) -> str:
        """Why not the nearer one."""
        distance = format_distance(exclusion.distance_m)
        return self.text(
            "reasons", "nearer", name=exclusion.site.name, distance=distance, why=exclusion.why
        )

    def for_failure(self, failure: Failure, lapses: Sequence[Lapse]) -> str:
        """Why a place is not on the list, with the titles that almost would have done."""
        if failure.rule not in _THINGS or lapses:
            return self._for_failure(failure, lapses)
        # The same few sentences are needed again and again.
        why = self._told.get(failure)
        if why is None:
            if len(self._told) >= _TOLD_MAX:
                self._told.clear()
            why = self._told[failure] = self._for_failure(failure, ())
        return why

    def _for_failure(self, failure: Failure, lapses: Sequence[Lapse]) -> str:
        if failure.missing == (NOBODY_CAN,):
            return self.text("excluded", "skills_impossible")
        is_named = failure.rule in _THINGS
        missing = self.things(failure.missing) if is_named else ", ".join(failure.missing)
        sentences = [self.text("excluded", failure.rule.value, missing=missing)]
        sentences += [self._lapse(lapse) for lapse in _told(lapses)]
        return "; ".join(sentences)

    def outranked(self, points: float) -> str:
        """Why an eligible place is not on the list."""
        return self.text("excluded", "outranked", missing=f"{points:g}")

    def no_position(self) -> str:
        """Why there is no list at all."""
        return self.text("notices", "no_position")

    def towed_instead(self, radius_m: int) -> str:
        """Why a vehicle that could limp is towed."""
        return self.text("notices", "towed_instead", radius=format_distance(radius_m))

    def search_ended(self, searched: int) -> str:
        """That the search was not taken to its end."""
        return self.text("notices", "search_ended", searched=str(searched))

    def nearest_measured(self, competing: int) -> str:
        """That others beyond those who competed might be sooner by road."""
        return self.text("notices", "nearest_measured", competing=str(competing))

    def nobody(  # noqa: PLR0913 - all that an empty list has to explain
        self,
        case: Case,
        arrival: Arrival,
        radius_m: int,
        excluded: Sequence[Exclusion],
        beyond: Exclusion | None,
        *,
        is_skilled: bool,
    ) -> tuple[str, ...]:
        """Why the list is empty, how far the nearest competent place is, what to do meanwhile.

        Args:
            case: Nobody may mend it.
            arrival: How it was to get there.
            radius_m: How far.
            excluded: The nearest sites.
            beyond: The nearest of those that are only too far.
            is_skilled: Whether people somewhere hold the skills.
        """
        sentences = [self._counts(excluded, radius_m)]
        if beyond is None and is_skilled:
            sentences.append(self.text("notices", "beyond_fails"))
        elif beyond is None:
            skills = self.things(skills_of(case.need.skills))
            sentences.append(self.text("notices", "beyond_none", skills=skills))
        else:
            distance = format_distance(beyond.distance_m)
            sentences.append(
                self.text("notices", "beyond", name=beyond.site.name, distance=distance)
            )
        sentences.append(self.text("notices", f"meanwhile_{arrival.value}"))
        return tuple(sentences)

    def about_case(
        self, case: Case, arrival: Arrival, measured: Measured | None = None
    ) -> tuple[str, ...]:
        """What the reader must know whatever the list says."""
        keys = []
        if arrival is not Arrival.DRIVES:
            keys.append(arrival.value)
        if case.vehicle.vehicle_class is VehicleClass.UNKNOWN:
            keys.append("class_unknown")
        if not case.is_registered:
            keys.append("unregistered")
        sentences = [self.text("notices", key) for key in keys]
        if arrival is Arrival.TOWED and case.need.recovery:
            skills = self.things(case.need.recovery)
            sentences.append(self.text("notices", "recovery", skills=skills))
        sentences += [self.text("notices", key) for key in (_times_from(measured), "free_choice")]
        return tuple(sentences)

    def about_policy(self, policy: Policy) -> list[str]:
        """How lists are made, in plain words."""
        words = {
            "competing": str(policy.ranked_max),
            "offered": str(policy.offers_max),
            "terms": ", ".join(term.name for term in policy.terms),
        }
        return [self.text("policy", key, **words) for key in self.tables["policy"]]

    def _competence(self, standing: Standing) -> list[str]:
        if not standing.evidence:
            return []
        skills = self.things(found.skill for found in standing.evidence)
        weakest = self.tables["evidence"][standing.weakest.value]
        sentences = [
            self.text("reasons", "competent", skills=skills),
            self.text("reasons", "weakest", evidence=weakest),
        ]
        end = earliest_end(standing.evidence)
        if end is not None:
            sentences.append(self.text("reasons", "until", date=end.isoformat()))
        return sentences

    def _assumed(self, weighed: Weighed, case: Case) -> str:
        """What the case needs and the site never stated, in words; empty if nothing."""
        names = [] if weighed.site.equipment else [*case.need.equipment]
        if not weighed.site.vehicle_classes:
            wanted = Question.of(case).vehicle_class
            names += [] if wanted is VehicleClass.CAR else [wanted.value]
        return self.things(names)

    def _lapse(self, lapse: Lapse) -> str:
        credential = lapse.credential
        day = credential.valid_until if lapse.shortfall == "expired" else credential.valid_from
        return self.text(
            "lapses",
            lapse.shortfall.value,
            title=credential.title,
            person=str(lapse.person),
            date=day.isoformat() if day else "",
        )

    def _counts(self, excluded: Sequence[Exclusion], radius_m: int) -> str:
        if not excluded:
            return self.text("notices", "nobody_at_all")
        by_rule = Counter(one.rule for one in excluded)
        lacking = Counter(
            name for one in excluded if one.rule is Rule.SKILLS for name in one.missing
        )
        # Most common first; `sorted` by name before keeps equal counts in a fixed order.
        most = sorted(lacking, key=lambda name: (-lacking[name], name))[:1]
        counts = ", ".join(
            self.text("rules", rule.value, count=str(by_rule[rule]), missing=self.things(most))
            for rule in Rule
            if by_rule[rule]
        )
        radius, weighed = format_distance(radius_m), str(len(excluded))
        return self.text("notices", "nobody", radius=radius, weighed=weighed, counts=counts)


def _times_from(measured: Measured | None) -> str:
    if measured is None:
        return "estimate"
    return "by_road" if measured.setback is None else measured.setback.value


@cache
def load_reasons(lang: str = FALLBACK) -> Reasons:
    """The words of a language; English where a sentence or the whole language is missing."""
    languages = _load()
    fallback, chosen = languages[FALLBACK], languages.get(lang, {})
    return Reasons({table: {**fallback[table], **chosen.get(table, {})} for table in fallback})


def format_distance(distance_m: int) -> str:
    """``850 m`` below a kilometre, ``12.3 km`` below a hundred, whole kilometres above."""
    if distance_m < 1000:
        return f"{distance_m} m"
    return f"{distance_m / 1000:.1f} km" if distance_m < 100_000 else f"{distance_m // 1000} km"


def format_duration(duration_s: int) -> str:
    """``25 min`` below two hours, ``3 h 10 min`` below a day and ``2 d 5 h`` above."""
    minutes = max(1, round(duration_s / 60))
    if minutes < 120:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min"
    return f"{hours // 24} d {hours % 24} h"


@cache
def _load() -> Mapping[str, Tables]:
    content = resources.files("routing.data").joinpath("texts.toml").read_text("utf-8")
    return tomllib.loads(content)


def _told(lapses: Sequence[Lapse]) -> list[Lapse]:
    """One lapse for each title, the first few: a title that shows several skills is told once."""
    by_title = {(lapse.person, lapse.credential): lapse for lapse in reversed(lapses)}
    return [*reversed(by_title.values())][:_LAPSES_MAX]
