"""Puts eligible sites in order: a sum of published points, never money.

Each term of the policy measures one thing in its own unit and turns it into points by its curve.
Equal sums are ordered by distance and then by the site's id, so that an order never depends on
anything that nobody can look up. Everything is counted in whole thousandths of a point.
"""

from routing.competence.held import STRENGTH
from routing.decision import Term
from routing.directory.opening import Openness
from routing.matching.eligible import Weighed
from routing.matching.policy import Policy
from routing.matching.principal import NOTHING_WISHED, Agreement


def terms_of(
    weighed: Weighed, policy: Policy, agreement: Agreement | None = None, *, seed: str = ""
) -> tuple[Term, ...]:
    """The parts of an eligible site's score, in the policy's order.

    Args:
        weighed: The site.
        policy: For its terms.
        agreement: Whose wishes count; nobody's if None.
        seed: Of the lots; none are drawn if empty.

    Raises:
        ValueError: If the site is not eligible; it must not have come here.
    """
    if weighed.failure is not None:
        raise ValueError(f"site {weighed.site.site_id} breaks a rule and cannot be ranked")
    site, wait_s = weighed.site, weighed.opening.wait_s
    is_known = weighed.opening.openness is not Openness.UNKNOWN
    measured: dict[str, int | None] = {
        "travel": weighed.travel_s,
        "wait": wait_s if is_known else None,
        "slot": wait_s + policy.intake_s(site) if is_known else None,
        "outcomes": policy.outcomes(site),
        "evidence": STRENGTH[weighed.standing.weakest],
        "turn": policy.draw(seed, site),
        **(NOTHING_WISHED if agreement is None else agreement.measure(site)),
    }
    return tuple(rule.rate(measured[rule.name]) for rule in policy.terms)
