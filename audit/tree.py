"""The Merkle tree of the log: hashes, growth, proofs and their verification (RFC 9162, 2.1).

    leaf = SHA-256(0x00 ‖ body)        node = SHA-256(0x01 ‖ left ‖ right)

A tree of n leaves is a row of complete subtrees, one for each binary digit 1 of n, the largest
first; their roots are the *frontier*, which is all that appending needs. For proofs the root of
every complete subtree of 256, 65 536, … leaves is *kept* as well (the height of C2SP's tiles, so
that these can be cut from the same rows): a proof then reads a few hundred hashes for each factor
256 in the size of the tree, and never the whole of it.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

HASH_LENGTH = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
KEPT_LEVELS = 8  # every eighth level is kept: 0 (the leaves), 8, 16, …


def leaf_hash(body: bytes) -> bytes:
    """The hash of one entry."""
    return hashlib.sha256(b"\x00" + body).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash over two subtrees."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Node(NamedTuple):
    """A complete subtree: the ``2 ** level`` leaves from ``number * 2 ** level`` on."""

    level: int
    number: int


@dataclass(frozen=True, slots=True)
class Frontier:
    """A tree, as far as it must be known to grow.

    Attributes:
        size: Number of leaves.
        hashes: Roots of its complete subtrees, the largest first: one for each digit 1 of `size`.

    Raises:
        ValueError: If the number of hashes does not fit the size.
    """

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.hashes) != self.size.bit_count():
            raise ValueError(f"{len(self.hashes)} subtrees do not make a tree of {self.size}")
        if any(len(root) != HASH_LENGTH for root in self.hashes):
            raise ValueError(f"expected hashes of {HASH_LENGTH} bytes")

    @property
    def root(self) -> bytes:
        """The root of the whole tree."""
        return _join(self.hashes) if self.hashes else EMPTY_ROOT


class Appender:
    """Grows a tree leaf by leaf."""

    def __init__(self, frontier: Frontier) -> None:
        self._size = frontier.size
        self._hashes = list(frontier.hashes)

    @property
    def frontier(self) -> Frontier:
        """The tree as it is now."""
        return Frontier(self._size, tuple(self._hashes))

    def append(self, leaf: bytes) -> bytes:
        """Add one leaf hash.

        Returns:
            Roots of the complete subtrees of 256, 65 536, … leaves that end with this leaf, the
            smallest first and without separator; mostly none.
        """
        grown, level, kept = leaf, 0, b""
        while self._size >> level & 1:
            grown = node_hash(self._hashes.pop(), grown)
            level += 1
            if level % KEPT_LEVELS == 0:
                kept += grown
        self._hashes.append(grown)
        self._size += 1
        return kept


def inclusion_path(index: int, size: int) -> tuple[range, ...]:
    """Which leaves stand under each hash of an inclusion proof, from the leaf to the root.

    Raises:
        ValueError: If the tree has no such leaf.

    References:
        RFC 9162, 2.1.3.1.
    """
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} has no leaf {index}")
    path = []
    start, stop = 0, size
    while stop - start > 1:
        middle = start + _split(stop - start)
        if index < middle:
            path.append(range(middle, stop))
            stop = middle
        else:
            path.append(range(start, middle))
            start = middle
    return tuple(reversed(path))


def consistency_path(old_size: int, new_size: int) -> tuple[range, ...]:
    """Which leaves stand under each hash of the proof that a tree continues an older one.

    Raises:
        ValueError: If the old tree is empty, which would prove nothing, or larger than the new one.

    References:
        RFC 9162, 2.1.4.1.
    """
    if not 0 < old_size <= new_size:
        raise ValueError(f"no proof leads from {old_size} leaves to {new_size}")
    path = []
    start, stop = 0, new_size
    while old_size != stop:
        middle = start + _split(stop - start)
        if old_size <= middle:
            path.append(range(middle, stop))
            stop = middle
        else:
            path.append(range(start, middle))
            start = middle
    if start > 0:
        path.append(range(start, stop))
    return tuple(reversed(path))


def kept_under(span: range) -> tuple[Node, ...]:
    """The kept nodes from which the root over `span`, one of a path, is made."""
    return tuple(kept for node in _complete_in(span) for kept in _kept_under(node))


def span_root(span: range, kept: Mapping[Node, bytes]) -> bytes:
    """The root over the leaves of one span of a path.

    Args:
        span: From `inclusion_path` or `consistency_path`.
        kept: At least the hashes of `kept_under` the span.
    """
    return _join(
        [
            _complete_root([kept[below] for below in _kept_under(node)])
            for node in _complete_in(span)
        ]
    )


def is_included(leaf: bytes, *, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether the proof shows that a leaf hash stands at an index of the tree with this root.

    References:
        RFC 9162, 2.1.3.2.
    """
    if not 0 <= index < size:
        return False
    first, last, found = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if first & 1 or first == last:
            found = node_hash(sibling, found)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        first, last = first >> 1, last >> 1
    return last == 0 and found == root


def is_consistent(
    *, old_size: int, new_size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether the proof shows that the new tree begins with the whole of the old one.

    An empty old tree is refused: everything continues it, so nothing would be shown.

    References:
        RFC 9162, 2.1.4.2.
    """
    if not 0 < old_size <= new_size:
        return False
    if old_size == new_size:
        return not proof and old_root == new_root
    path = [old_root, *proof] if old_size.bit_count() == 1 else list(proof)
    if not path:
        return False
    first, last = old_size - 1, new_size - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if first & 1 or first == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        first, last = first >> 1, last >> 1
    return last == 0 and old == old_root and new == new_root


def _split(size: int) -> int:
    """The largest power of two below `size`, which is at least 2."""
    return 1 << (size - 1).bit_length() - 1


def _complete_in(span: range) -> Iterator[Node]:
    """The complete subtrees that a span consists of; it begins at a multiple of the largest one."""
    start, length = span.start, len(span)
    while length:
        level = length.bit_length() - 1
        yield Node(level, start >> level)
        start, length = start + (1 << level), length - (1 << level)


def _kept_under(node: Node) -> Iterator[Node]:
    """The nodes of the next kept level down that a complete subtree consists of."""
    above = node.level % KEPT_LEVELS
    first = node.number << above
    return (Node(node.level - above, first + offset) for offset in range(1 << above))


def _complete_root(hashes: list[bytes]) -> bytes:
    """The root over a number of hashes that is a power of two."""
    while len(hashes) > 1:
        hashes = [node_hash(*pair) for pair in zip(hashes[::2], hashes[1::2], strict=True)]
    return hashes[0]


def _join(roots: Sequence[bytes]) -> bytes:
    """The root over complete subtrees that stand side by side, the largest first."""
    *rest, joined = roots
    for root in reversed(rest):
        joined = node_hash(root, joined)
    return joined
