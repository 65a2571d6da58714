"""Remembers what records mean: a fleet reports the same few thousand over and over.

Making a value costs some twenty times more than finding it again. What is remembered is a function
of its bytes alone, so a memory that is lost changes no result.
"""

from collections.abc import Callable
from functools import lru_cache
from struct import Struct

# A few MB of codes; a memory that is full starts anew.
RECORDS_MAX = 8_192
_DIVIDERS_MAX = 128  # remembered, at most 16 kB each


class Known[Value](dict[bytes, Value]):
    """Values by the bytes of their records.

    Args:
        read: Makes the value of a record that is new.
    """

    def __init__(self, read: Callable[[bytes], Value]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, record: bytes) -> Value:
        if len(self) >= RECORDS_MAX:
            self.clear()
        value = self[record] = self._read(record)
        return value


def split(data: bytes, length: int) -> dict[bytes, None]:
    """Divide into records of one length, each once and in their order; a rest is left out."""
    count = len(data) // length
    return dict.fromkeys(_divider(length, count)(data[: count * length]))


@lru_cache(maxsize=_DIVIDERS_MAX)
def _divider(length: int, count: int) -> Callable[[bytes], tuple[bytes, ...]]:
    return Struct(f"{length}s" * count).unpack
