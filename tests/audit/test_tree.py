import hashlib
from collections.abc import Sequence
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.tree import (
    EMPTY_ROOT,
    HASH_LENGTH,
    KEPT_LEVELS,
    Appender,
    Frontier,
    Node,
    consistency_path,
    inclusion_path,
    is_consistent,
    is_included,
    kept_under,
    leaf_hash,
    node_hash,
    span_root,
)

sizes = st.integers(min_value=1, max_value=600)


def leaves(size: int) -> list[bytes]:
    return [leaf_hash(str(number).encode()) for number in range(size)]


def naive_root(hashes: Sequence[bytes]) -> bytes:
    """The definition, word for word: split at the largest power of two below the size."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    left, right = naive_root(hashes[:split]), naive_root(hashes[split:])
    return hashlib.sha256(b"\x01" + left + right).digest()


def grow(hashes: Sequence[bytes]) -> tuple[Frontier, dict[Node, bytes]]:
    """The tree, and all that is kept of it, placed by the rule that a root ends with its leaf."""
    tree, kept = Appender(Frontier()), {}
    for index, leaf in enumerate(hashes):
        kept[Node(0, index)] = leaf
        roots = tree.append(leaf)
        for order in range(len(roots) // HASH_LENGTH):
            level = KEPT_LEVELS * (order + 1)
            assert (index + 1) % (1 << level) == 0
            start = order * HASH_LENGTH
            kept[Node(level, index >> level)] = roots[start : start + HASH_LENGTH]
    return tree.frontier, kept


def prove(path: tuple[range, ...], kept: dict[Node, bytes]) -> list[bytes]:
    return [span_root(span, {node: kept[node] for node in kept_under(span)}) for span in path]


# Computed by sha256sum from the bytes that the definition names, without this code.
def test_hashes_agree_with_the_definition() -> None:
    assert leaf_hash(b"").hex() == (
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    )
    assert leaf_hash(b"L123456").hex() == (
        "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56"
    )
    assert node_hash(b"N123", b"N456").hex() == (
        "aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb"
    )
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@given(st.integers(min_value=0, max_value=600))
def test_the_root_is_that_of_the_recursive_definition(size: int) -> None:
    frontier, _ = grow(leaves(size))
    assert frontier.root == naive_root(leaves(size))


@given(first=st.integers(min_value=0, max_value=300), more=st.integers(min_value=0, max_value=300))
def test_growing_in_two_goes_makes_the_same_tree(first: int, more: int) -> None:
    hashes = leaves(first + more)
    half, _ = grow(hashes[:first])
    tree = Appender(half)
    for leaf in hashes[first:]:
        tree.append(leaf)
    assert tree.frontier == grow(hashes)[0]


@pytest.mark.parametrize(
    ("size", "hashes"),
    [(1, ()), (0, (EMPTY_ROOT,)), (3, (EMPTY_ROOT,)), (-1, (EMPTY_ROOT,)), (1, (b"short",))],
)
def test_a_frontier_that_fits_no_tree_is_refused(size: int, hashes: tuple[bytes, ...]) -> None:
    with pytest.raises(ValueError, match=r"expected hashes|do not make a tree"):
        Frontier(size, hashes)


@given(data=st.data(), size=sizes)
def test_every_leaf_is_proved_and_no_other(data: st.DataObject, size: int) -> None:
    index = data.draw(st.integers(min_value=0, max_value=size - 1))
    hashes = leaves(size)
    frontier, kept = grow(hashes)
    proof = prove(inclusion_path(index, size), kept)
    shows = partial(is_included, index=index, size=size, proof=proof, root=frontier.root)
    assert shows(hashes[index])
    assert not shows(leaf_hash(b"another"))
    assert not shows(hashes[index], root=EMPTY_ROOT)
    assert not shows(hashes[index], proof=[*proof, EMPTY_ROOT])
    if proof:
        assert not shows(hashes[index], proof=proof[:-1])
        broken = data.draw(st.integers(min_value=0, max_value=len(proof) - 1))
        wrong = [*proof[:broken], EMPTY_ROOT, *proof[broken + 1 :]]
        assert not shows(hashes[index], proof=wrong)
    other = data.draw(st.integers(min_value=-1, max_value=size))
    if other != index:
        assert not shows(hashes[index], index=other)


@given(data=st.data(), new_size=sizes)
def test_a_tree_is_shown_to_continue_its_own_past_and_no_other(
    data: st.DataObject, new_size: int
) -> None:
    old_size = data.draw(st.integers(min_value=1, max_value=new_size))
    hashes = leaves(new_size)
    old, _ = grow(hashes[:old_size])
    new, kept = grow(hashes)
    proof = prove(consistency_path(old_size, new_size), kept)
    shows = partial(
        is_consistent,
        old_size=old_size,
        new_size=new_size,
        old_root=old.root,
        new_root=new.root,
        proof=proof,
    )
    assert shows()
    assert not shows(old_root=EMPTY_ROOT)
    assert not shows(new_root=EMPTY_ROOT)
    assert not shows(proof=[*proof, EMPTY_ROOT])
    if proof:
        assert not shows(proof=proof[:-1])
        broken = data.draw(st.integers(min_value=0, max_value=len(proof) - 1))
        wrong = [*proof[:broken], EMPTY_ROOT, *proof[broken + 1 :]]
        assert not shows(proof=wrong)


@given(data=st.data(), new_size=st.integers(min_value=2, max_value=300))
def test_a_rewritten_past_is_found(data: st.DataObject, new_size: int) -> None:
    old_size = data.draw(st.integers(min_value=1, max_value=new_size - 1))
    rewritten = data.draw(st.integers(min_value=0, max_value=old_size - 1))
    hashes = leaves(new_size)
    old, _ = grow(hashes[:old_size])
    hashes[rewritten] = leaf_hash(b"rewritten")
    new, kept = grow(hashes)
    assert not is_consistent(
        old_size=old_size,
        new_size=new_size,
        old_root=old.root,
        new_root=new.root,
        proof=prove(consistency_path(old_size, new_size), kept),
    )


def test_consistency_with_an_empty_tree_is_refused() -> None:
    frontier, _ = grow(leaves(5))
    assert not is_consistent(
        old_size=0, new_size=5, old_root=EMPTY_ROOT, new_root=frontier.root, proof=[]
    )
    with pytest.raises(ValueError, match="no proof leads from 0"):
        consistency_path(0, 5)


def test_an_empty_proof_shows_no_growth() -> None:
    old, new = grow(leaves(3))[0], grow(leaves(5))[0]
    shows = partial(is_consistent, old_size=3, new_size=5, old_root=old.root, new_root=new.root)
    assert not shows(proof=[])


def test_a_shrunk_tree_is_refused() -> None:
    larger, smaller = grow(leaves(5))[0], grow(leaves(4))[0]
    assert not is_consistent(
        old_size=5, new_size=4, old_root=larger.root, new_root=smaller.root, proof=[]
    )
    with pytest.raises(ValueError, match="no proof leads from 5"):
        consistency_path(5, 4)


def test_a_leaf_that_is_not_there_has_no_path() -> None:
    for index in (-1, 7, 8):
        with pytest.raises(ValueError, match="has no leaf"):
            inclusion_path(index, 7)


def test_a_tree_beyond_two_kept_levels_is_proved_from_few_hashes() -> None:
    size = 65_536 + 256 + 3
    hashes = leaves(size)
    frontier, kept = grow(hashes)
    assert Node(16, 0) in kept
    for index in (0, 65_535, 65_536, size - 1):
        path = inclusion_path(index, size)
        assert sum(len(kept_under(span)) for span in path) < 1_024
        assert is_included(
            hashes[index],
            index=index,
            size=size,
            proof=prove(path, kept),
            root=frontier.root,
        )
