"""What became of a load: counts, and latencies from the moment at which each report was due."""

from array import array
from dataclasses import dataclass, field


@dataclass(slots=True)
class Account:
    """The books of one load.

    Attributes:
        due: Distinct reports whose time came.
        sent: Messages that went out, with repeats.
        duplicates: Of these, sent twice by plan.
        resent: Of these, sent again because no receipt had come.
        unanswerable: Distinct reports in which nobody can read an id; the broker's word has to do.
        confirmed: Messages that the broker has confirmed.
        receipted: Distinct reports for which a receipt came.
        let_go: Distinct reports that their unit has forgotten, rightly or not.
        dropped: Repeats by plan that no line could take at their time.
        behind_s_max: How late the sender itself was; large means that it could not keep up.
        held_back_s: For how long it paused, because too many reports were without a receipt.
        latencies_s: From due to receipt, for live reports.
    """

    due: int = 0
    sent: int = 0
    duplicates: int = 0
    resent: int = 0
    unanswerable: int = 0
    confirmed: int = 0
    receipted: int = 0
    let_go: int = 0
    dropped: int = 0
    referrals: int = 0
    connections: int = 0
    behind_s_max: float = 0.0
    held_back_s: float = 0.0
    sending_s: float = 0.0
    total_s: float = 0.0
    processor_s: float = 0.0
    latencies_s: array[float] = field(default_factory=lambda: array("d"))

    @property
    def open(self) -> int:
        """Distinct reports that still wait for their unit to let them go."""
        return self.due - self.unanswerable - self.let_go

    def summary(self) -> dict[str, float | int | None]:
        """Give the books as one flat object; the last step before it is printed."""
        ordered = sorted(self.latencies_s)
        counts: dict[str, float | int | None] = {
            name: getattr(self, name)
            for name in (
                "due", "sent", "duplicates", "resent", "unanswerable", "confirmed", "receipted",
                "let_go", "open", "dropped", "referrals", "connections",
            )
        }  # fmt: skip
        return counts | {
            "seconds": round(self.total_s, 3),
            "due_per_s": round(self.due / self.sending_s, 1) if self.sending_s else None,
            "receipted_per_s": round(self.receipted / self.total_s, 1) if self.total_s else None,
            "processor_us_per_message": (
                round(self.processor_s / self.sent * 1e6, 1) if self.sent else None
            ),
            "behind_ms_max": round(self.behind_s_max * 1000, 1),
            "held_back_s": round(self.held_back_s, 3),
            "latency_ms_p50": percentile_ms(ordered, 0.50),
            "latency_ms_p99": percentile_ms(ordered, 0.99),
            "latency_ms_max": percentile_ms(ordered, 1.0),
        }


def percentile_ms(ordered_s: list[float], share: float) -> float | None:
    """Give the value below which a share of sorted values lies; None if there are none."""
    if not ordered_s:
        return None
    return round(ordered_s[min(len(ordered_s) - 1, int(share * len(ordered_s)))] * 1000, 2)
