"""What satisfies a need's expression over skills, what is missing, and which skills are enough."""

from collections.abc import Collection
from typing import assert_never

from dtc_db.need import AllOf, AnyOf, AtLeast, Expression, Skill


def satisfies(expression: Expression, skills: Collection[str]) -> bool:
    """Whether people who together hold ``skills`` may do the work."""
    match expression:
        case Skill(name):
            return name in skills
        case AllOf(parts):
            return all(satisfies(part, skills) for part in parts)
        case AnyOf(parts):
            return any(satisfies(part, skills) for part in parts)
        case AtLeast(count, parts):
            return sum(satisfies(part, skills) for part in parts) >= count
        case _:
            assert_never(expression)


def missing(expression: Expression, skills: Collection[str]) -> tuple[str, ...] | None:
    """A smallest-effort list of skills that would satisfy the expression if they were added.

    No name on the list could be left out. The list is the shortest one wherever the expression
    names each skill once, as those of the knowledge base do; the first by name among equals.

    Returns:
        Sorted names; empty if the expression is satisfied, None if nothing can satisfy it.
    """
    added = _additions(expression, frozenset(skills))
    if added is None:
        return None
    for name in sorted(added):
        if satisfies(expression, {*skills, *added} - {name}):
            added -= {name}
    return tuple(sorted(added))


def enough(expression: Expression, skills: Collection[str]) -> tuple[str, ...] | None:
    """Of the skills held, a set without a superfluous one that satisfies the expression.

    Returns:
        Sorted names, or None if not even all of them satisfy it.
    """
    if not satisfies(expression, skills):
        return None
    kept = {name for name in skills if _names(expression, name)}
    for name in sorted(kept):
        if satisfies(expression, kept - {name}):
            kept.discard(name)
    return tuple(sorted(kept))


def _additions(expression: Expression, held: frozenset[str]) -> frozenset[str] | None:
    match expression:
        case Skill(name):
            return frozenset() if name in held else frozenset({name})
        case AnyOf(parts):
            return _cheapest(1, parts, held)
        case AtLeast(count, parts):
            return _cheapest(count, parts, held)
        case AllOf(parts):
            added: frozenset[str] = frozenset()
            # Plain skills first: what they add may already settle a choice further on.
            for part in sorted(parts, key=lambda part: not isinstance(part, Skill)):
                more = _additions(part, held | added)
                if more is None:
                    return None
                added |= more
            return added
        case _:
            assert_never(expression)


def _cheapest(
    count: int, parts: tuple[Expression, ...], held: frozenset[str]
) -> frozenset[str] | None:
    """The union of the ``count`` parts that need the fewest additions."""
    ways = [way for part in parts if (way := _additions(part, held)) is not None]
    if len(ways) < count:
        return None
    ways.sort(key=lambda way: (len(way), sorted(way)))
    return frozenset().union(*ways[:count])


def _names(expression: Expression, name: str) -> bool:
    if isinstance(expression, Skill):
        return expression.name == name
    return any(_names(part, name) for part in expression.parts)
