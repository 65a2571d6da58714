"""Reads the tables of meanings.

Four forms, one line each, cells parted by ``|``; a line ``# …`` is a comment; a line ``= …`` says
where the rows below it come from and how sure they are.

    components   key | trade | urgency letter | English | French | German
    failures     key | English | French | German
    designators  English | French | German
    rows         first code | component | failures

A row names consecutive codes, one for each failure; with several first codes, each failure counts
from its own: ``U0142 U0443 | bcm:B..E | lost invalid``. ``coil:A..L`` repeats the failures for each
letter, ``injector:1..12`` for each number, ``o2@1,2`` for each place (bank, or bank.sensor), the
place in the outer loop. Codes count in hexadecimal, or with ``~`` after the first code in tens, as
the oldest parts of the list do. ``-`` skips one code. After a component or a failure, ``!x`` gives
the urgency by its letter and ``%trade`` another kind of work.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from dtc_db.codes import FMI_MAX, J2012Dtc, parse_code
from dtc_db.errors import MalformedCodeError, TableError
from dtc_db.languages import Words
from dtc_db.meaning import Component, Failure, Level, Meaning
from dtc_db.urgency import Urgency

FOLDER = Path(__file__).parent / "data"
COMPONENT_TABLES = (
    "components.txt",
    "components_powertrain0.txt",
    "components_powertrain2.txt",
    "components_hybrid.txt",
    "components_chassis.txt",
    "components_body.txt",
    "components_network.txt",
)

_PLAIN = re.compile(r"[PCBU][0-3][0-9A-F]{3}")

URGENCY_LETTERS = {
    "x": Urgency.STOP_NOW,
    "t": Urgency.TOW,
    "l": Urgency.LIMP,
    "s": Urgency.SOON,
    "n": Urgency.NEXT_SERVICE,
    "i": Urgency.INFO,
    "u": Urgency.UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a table, with where it stands and what vouches for it."""

    table: str
    number: int
    source: str
    cells: tuple[str, ...]

    @property
    def origin(self) -> str:
        """Table, line and provenance, for whoever asks why."""
        return f"{self.table}:{self.number} ({self.source})"

    def error(self, reason: str) -> TableError:
        """The error that names this line."""
        return TableError(self.table, self.number, reason)


