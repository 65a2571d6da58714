"""What an import has to say about single rows and objects."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What became of a row."""

    REFUSED = "refused"  # malformed: nothing of the file is to be imported until it is mended
    SKIPPED = "skipped"  # well-formed, but nothing for us: not a repairer
    REPAIRED = "repaired"  # taken, with the change that `reason` states


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing to know about one row.

    Attributes:
        where: Line, feature or object id, such as ``line 7`` or ``node/123``.
        field: The column or tag.
        reason: What was expected and what came; never more of a VIN than its last four characters.
    """

    verdict: Verdict
    where: str
    field: str
    reason: str

    def __str__(self) -> str:
        return f"{self.where}: {self.field}: {self.reason}"


class FieldError(ValueError):
    """A field that cannot be read; its reader turns it into a `Finding`."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason

    def at(self, where: str) -> Finding:
        """The refusal of the row in which the field stands."""
        return Finding(verdict=Verdict.REFUSED, where=where, field=self.field, reason=self.reason)


# Where a row stands and what it says, field by field; or why it cannot be taken apart.
type Row = tuple[str, Mapping[str, str] | FieldError]
