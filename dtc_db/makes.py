"""The one form of a make's name in which lists, rules and vehicles are compared."""

import unicodedata
from functools import lru_cache

from dtc_db.tables import read_lines

NAMES_REMEMBERED_MAX = 4096


@lru_cache(maxsize=NAMES_REMEMBERED_MAX)
def make_key(name: str) -> str:
    """Letters and digits only, no accents, and one name for each make: ``VW`` is ``volkswagen``.

    Empty if ``name`` has neither letter nor digit.
    """
    key = _plain(name)
    return _other_names().get(key, key)


@lru_cache(maxsize=1)
def _other_names() -> dict[str, str]:
    return {
        _plain(other): make
        for make, others in (line.cells for line in read_lines("makes.txt", 2))
        for other in others.split(",")
    }


def _plain(name: str) -> str:
    folded = unicodedata.normalize("NFKD", name).casefold()
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKD", folded)))
