from collections.abc import Callable, Sequence
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.check import Checker, Flaw, Record
from audit.tree import EMPTY_ROOT, Appender, Frontier, leaf_hash

SIZE = 300


def whole_log() -> tuple[list[Record], Frontier]:
    tree, records = Appender(Frontier()), []
    for index in range(SIZE):
        body = f"entry {index}".encode()
        leaf = leaf_hash(body)
        records.append(
            Record(
                index=index,
                entry_id=UUID(int=index),
                leaf=leaf,
                kept=tree.append(leaf),
                body=body,
                expected_body=body,
            )
        )
    return records, tree.frontier


def check(records: Sequence[Record], head: Frontier, *, root: bytes | None = None) -> Flaw | None:
    checker = Checker()
    for record in records:
        if flaw := checker.take(record):
            return flaw
    return checker.finish(size=head.size, hashes=head.hashes, root=root or head.root)


def test_an_untouched_log_has_no_flaw() -> None:
    assert check(*whole_log()) is None


def test_an_empty_log_has_no_flaw() -> None:
    assert check([], Frontier()) is None


def rewritten(record: Record) -> Record:
    return replace(record, body=b"rewritten", expected_body=b"rewritten")


def rewritten_with_its_leaf(record: Record) -> Record:
    return replace(rewritten(record), leaf=leaf_hash(b"rewritten"))


@pytest.mark.parametrize(
    ("tamper", "index", "text"),
    [
        (rewritten, 7, "leaf hash"),
        (rewritten_with_its_leaf, 7, "subtrees"),
        (rewritten_with_its_leaf, SIZE - 1, "frontier"),
        (lambda r: replace(r, leaf=EMPTY_ROOT), 8, "leaf hash"),
        (lambda r: replace(r, kept=EMPTY_ROOT), 7, "subtrees"),
        (lambda r: replace(r, kept=b""), 255, "subtrees"),
        (lambda r: replace(r, index=99), 7, "some are missing"),
        (lambda r: replace(r, expected_body=None), 7, "is gone"),
        (lambda r: replace(r, expected_body=b"other"), 7, "is not what is stored now"),
    ],
)
def test_a_changed_entry_is_found(
    tamper: Callable[[Record], Record], index: int, text: str
) -> None:
    records, head = whole_log()
    records[index] = tamper(records[index])
    flaw = check(records, head)
    assert flaw is not None
    assert text in flaw.text


@given(st.integers(min_value=0, max_value=SIZE - 2), st.integers(min_value=1, max_value=SIZE - 1))
def test_deleting_and_swapping_entries_is_found(first: int, apart: int) -> None:
    records, head = whole_log()
    assert check([*records[:first], *records[first + 1 :]], head) is not None
    second = min(first + apart, SIZE - 1)
    records[first], records[second] = (
        replace(records[second], index=first),
        replace(records[first], index=second),
    )
    assert check(records, head) is not None


def test_a_head_that_does_not_follow_is_found() -> None:
    records, head = whole_log()
    smaller, _ = whole_log()
    assert check(smaller[:-1], head) == Flaw(None, "the head says 300 entries, there are 299")
    broken = replace(head, hashes=(EMPTY_ROOT, *head.hashes[1:]))
    assert check(records, broken, root=head.root) == Flaw(
        None, "the head's frontier does not follow from the entries"
    )
    assert check(records, head, root=EMPTY_ROOT) == Flaw(
        None, "the head's root does not follow from the entries"
    )
