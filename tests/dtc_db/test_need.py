import json
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtc_db.need import (
    NOTHING,
    AllOf,
    AnyOf,
    Arrival,
    AtLeast,
    Expression,
    Json,
    Need,
    Skill,
    combine,
    expression_from_json,
    expression_to_json,
    format_expression,
    need_from_json,
    need_to_json,
    skills_of,
)

A, B, C = Skill("a"), Skill("b"), Skill("c")

expressions = st.recursive(
    st.sampled_from([A, B, C]),
    lambda inner: (
        st.builds(AllOf, st.lists(inner, max_size=3).map(tuple))
        | st.builds(AnyOf, st.lists(inner, max_size=3).map(tuple))
        | st.builds(AtLeast, st.integers(1, 3), st.lists(inner, max_size=3).map(tuple))
    ),
    max_leaves=8,
)
words = st.frozensets(st.sampled_from(["x", "y", "z"]))
needs = st.builds(
    Need,
    skills=expressions,
    access=words,
    equipment=words,
    arrival=st.sampled_from(Arrival),
    recovery=words,
)


def holds(skills: Expression, held: set[str]) -> bool:
    """Whether someone with these skills satisfies the expression; a reading of its own."""
    match skills:
        case Skill(name):
            return name in held
        case AllOf(parts):
            return all(holds(part, held) for part in parts)
        case AnyOf(parts):
            return any(holds(part, held) for part in parts)
        case AtLeast(count, parts):
            return sum(holds(part, held) for part in parts) >= count


def test_needs_of_one_visit_add_up() -> None:
    combined = combine(
        [
            Need(skills=B, equipment=frozenset({"lift"}), arrival=Arrival.LIMPS),
            Need(skills=AllOf((A, B)), access=frozenset({"make"}), arrival=Arrival.DRIVES),
        ]
    )
    assert combined == Need(
        skills=AllOf((A, B)),
        access=frozenset({"make"}),
        equipment=frozenset({"lift"}),
        arrival=Arrival.LIMPS,
    )


def test_nothing_needed_is_nothing() -> None:
    assert combine([]) == NOTHING
    assert str(NOTHING) == "nothing; drives"


@given(st.lists(needs, max_size=3))
def test_the_order_given_does_not_matter(given_needs: list[Need]) -> None:
    assert len({combine(order) for order in permutations(given_needs)}) == 1


@given(st.lists(needs, max_size=3), st.frozensets(st.sampled_from("abc")))
def test_who_can_do_all_of_it_can_do_each_part(
    given_needs: list[Need], held: frozenset[str]
) -> None:
    together = holds(combine(given_needs).skills, set(held))
    assert together == all(holds(need.skills, set(held)) for need in given_needs)


@given(needs)
def test_a_need_survives_json(need: Need) -> None:
    assert need_from_json(json.loads(json.dumps(need_to_json(need)))) == need


@pytest.mark.parametrize(
    "data", [{}, {"skills": {"some": []}, "access": [], "equipment": [], "arrival": "drives"}]
)
def test_json_that_is_no_need_is_refused(data: dict[str, Json]) -> None:
    with pytest.raises(ValueError, match=r"a need without|expected a skill"):
        need_from_json(data)


def test_names_must_be_a_list() -> None:
    with pytest.raises(ValueError, match="list of names"):
        need_from_json({"skills": "a", "access": "make", "equipment": [], "arrival": "drives"})


def test_an_expression_names_its_skills_and_reads_in_one_line() -> None:
    expression = AllOf((A, AnyOf((B, C)), AtLeast(2, (A, B, C)), AllOf((A, B))))
    assert skills_of(expression) == {"a", "b", "c"}
    assert format_expression(expression) == "a + any(b, c) + at_least(2, a, b, c) + (a + b)"
    assert expression_from_json(expression_to_json(expression)) == expression


def test_wanting_nothing_and_wanting_the_impossible_read_differently() -> None:
    texts = {format_expression(e) for e in (AllOf(()), AnyOf(()), AnyOf((AllOf(()),)))}
    assert texts == {"nothing", "any()", "any(nothing)"}


def test_a_need_reads_in_one_line() -> None:
    need = Need(
        skills=A,
        access=frozenset({"make"}),
        equipment=frozenset({"y", "x"}),
        arrival=Arrival.TOWED,
        recovery=frozenset({"tow.hv"}),
    )
    assert str(need) == "a; access make; equipment x, y; recovery by tow.hv; towed"
