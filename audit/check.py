"""Checks a whole log against itself and against what its entries commit to.

Everything is computed anew from the bodies of the entries; what was stored beside them is believed
nowhere. What a log cannot show by itself is that its head was not replaced together with all of its
entries: for that, somebody outside has to hold an earlier head.
"""

from dataclasses import dataclass
from uuid import UUID

from audit.tree import Appender, Frontier, leaf_hash


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """An entry as it was found.

    Attributes:
        kept: Roots of the complete subtrees that end here, as `audit.tree.Appender` gives them.
        expected_body: The body that follows from what the entry commits to as it is stored now;
            None if that is not there any more.
    """

    index: int
    entry_id: UUID
    leaf: bytes
    kept: bytes
    body: bytes
    expected_body: bytes | None


@dataclass(frozen=True, slots=True)
class Flaw:
    """The first thing that is wrong with a log.

    Attributes:
        index: Of the entry, None if it is not about one.
        text: For people.
    """

    index: int | None
    text: str


class Checker:
    """Takes the entries of a log in the order of their index."""

    def __init__(self) -> None:
        self._tree = Appender(Frontier())
        self._size = 0

    def take(self, record: Record) -> Flaw | None:
        """Check the next entry; nothing after a flaw means anything."""
        kept = self._tree.append(leaf_hash(record.body))
        expected_index, self._size = self._size, self._size + 1
        text = _flaw(record, expected_index, kept)
        return None if text is None else Flaw(expected_index, text)

    def finish(self, *, size: int, hashes: tuple[bytes, ...], root: bytes) -> Flaw | None:
        """Check the head, whatever it says, against the entries that were taken."""
        found = self._tree.frontier
        if size != found.size:
            return Flaw(None, f"the head says {size} entries, there are {found.size}")
        if hashes != found.hashes:
            return Flaw(None, "the head's frontier does not follow from the entries")
        if root != found.root:
            return Flaw(None, "the head's root does not follow from the entries")
        return None


def _flaw(record: Record, expected_index: int, kept: bytes) -> str | None:
    if record.index != expected_index:
        return f"expected entry {expected_index}, found entry {record.index}: some are missing"
    if record.leaf != leaf_hash(record.body):
        return "the leaf hash does not follow from the body"
    if record.kept != kept:
        return "the roots of the subtrees that end here do not follow from the entries"
    if record.expected_body is None:
        return f"what entry {record.entry_id} commits to is gone"
    if record.body != record.expected_body:
        return f"what entry {record.entry_id} commits to is not what is stored now"
    return None