@dataclass(frozen=True, slots=True)
class Block:
    """A range of J2012 numbers, both ends included, and what is known of all of them."""

    first: int
    last: int
    component: Component
    origin: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """A J1939 parameter; ``by_fmi`` holds the failure modes that weigh otherwise than it does."""

    component: Component
    by_fmi: dict[int, Urgency]
    origin: str


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The words that rows are made of; letters and numbers as designators need no entry."""

    components: dict[str, Component]
    failures: dict[str, Failure]
    designators: dict[str, Words]

    @classmethod
    def load(cls) -> "Lexicon":
        """Read the tables of words that come with the package."""
        return cls(
            load_components(*COMPONENT_TABLES),
            load_failures("failures.txt"),
            {line.cells[0]: _words([*line.cells]) for line in read_lines("designators.txt", 3)},
        )


def read_lines(name: str, cells: int) -> Iterator[Line]:
    """The lines of a table of ours that hold something.

    Raises:
        TableError: If a line has another number of cells.
    """
    source = "unsourced"
    text = (FOLDER / name).read_text(encoding="utf-8")
    for number, raw in enumerate(text.splitlines(), start=1):
        content = raw.strip()
        if content.startswith("="):
            source = content[1:].strip()
        elif content and not content.startswith("#"):
            line = Line(name, number, source, tuple(map(str.strip, content.split("|"))))
            if len(line.cells) != cells:
                raise line.error(f"expected {cells} cells, got {len(line.cells)}")
            yield line


def load_components(*tables: str) -> dict[str, Component]:
    """The parts that can fail, by key; a key stands once in all tables."""
    components: dict[str, Component] = {}
    for line in chain.from_iterable(read_lines(table, 6) for table in tables):
        key, trade, letter, *names = line.cells
        if key in components:
            raise line.error(f"{key} stands twice")
        components[key] = Component(
            key=key, trade=trade, urgency=_urgency(letter, line), names=_words(names)
        )
    return components


def load_failures(name: str) -> dict[str, Failure]:
    """The ways of failing, by key; a key stands once."""
    failures: dict[str, Failure] = {}
    for line in read_lines(name, 4):
        key = line.cells[0]
        if key in failures:
            raise line.error(f"{key} stands twice")
        failures[key] = Failure(key, _words([*line.cells[1:]]))
    return failures


def load_blocks(name: str) -> list[Block]:
    """The groups of the J2012 list in the order of the table, so that a later one may lie over."""
    blocks: list[Block] = []
    for line in read_lines(name, 6):
        span, trade, letter, *names = line.cells
        first, _, last = span.partition("-")
        component = Component(
            key=span, trade=trade, urgency=_urgency(letter, line), names=_words(names)
        )
        blocks.append(Block(_number(first, line), _number(last, line), component, line.origin))
    return blocks


def load_disputed(name: str) -> dict[int, frozenset[str]]:
    """The makes that use a number otherwise, in the form of `make_key`, by two-byte number."""
    disputed: dict[int, frozenset[str]] = {}
    for line in read_lines(name, 2):
        span, makes = line.cells
        first, _, last = span.partition("-")
        named = frozenset(make.strip() for make in makes.split(","))
        for number in range(_number(first, line), _number(last or first, line) + 1):
            if number in disputed:
                raise line.error(f"{J2012Dtc(number)} stands twice")
            disputed[number] = named
    return disputed


def load_rows(
    name: str, lexicon: Lexicon, meanings: dict[int, Meaning] | None = None
) -> dict[int, Meaning]:
    """The meanings of a table of J2012 codes, by two-byte number, added to those given.

    Raises:
        TableError: If a line names what does not exist, or a code that another line has.
    """
    meanings = {} if meanings is None else meanings
    for line in read_lines(name, 3):
        starts, subject, listed = line.cells
        for start, failures in _columns(starts.split(), listed.split(), line):
            number = _number(start.rstrip("~"), line)
            for meaning in _expand(line, subject, failures, lexicon):
                if meaning is not None:
                    if number in meanings:
                        raise line.error(
                            f"{J2012Dtc(number)} stands in {meanings[number].source} already"
                        )
                    meanings[number] = meaning
                number = _next_in_tens(number) if start.endswith("~") else number + 1
    return meanings


def load_parameters(name: str) -> dict[int, Parameter]:
    """The J1939 parameters, by SPN.

    A line is ``SPN | trade | urgency | English | French | German``; the urgency is a letter,
    followed by FMI and letter where a failure mode weighs otherwise: ``s 0x 16l``. ``651-670`` are
    parts numbered from 1 and ``2000-2255@0`` from 0; the number goes where the name has ``{}``.
    """
    parameters: dict[int, Parameter] = {}
    for line in read_lines(name, 6):
        numbers, trade, urgencies, *names = line.cells
        letter, *exceptions = urgencies.split()
        urgency = _urgency(letter, line)
        try:
            by_fmi = {int(item[:-1]): _urgency(item[-1], line) for item in exceptions}
            numbered = list(_numbered(numbers))
        except ValueError as error:
            raise line.error(f"expected numbers of parameters and modes: {error}") from error
        for spn, number in numbered:
            if spn in parameters or max(by_fmi, default=0) > FMI_MAX:
                raise line.error(f"SPN {spn} stands twice or has an FMI above {FMI_MAX}")
            component = Component(
                key=f"spn.{spn}",
                trade=trade,
                urgency=urgency,
                names=_words([text.replace("{}", number) for text in names]),
            )
            parameters[spn] = Parameter(component, by_fmi, line.origin)
    return parameters


def _numbered(text: str) -> Iterator[tuple[int, str]]:
    """Each SPN of a cell with the number of its part; a single SPN has none."""
    span, _, start = text.partition("@")
    first, _, last = span.partition("-")
    for index, spn in enumerate(range(int(first), int(last or first) + 1), int(start or "1")):
        yield spn, str(index)


def _columns(starts: list[str], failures: list[str], line: Line) -> Iterator[tuple[str, list[str]]]:
    """Each first code with the failures that count from it."""
    if len(starts) == 1:
        yield starts[0], failures
        return
    if len(starts) != len(failures):
        raise line.error(f"{len(starts)} first codes for {len(failures)} failures")
    for start, failure in zip(starts, failures, strict=True):
        yield start, [failure]


def _expand(
    line: Line, subject: str, listed: list[str], lexicon: Lexicon
) -> Iterator[Meaning | None]:
    """The meanings of a row in the order of its codes; None where one is skipped."""
    subject, row_urgency, row_trade = _marks(subject, line)
    head, _, places = subject.partition("@")
    key, _, designators = head.partition(":")
    component = lexicon.components.get(key)
    if component is None:
        raise line.error(f"no component {key}")
    # Whatever is the same for every part of the row is looked up once: a row has up to 60 meanings.
    ways = [_way(item, line, lexicon) for item in listed]
    urgency, trade, origin = (
        row_urgency or component.urgency,
        row_trade or component.trade,
        line.origin,
    )
    named = [_designator(text, line, lexicon) for text in _designators(designators)]
    for place in places.split(","):
        for designator in named:
            for way in ways:
                if way is None:
                    yield None
                    continue
                failure, own_urgency, own_trade = way
                yield Meaning(
                    component=component,
                    failure=failure,
                    designator=designator,
                    place=place,
                    trade=own_trade or trade,
                    urgency=own_urgency or urgency,
                    level=Level.GENERIC,
                    source=origin,
                )


def _way(
    item: str, line: Line, lexicon: Lexicon
) -> tuple[Failure, Urgency | None, str | None] | None:
    """A failure of a row with its marks; None where a code is skipped."""
    if item == "-":
        return None
    key, urgency, trade = _marks(item, line)
    if key not in lexicon.failures:
        raise line.error(f"no failure {key}")
    return lexicon.failures[key], urgency, trade


def _designator(text: str, line: Line, lexicon: Lexicon) -> Words:
    words = lexicon.designators.get(text)
    if words is None and any(map(str.islower, text)):
        raise line.error(f"no designator {text}")
    return words or (text, text, text)


def _marks(text: str, line: Line) -> tuple[str, Urgency | None, str | None]:
    """Part ``text!x%trade`` into what it marks, the urgency and the trade."""
    if "!" not in text and "%" not in text:
        return text, None, None
    text, _, trade = text.partition("%")
    text, _, letter = text.partition("!")
    return text, _urgency(letter, line) if letter else None, trade or None


def _designators(text: str) -> list[str]:
    """``A..C,F`` is A, B, C, F, and ``1..3`` is 1, 2, 3; nothing is one nameless thing."""
    return [each for part in text.split(",") for each in _span(part)]


def _span(text: str) -> list[str]:
    first, dots, last = text.partition("..")
    if not dots:
        return [text]
    if first.isdigit():
        return [str(number) for number in range(int(first), int(last) + 1)]
    return [chr(letter) for letter in range(ord(first), ord(last) + 1)]


def _next_in_tens(number: int) -> int:
    number += 1
    while any(number >> shift & 0xF > 9 for shift in (0, 4, 8)):
        number += 1
    return number


def _number(text: str, line: Line) -> int:
    if _PLAIN.fullmatch(text):  # nearly every one, and ten times as fast as all that people write
        return "PCBU".index(text[0]) << 14 | int(text[1:], 16)
    try:
        code = parse_code(text)
    except MalformedCodeError as error:
        raise line.error(str(error)) from error
    if not isinstance(code, J2012Dtc):
        raise line.error(f"expected a code such as P0301, got {text}")
    return code.number


def _urgency(letter: str, line: Line) -> Urgency:
    if letter not in URGENCY_LETTERS:
        raise line.error(f"expected one of {', '.join(URGENCY_LETTERS)}, got {letter!r}")
    return URGENCY_LETTERS[letter]


def _words(names: list[str]) -> Words:
    english, french, german = names
    return english, french, german
