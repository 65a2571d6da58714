"""When a program that died is started again: back-off as pure numbers."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartPolicy:
    """How patient we are with a program that keeps dying; we never give up on it.

    Attributes:
        first_s: Longest wait before the first restart.
        max_s: Longest wait ever.
        stable_s: A program that lived this long is forgiven its earlier deaths.
    """

    first_s: float = 0.2
    max_s: float = 10.0
    stable_s: float = 5.0

    def deaths_after(self, deaths: int, *, life_s: float) -> int:
        """Count a death: the number of deaths in a row, this one included."""
        return 1 if life_s >= self.stable_s else deaths + 1

    def delay_s(self, deaths: int, *, chance: float) -> float:
        """Say how long to wait before the next start.

        Args:
            deaths: In a row, 1 or more; each doubles the wait until ``max_s``.
            chance: In [0, 1); spreads the wait over the upper half, so that several programs that
                lost the same server do not all come back in the same instant.
        """
        # 2 ** 64 is beyond every sensible max_s / first_s; more would overflow a float.
        longest_s = min(self.max_s, self.first_s * 2.0 ** min(deaths - 1, 64))
        return longest_s * (0.5 + chance / 2)
