"""How repairs at a site went, and how much of that may be expected of the next one.

What counts is not the share that held but the least that the share may well be: two of two say
little, ninety-five of a hundred say much. A published prior stands beside what was seen, as if a
few more repairs were known of every site.
"""

from dataclasses import dataclass
from math import sqrt


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Verified repairs of one site.

    Attributes:
        held: The vehicle's faults went off and did not come back within the published time.
        came_back: One of them did.

    Raises:
        ValueError: If either is negative.
    """

    held: int
    came_back: int

    def __post_init__(self) -> None:
        if self.held < 0 or self.came_back < 0:
            raise ValueError("repairs are counted from 0")

    @property
    def count(self) -> int:
        """All of them."""
        return self.held + self.came_back


def least_share_per_mille(held: float, count: float, *, z: float) -> int:
    """The lower end of Wilson's interval for a share, in thousandths.

    Args:
        held: Of `count`, at most that many.
        count: More than 0.
        z: How many standard deviations; 1.282 leaves one site in ten below it.

    References:
        Wilson, E. B. (1927), "Probable inference, the law of succession, and statistical
        inference", Journal of the American Statistical Association 22, 209-212.
    """
    share, square = held / count, z * z
    middle = share + square / (2 * count)
    spread = z * sqrt(share * (1 - share) / count + square / (4 * count * count))
    return max(0, round(1000 * (middle - spread) / (1 + square / count)))
