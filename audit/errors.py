"""Errors of the log, grouped by who can act on them.

AuditError
├── BrokenHeadError   somebody must look: head and entries of the log do not fit together
└── ConflictError     somebody must look: one entry was recorded twice with different content
"""

from uuid import UUID


class AuditError(Exception):
    """Root of what the audit room raises."""


class BrokenHeadError(AuditError):
    """The head was changed by something other than the sequencer."""

    def __init__(self, text: str) -> None:
        super().__init__(
            f"the head of the log is broken: {text}; the log stops growing until a backup or "
            "another holder of its heads tells what happened"
        )


class ConflictError(AuditError):
    """An entry that stands in the log was recorded again, saying something else.

    Attributes:
        entry_id: Of both.
        logged: The body that stands in the log.
        recorded: The body that wants to.
    """

    def __init__(self, entry_id: UUID, *, logged: bytes, recorded: bytes) -> None:
        super().__init__(
            f"entry {entry_id} stands in the log as {logged!r} and was recorded again as "
            f"{recorded!r}; the log stops growing until the second one is removed or explained"
        )
        self.entry_id = entry_id
        self.logged = logged
        self.recorded = recorded
