"""What mending takes: an expression over skills, access, equipment and the way to get there."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Arrival(StrEnum):
    """How the vehicle may get to a repairer, from the freest way to the most careful."""

    DRIVES = "drives"
    LIMPS = "limps"  # a short way, at reduced speed
    TOWED = "towed"  # by someone fit to tow this vehicle


@dataclass(frozen=True, slots=True)
class Skill:
    """One competence, by its name in the skill vocabulary, such as ``hv.deenergised``."""

    name: str


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part is needed. With no parts: nothing is needed."""

    parts: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One of the parts is enough. With no parts: nothing can satisfy it."""

    parts: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class AtLeast:
    """``count`` of the parts are needed (1 or more)."""

    count: int
    parts: tuple["Expression", ...]


Expression = Skill | AllOf | AnyOf | AtLeast


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a repairer must have so that this can be mended there.

    Attributes:
        skills: Which competences the people must hold.
        access: Diagnostic access, such as ``make.diagnostics`` or ``security.gateway``.
        equipment: What must stand in the workshop, such as ``lift.heavy`` or ``hv.tools``.
        arrival: The freest way in which the vehicle may get there.
        recovery: Competences that whoever tows it must hold, such as ``tow.hv``; empty unless the
            arrival is ``TOWED``. They do not count against the site.
    """

    skills: Expression
    access: frozenset[str] = frozenset()
    equipment: frozenset[str] = frozenset()
    arrival: Arrival = Arrival.DRIVES
    recovery: frozenset[str] = frozenset()

    def __str__(self) -> str:
        """One line for people, always the same for the same need."""
        parts = [format_expression(self.skills)]
        if self.access:
            parts.append("access " + ", ".join(sorted(self.access)))
        if self.equipment:
            parts.append("equipment " + ", ".join(sorted(self.equipment)))
        if self.recovery:
            parts.append("recovery by " + ", ".join(sorted(self.recovery)))
        return f"{'; '.join(parts)}; {self.arrival}"


NOTHING = Need(skills=AllOf(()))

_ARRIVALS = tuple(Arrival)


def combine(needs: Iterable[Need]) -> Need:
    """What it takes to mend all of them in one visit.

    Skills are joined so that each part stands once and in an order that does not depend on the
    order given; access, equipment and recovery are united; the arrival is the most careful one.
    """
    given = tuple(needs)
    return Need(
        skills=all_of(need.skills for need in given),
        access=frozenset().union(*(need.access for need in given)),
        equipment=frozenset().union(*(need.equipment for need in given)),
        arrival=max((need.arrival for need in given), key=_ARRIVALS.index, default=Arrival.DRIVES),
        recovery=frozenset().union(*(need.recovery for need in given)),
    )


def all_of(expressions: Iterable[Expression]) -> Expression:
    """The conjunction in its one normal form: flat, without repetition, ordered by text."""
    parts: dict[str, Expression] = {}
    for expression in expressions:
        normal = _normal(expression)
        for part in normal.parts if isinstance(normal, AllOf) else (normal,):
            parts[format_expression(part)] = part
    if len(parts) == 1:
        return next(iter(parts.values()))
    return AllOf(tuple(parts[text] for text in sorted(parts)))


def _normal(expression: Expression) -> Expression:
    """The same with every conjunction in it flat, so that equal texts mean equal expressions."""
    match expression:
        case Skill():
            return expression
        case AllOf(parts):
            return all_of(parts)
        case AnyOf(parts):
            return AnyOf(tuple(map(_normal, parts)))
        case _:
            return AtLeast(expression.count, tuple(map(_normal, expression.parts)))


def skills_of(expression: Expression) -> frozenset[str]:
    """Every skill that the expression names, whether needed or one of several choices."""
    if isinstance(expression, Skill):
        return frozenset({expression.name})
    return frozenset().union(*(skills_of(part) for part in expression.parts))


def format_expression(expression: Expression) -> str:
    """The expression in one line: ``brakes + any(engine.diesel, engine.petrol)``."""
    match expression:
        case Skill(name):
            return name
        case AllOf(()):
            return "nothing"
        case AllOf(parts):
            return " + ".join(
                f"({format_expression(part)})"
                if isinstance(part, AllOf)
                else format_expression(part)
                for part in parts
            )
        case AnyOf(parts):
            return f"any({', '.join(map(format_expression, parts))})"
        case _:
            parts_text = "".join(f", {format_expression(part)}" for part in expression.parts)
            return f"at_least({expression.count}{parts_text})"


type Json = str | int | list[Json] | dict[str, Json]


def need_to_json(need: Need) -> dict[str, Json]:
    """The need as JSON can carry it, keys and lists always in the same order."""
    return {
        "skills": expression_to_json(need.skills),
        "access": [*sorted(need.access)],
        "equipment": [*sorted(need.equipment)],
        "arrival": need.arrival.value,
        "recovery": [*sorted(need.recovery)],
    }


def expression_to_json(expression: Expression) -> Json:
    """A skill is its name, the rest objects: ``{"all": []}``, ``any``, ``at_least`` and ``of``."""
    match expression:
        case Skill(name):
            return name
        case AllOf(parts):
            return {"all": [expression_to_json(part) for part in parts]}
        case AnyOf(parts):
            return {"any": [expression_to_json(part) for part in parts]}
        case _:
            parts = expression.parts
            return {
                "at_least": expression.count,
                "of": [expression_to_json(part) for part in parts],
            }


def need_from_json(data: dict[str, Json]) -> Need:
    """The inverse of `need_to_json`.

    Raises:
        ValueError: If ``data`` was not made by it.
    """
    try:
        return Need(
            skills=expression_from_json(data["skills"]),
            access=_names(data["access"]),
            equipment=_names(data["equipment"]),
            arrival=Arrival(str(data["arrival"])),
            recovery=_names(data.get("recovery", [])),
        )
    except KeyError as error:
        raise ValueError(f"a need without {error}") from error


def expression_from_json(data: Json) -> Expression:
    """The inverse of `expression_to_json`.

    Raises:
        ValueError: If ``data`` was not made by it.
    """
    match data:
        case str():
            return Skill(data)
        case {"all": list(parts)}:
            return AllOf(tuple(map(expression_from_json, parts)))
        case {"any": list(parts)}:
            return AnyOf(tuple(map(expression_from_json, parts)))
        case {"at_least": int(count), "of": list(parts)}:
            return AtLeast(count, tuple(map(expression_from_json, parts)))
        case _:
            raise ValueError(f"expected a skill, all, any or at_least, got {data!r:.60}")


def _names(data: Json) -> frozenset[str]:
    if not isinstance(data, list):
        raise ValueError(f"expected a list of names, got {data!r:.60}")  # noqa: TRY004 - bad data, not a wrong call
    return frozenset(map(str, data))
