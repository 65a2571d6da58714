"""Lists of codes that somebody brings: named, versioned, and asked before our own tables.

    rows of a file ─▶ parse_list ─▶ entries ─▶ Layer ─▶ Layers ─▶ lookup

An entry belongs to one make, and no other make borrows it. What a list says is a text, and at most
an urgency: which work mending takes still follows from our tables.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from dtc_db.codes import Code, J2012Dtc, RawDtc, parse_code
from dtc_db.errors import MalformedCodeError, MalformedEntryError
from dtc_db.makes import make_key
from dtc_db.urgency import Urgency

ENTRIES_MAX = 200_000
TEXT_LENGTH_MAX = 1000
MAKE_LENGTH_MAX = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row as a file gives it, before anybody believed it.

    Attributes:
        line: Where it stands: line of a text file, number of the element or row of others.
    """

    line: int
    code: str
    make: str
    text: str
    severity: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a list says of one code.

    Attributes:
        make: In the form of `make_key`; empty if it holds for every make.
        urgency: None if the list says nothing of it.
    """

    code: Code
    make: str
    text: str
    urgency: Urgency | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A list under a name; each import under that name is a new version."""

    name: str
    version: int
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class ParsedList:
    """The entries of a list, and a line for each row that cannot be one.

    Attributes:
        repeats: How many rows said again what another row had said.
    """

    entries: tuple[Entry, ...]
    problems: tuple[str, ...]
    repeats: int


@dataclass(frozen=True, slots=True)
class Said:
    """An entry and the list it stands in."""

    entry: Entry
    source: str


class Layers:
    """Several layers as one; where two speak of the same code and make, the first given does."""

    def __init__(self, layers: Iterable[Layer] = ()) -> None:
        given = tuple(layers)
        self.version = " ".join(f"{layer.name}@{layer.version}" for layer in given)
        self._said: Mapping[tuple[Code, str], Said] = {
            (entry.code, entry.make): Said(entry, f"list {layer.name}, version {layer.version}")
            for layer in reversed(given)
            for entry in layer.entries
        }

    def __iter__(self) -> Iterator[Said]:
        return iter(self._said.values())

    def __len__(self) -> int:
        return len(self._said)

    def find(self, code: Code, make: str | None) -> Said | None:
        """What the make's own list says, else one for every make; None if none does.

        A code with a failure type byte is also found by its two-byte form.
        """
        if not self._said:
            return None
        codes = [code]
        if isinstance(code, J2012Dtc) and code.failure_type is not None:
            codes.append(code.base)
        makes = [make_key(make), ""] if make else [""]
        for each_make in makes:
            for each_code in codes:
                if said := self._said.get((each_code, each_make)):
                    return said
        return None


def parse_list(rows: Iterable[Row]) -> ParsedList:
    """Read every row; nothing of a list with a problem should be used.

    Two rows may say the same of one code and make, but not something different.
    """
    entries: dict[tuple[Code, str], tuple[Entry, int]] = {}
    problems: list[str] = []
    repeats = 0
    for row in rows:
        if len(entries) == ENTRIES_MAX:
            problems.append(f"line {row.line}: more than {ENTRIES_MAX} entries: make two lists")
            break
        try:
            entry = _entry(row)
        except (MalformedCodeError, MalformedEntryError) as error:
            problems.append(f"line {row.line}: {error}")
            continue
        first, line = entries.setdefault((entry.code, entry.make), (entry, row.line))
        if first != entry:
            problems.append(f"line {row.line}: {row.make} {entry.code} says otherwise than {line}")
        repeats += line != row.line
    return ParsedList(tuple(entry for entry, _ in entries.values()), tuple(problems), repeats)


def _entry(row: Row) -> Entry:
    code = parse_code(row.code)
    text = " ".join(row.text.split())
    if not text:
        raise MalformedEntryError(f"{code} has no text")
    if len(text) > TEXT_LENGTH_MAX:
        raise MalformedEntryError(f"the text of {code} is longer than {TEXT_LENGTH_MAX} characters")
    make = make_key(row.make)
    if len(make) > MAKE_LENGTH_MAX or (row.make.strip() and not make):
        raise MalformedEntryError(f"{row.make[:MAKE_LENGTH_MAX]!r} is no name of a make")
    if not make and (isinstance(code, RawDtc) or code.is_makers_own):
        raise MalformedEntryError(f"each maker gives {code} a meaning of its own: say the make")
    severity = row.severity.strip().lower()
    if severity and severity not in Urgency:
        raise MalformedEntryError(
            f"severity {severity[:20]!r}: expected one of {', '.join(Urgency)}"
        )
    return Entry(code=code, make=make, text=text, urgency=Urgency(severity) if severity else None)
