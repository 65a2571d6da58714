"""What satisfies an expression, what is missing, and what is enough."""

from itertools import chain, combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtc_db.need import AllOf, AnyOf, AtLeast, Expression, Skill
from routing.competence.expression import enough, missing, satisfies

A, B, C = Skill("a"), Skill("b"), Skill("c")
NAMES = "abcde"

expressions = st.recursive(
    st.sampled_from([Skill(name) for name in NAMES]),
    lambda parts: (
        st.builds(AllOf, st.lists(parts, max_size=3).map(tuple))
        | st.builds(AnyOf, st.lists(parts, max_size=3).map(tuple))
        | st.builds(AtLeast, st.integers(1, 3), st.lists(parts, max_size=3).map(tuple))
    ),
    max_leaves=8,
)
held_skills = st.frozensets(st.sampled_from(NAMES))


@pytest.mark.parametrize(
    ("expression", "held", "expected_missing"),
    [
        (A, "a", ()),
        (A, "", ("a",)),
        (AllOf(()), "", ()),
        (AnyOf(()), "abc", None),
        (AllOf((A, B)), "a", ("b",)),
        (AnyOf((A, B)), "", ("a",)),
        (AnyOf((A, AllOf((B, C)))), "b", ("a",)),
        (AnyOf((AllOf((A, B)), C)), "", ("c",)),
        (AllOf((AnyOf((A, B)), B)), "", ("b",)),
        (AllOf((AnyOf((A, B)), AnyOf((B, C)), C)), "", ("a", "c")),
        (AllOf((AnyOf((A, B)), AnyOf((B, C)))), "", ("b",)),
        (AtLeast(2, (A, B, C)), "b", ("a",)),
        (AtLeast(2, (A, B, C)), "", ("a", "b")),
        (AtLeast(4, (A, B, C)), "abc", None),
        (AllOf((A, AnyOf(()))), "a", None),
    ],
)
def test_the_least_that_is_missing_is_named(
    expression: Expression, held: str, expected_missing: tuple[str, ...] | None
) -> None:
    assert missing(expression, frozenset(held)) == expected_missing
    assert satisfies(expression, frozenset(held)) == (expected_missing == ())


@given(expressions, held_skills)
def test_adding_what_is_missing_satisfies_and_nothing_of_it_is_superfluous(
    expression: Expression, held: frozenset[str]
) -> None:
    lacking = missing(expression, held)
    if lacking is None:
        assert not satisfies(expression, frozenset(NAMES))
        return
    assert satisfies(expression, held | set(lacking))
    for name in lacking:
        assert not satisfies(expression, held | (set(lacking) - {name}))


@given(expressions, held_skills)
def test_nothing_can_be_missing_only_if_no_set_of_skills_satisfies(
    expression: Expression, held: frozenset[str]
) -> None:
    sets = chain.from_iterable(combinations(NAMES, size) for size in range(len(NAMES) + 1))
    can_be_satisfied = any(satisfies(expression, frozenset(names)) for names in sets)
    assert (missing(expression, held) is not None) == can_be_satisfied


@given(expressions, held_skills)
def test_what_is_enough_is_held_satisfies_and_has_nothing_superfluous(
    expression: Expression, held: frozenset[str]
) -> None:
    names = enough(expression, held)
    assert (names is not None) == satisfies(expression, held)
    if names is not None:
        assert held.issuperset(names)
        assert satisfies(expression, names)
        assert not any(satisfies(expression, set(names) - {name}) for name in names)


@pytest.mark.parametrize(
    ("expression", "held", "expected"),
    [
        (AnyOf((A, B)), "abd", ("b",)),
        (AllOf((A, B)), "abc", ("a", "b")),
        (AllOf((A, B)), "a", None),
    ],
)
def test_of_what_is_held_only_what_is_needed_is_named(
    expression: Expression, held: str, expected: tuple[str, ...] | None
) -> None:
    assert enough(expression, frozenset(held)) == expected
