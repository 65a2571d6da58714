"""What of a site's score depends on the site alone, found out as far as somebody asks.

It is the same wherever the vehicle is and whatever it needs, so it is kept for a directory and a
policy. A site is looked at when it first competes: most of a million never do.
"""

import numpy as np
from numpy.typing import NDArray

from routing.directory.snapshot import Directory
from routing.matching.policy import THOUSAND, Policy

_POLICIES_MAX = 4  # remembered of one directory
_UNASKED = -1

type Int32s = NDArray[np.int32]


class Known:
    """By row of the directory, for those that were asked."""

    def __init__(self, directory: Directory, policy: Policy) -> None:
        """Ask nobody yet."""
        self._sites, self._policy = directory.sites, policy
        self._rule = next((term for term in policy.terms if term.name == "outcomes"), None)
        self._intake_s = np.full(len(directory), _UNASKED, dtype=np.int32)
        self._outcomes = np.zeros(len(directory), dtype=np.int32)

    def of(self, rows: NDArray[np.intp]) -> tuple[Int32s, Int32s]:
        """How long each takes to take the next vehicle, and its points for verified outcomes.

        Args:
            rows: Of any shape.

        Returns:
            Seconds, and thousandths of a point, 0 if the policy has no such term; in that shape.
        """
        intake_s = self._intake_s[rows]
        if (intake_s == _UNASKED).any():
            for row in np.unique(rows[intake_s == _UNASKED]).tolist():
                self._ask(row)
            intake_s = self._intake_s[rows]
        return intake_s, self._outcomes[rows]

    def _ask(self, row: int) -> None:
        site, policy = self._sites[row], self._policy
        self._intake_s[row] = policy.intake_s(site)
        if self._rule is not None:
            points = self._rule.rate(policy.outcomes(site)).points
            self._outcomes[row] = round(points * THOUSAND)


def known_of(directory: Directory, policy: Policy, policy_digest: str) -> Known:
    """What is known of the sites, kept for the next question.

    Args:
        directory: The sites.
        policy: The numbers.
        policy_digest: Its own; working it out takes longer than looking up what is kept.
    """
    known = directory.known.get(policy_digest)
    if known is None:
        known = directory.known[policy_digest] = Known(directory, policy)
        if len(directory.known) > _POLICIES_MAX:
            directory.known.popitem(last=False)
    return known
