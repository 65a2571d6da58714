"""Puts eligible sites in order: a sum of published points, never money.

Each term of the policy measures one thing in its own unit and turns it into points by its curve.
Equal sums are ordered by distance and then by the site's id, so that an order never depends on
anything that nobody can look up.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from dtc_db.need import Expression
from routing.competence import STRENGTH
from routing.eligible import Weighed
from routing.expression import enough
from routing.model import Case, Evidence, SkillEvidence, Term
from routing.opening import Openness
from routing.policy import DIGITS, Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """An eligible site with its points and the evidence they rest on."""

    weighed: Weighed
    score: float
    terms: tuple[Term, ...]
    evidence: tuple[SkillEvidence, ...]


def rank(eligible: Sequence[Weighed], case: Case, policy: Policy) -> tuple[Ranked, ...]:
    """The sites, best first. Every one of them must satisfy the case's need."""
    ranked = [_rate(weighed, case.need.skills, policy) for weighed in eligible]
    ranked.sort(key=lambda one: (-one.score, one.weighed.distance_m, one.weighed.site.site_id))
    return tuple(ranked)


def strongest_evidence(
    weighed: Weighed, expression: Expression
) -> tuple[Evidence, tuple[SkillEvidence, ...]]:
    """The titles that satisfy the need with the strongest weakest link, and how strong that is.

    Raises:
        ValueError: If the site does not satisfy the need; it must not have come here.
    """
    for evidence in reversed(Evidence):
        names = enough(
            expression,
            {
                name
                for name, found in weighed.held.items()
                if STRENGTH[found.evidence] >= STRENGTH[evidence]
            },
        )
        if names is not None:
            return evidence, tuple(weighed.held[name] for name in names)
    raise ValueError(f"site {weighed.site.site_id} is not competent and cannot be ranked")


def _rate(weighed: Weighed, expression: Expression, policy: Policy) -> Ranked:
    weakest, evidence = strongest_evidence(weighed, expression)
    is_known = weighed.opening.openness is not Openness.UNKNOWN
    measured: dict[str, float | None] = {
        "travel": weighed.travel_s,
        "wait": weighed.opening.wait_s if is_known else None,
        "evidence": STRENGTH[weakest],
    }
    terms = tuple(rule.rate(measured[rule.name]) for rule in policy.terms)
    return Ranked(
        weighed=weighed,
        score=round(sum(term.points for term in terms), DIGITS),
        terms=terms,
        evidence=evidence,
    )
