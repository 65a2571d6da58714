"""Errors of the front door, grouped by who can act on them.

RightbayError              one line on stderr, exit code 1
├── SettingsError          the operator must fix the environment (exit code 2)
├── NothingRunsError       the operator must start `rightbay up` or name a server
├── AlreadyRunningError    another `up` has this data folder; stop it or take another folder
├── PortInUseError         the operator chose a port that somebody else has
├── StartError             a program did not become ready; its last words are in the message
├── UnreachableError       a server that the environment names does not answer
├── RecordingError         a recording cannot be read; give another file
├── NoReceiptError         nobody answered for what was sent; see whether a gateway runs
└── RefusedRowsError       rows of a file are wrong, and nothing was imported; mend them
"""

from collections.abc import Sequence


class RightbayError(Exception):
    """Root of what the front door raises; its text is made for the person at the terminal."""

    exit_code = 1


class SettingsError(RightbayError):
    """A variable is missing or has a value nobody can use; nothing was started."""

    exit_code = 2


class NothingRunsError(RightbayError):
    """A command needs a running instance, and there is none."""


class AlreadyRunningError(RightbayError):
    """The data folder belongs to a living `up`."""


class PortInUseError(RightbayError):
    """A port that was asked for by name is taken."""


class StartError(RightbayError):
    """A program ended, or stayed silent for too long, before it was ready."""


class UnreachableError(RightbayError):
    """A server outside does not answer, or refuses us."""


class RecordingError(RightbayError):
    """A recording is of no known format, or broken."""


class NoReceiptError(RightbayError):
    """Reports were sent, and for some of them no receipt came in time."""


class RefusedRowsError(RightbayError):
    """A file to import has rows that cannot be taken; nothing of it was."""

    SHOWN_MAX = 20

    def __init__(self, source: str, refusals: Sequence[str]) -> None:
        """Make the text: what is wrong with each row, or with the first of very many.

        Args:
            source: Name of the file.
            refusals: Row, field and reason, one line each.
        """
        lines = [f"{source}: nothing was imported, because of", *refusals[: self.SHOWN_MAX]]
        if len(refusals) > self.SHOWN_MAX:
            lines.append(f"and {len(refusals) - self.SHOWN_MAX} more")
        super().__init__("\n  ".join(lines))
