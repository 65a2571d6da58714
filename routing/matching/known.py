"""What of a site's score depends on the site alone, for all sites of a directory as arrays.

It is the same wherever the vehicle is and whatever it needs, so it is found out once for a
directory and a policy. Of most sites nothing is known; only the others are asked one by one.
"""

from dataclasses import dataclass
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from routing.directory.snapshot import Directory
from routing.matching.policy import THOUSAND, Policy

type Int32s = NDArray[np.int32]

_POLICIES_MAX = 4  # remembered of one directory
_stated_of = attrgetter("cases_per_day", "outcomes")
_NOTHING_STATED = None, None


@dataclass(frozen=True, slots=True)
class Known:
    """By row of the directory.

    Attributes:
        intake_s: How long a site that is open takes to take the next vehicle.
        outcomes: Points for verified outcomes, in thousandths; 0 if the policy has no such term.
    """

    intake_s: Int32s
    outcomes: Int32s


def known_of(directory: Directory, policy: Policy, policy_digest: str) -> Known:
    """What is known of the sites, kept for the next question.

    Args:
        directory: The sites.
        policy: The numbers.
        policy_digest: Its own; working it out takes longer than looking up what is kept.
    """
    known = directory.known.get(policy_digest)
    if known is None:
        known = directory.known[policy_digest] = _find_out(directory, policy)
        if len(directory.known) > _POLICIES_MAX:
            directory.known.popitem(last=False)
    return known


def _find_out(directory: Directory, policy: Policy) -> Known:
    sites = directory.sites
    rule = next((term for term in policy.terms if term.name == "outcomes"), None)
    nothing = 0 if rule is None else round((rule.unknown or 0) * THOUSAND)
    usual_s = 0 if policy.slots is None else policy.slots.intake_s(None)
    known = Known(
        intake_s=np.full(len(sites), usual_s, dtype=np.int32),
        outcomes=np.full(len(sites), nothing, dtype=np.int32),
    )
    for row, stated in enumerate(map(_stated_of, sites)):
        if stated != _NOTHING_STATED:
            known.intake_s[row] = policy.intake_s(sites[row])
            if rule is not None:
                points = rule.rate(policy.outcomes(sites[row])).points
                known.outcomes[row] = round(points * THOUSAND)
    return known
