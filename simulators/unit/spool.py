"""Where a unit keeps its reports until their receipts: one SQLite file, also across a power cut.

A report is on disk before it is sent, and leaves only for a receipt. The file is bounded: when it
is full the oldest report makes room, because the newest one describes the vehicle as it is now; the
gap in ``seq`` tells the other side.
"""

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from simulators.errors import SpoolError

REPORTS_MAX = 1_000

_SCHEMA = """
PRAGMA synchronous = FULL;
CREATE TABLE IF NOT EXISTS report (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    body BLOB NOT NULL
);
"""
# AUTOINCREMENT remembers the highest number ever used, so that seq goes on after a restart.
_NEXT_SEQ = "SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'report'"
_KEEP = "INSERT INTO report (seq, id, body) VALUES (?, ?, ?)"
_MAKE_ROOM = """
DELETE FROM report
WHERE seq <= (SELECT seq FROM report ORDER BY seq DESC LIMIT 1 OFFSET ?)
RETURNING id
"""
_FORGET = "DELETE FROM report WHERE id = ?"
_PENDING = "SELECT id FROM report ORDER BY seq"
_BODY = "SELECT body FROM report WHERE id = ?"


class Spool:
    """The reports of one unit that no receipt has come for. Used by one thread at a time."""

    def __init__(self, path: Path, *, reports_max: int = REPORTS_MAX) -> None:
        """Open or make the file.

        Raises:
            SpoolError: If the folder cannot be written, or the file is none of ours.
        """
        self._reports_max = reports_max
        try:
            self._database = sqlite3.connect(path, check_same_thread=False, autocommit=True)
        except sqlite3.Error as error:
            raise _refused(path, error) from error
        try:
            self._database.executescript(_SCHEMA)
        except sqlite3.Error as error:
            self._database.close()
            raise _refused(path, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; what is in it stays."""
        self._database.close()

    def next_seq(self) -> int:
        """Return the number that the next report bears: never one that was used before."""
        return int(self._database.execute(_NEXT_SEQ).fetchone()[0])

    def keep(self, report_id: str, body: bytes, *, seq: int) -> tuple[str, ...]:
        """Keep a report; it is on disk when this returns.

        Returns:
            The ids of reports that made room for it, almost always none.
        """
        self._database.execute("BEGIN IMMEDIATE")
        self._database.execute(_KEEP, (seq, report_id, body))
        dropped = self._database.execute(_MAKE_ROOM, (self._reports_max,)).fetchall()
        self._database.execute("COMMIT")
        return tuple(str(row[0]) for row in dropped)

    def forget(self, report_ids: Iterable[str]) -> tuple[str, ...]:
        """Let reports go; return those that were there."""
        return tuple(
            report_id
            for report_id in report_ids
            if self._database.execute(_FORGET, (report_id,)).rowcount
        )

    def pending(self) -> tuple[str, ...]:
        """Return the ids of what is kept, oldest first."""
        return tuple(str(row[0]) for row in self._database.execute(_PENDING))

    def body(self, report_id: str) -> bytes | None:
        """Return a report as it was kept, None if it is not there."""
        row = self._database.execute(_BODY, (report_id,)).fetchone()
        return None if row is None else bytes(row[0])


def _refused(path: Path, error: sqlite3.Error) -> SpoolError:
    return SpoolError(f"cannot keep reports in {path}: {error}; name another folder")
