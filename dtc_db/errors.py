"""Errors of the knowledge, grouped by who can act on them.

DtcDbError
├── MalformedCodeError   whoever wrote the code must write it differently
├── MalformedEntryError  whoever made the list must mend the row
├── MalformedRuleError   whoever makes the rule must say it differently
└── TableError           whoever edits a data table must mend the named line
"""


class DtcDbError(Exception):
    """Root of what this room raises."""


class MalformedCodeError(DtcDbError):
    """A text or bytes that no trouble code has; the message says which part is wrong.

    Attributes:
        given: What came, cut to a length that fits a line.
    """

    def __init__(self, given: str, reason: str) -> None:
        self.given = given[:40]
        super().__init__(f"{self.given!r} is no trouble code: {reason}")


class MalformedEntryError(DtcDbError):
    """A row of somebody's list that says nothing we could repeat."""


class MalformedRuleError(DtcDbError):
    """A rule that nobody could apply, or that would silence too much."""


class TableError(DtcDbError):
    """A line of a data table that cannot be read; the message names file and line."""

    def __init__(self, table: str, line: int, reason: str) -> None:
        super().__init__(f"{table} line {line}: {reason}")
