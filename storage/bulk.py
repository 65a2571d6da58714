"""Makes many frozen values at once, column by column.

A frozen dataclass sets its fields one by one through `object.__setattr__`, which for millions of
values is most of the time that loading takes. Here each field of all of them is set by one loop in
C. Nothing checks the values: what is read has been checked when it was written.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import MISSING, fields
from itertools import repeat
from typing import Any


def make_values[Value](kind: type[Value], count: int, **columns: Iterable[object]) -> list[Value]:
    """So many values of a frozen dataclass with slots.

    Args:
        kind: The dataclass; its checks are not made.
        count: How many.
        columns: For each field its values; a field that is not named has its default.

    Raises:
        TypeError: If a field has neither a column nor a default.
    """
    values = [*map(object.__new__, repeat(kind, count))]
    for field in fields(kind):  # type: ignore[arg-type] # every kind here is a dataclass
        column = columns.get(field.name)
        if column is None:
            if field.default is MISSING:
                raise TypeError(f"no column for {kind.__name__}.{field.name}")
            column = repeat(field.default)
        slot: Any = getattr(kind, field.name)  # the descriptor of a slot
        deque(map(slot.__set__, values, column), maxlen=0)
    return values
