"""Holds our meanings against somebody else's list: what is covered, how alike, where least.

Public lists disagree with each other in about half of their wordings, so presence and meaning are
compared, not letters. A low overlap is a reason to look, and no verdict.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from dtc_db.codes import J1939Dtc, J2012Dtc, RawDtc, parse_code
from dtc_db.errors import MalformedCodeError
from dtc_db.layers import Row
from dtc_db.lookup import Meanings
from dtc_db.meaning import Level

# Older lists fill the numbers with this that their edition of the standard had not given away.
_RESERVED = re.compile(r"\W*(ISO/SAE )?reserved\b", re.IGNORECASE)
_WORD = re.compile(r"[a-z0-9+]+")


def overlap(ours: str, theirs: str) -> float:
    """Words in common by words in all, 0 to 1."""
    one, other = set(_WORD.findall(ours.lower())), set(_WORD.findall(theirs.lower()))
    return len(one & other) / max(1, len(one | other))


@dataclass(frozen=True, slots=True, order=True)
class Pair:
    """A code with a row of its own, as we say it and as the list does."""

    overlap: float
    code: str
    ours: str
    theirs: str
    component: str


@dataclass(slots=True)
class BlockCompared:
    """What was found of one block of codes.

    Attributes:
        levels: How many of the listed codes we know how exactly.
        pairs: Those with a row of their own.
    """

    levels: Counter[Level] = field(default_factory=Counter)
    pairs: list[Pair] = field(default_factory=list)

    @property
    def listed(self) -> int:
        """How many codes the list has."""
        return sum(self.levels.values())

    @property
    def coverage(self) -> float:
        """Share of them that have a row of their own, 0 to 1."""
        return (self.levels[Level.GENERIC] + self.levels[Level.MAKE]) / max(1, self.listed)

    @property
    def mean(self) -> float:
        """Mean overlap of those, 0 to 1; 0 if there is none."""
        return sum(pair.overlap for pair in self.pairs) / max(1, len(self.pairs))


@dataclass(frozen=True, slots=True)
class Compared:
    """What was found of a list.

    Attributes:
        blocks: By the first two characters of a code; ``SPN`` for truck parameters.
        makers_own: Rows left out because each maker fills their number by itself.
        unread: Rows left out because they hold no code, one of unstated format, or no meaning.
    """

    blocks: dict[str, BlockCompared]
    makers_own: int
    unread: int

    def worst(self, count: int) -> list[Pair]:
        """The pairs that are least alike."""
        return sorted(pair for block in self.blocks.values() for pair in block.pairs)[:count]


def compare(meanings: Meanings, rows: Iterable[Row], *, make: str | None = None) -> Compared:
    """Hold what the tables say in English against a list. Never raises.

    Where the list says several things of one code, the closest counts.
    """
    said: dict[J2012Dtc | J1939Dtc, list[str]] = defaultdict(list)
    makers_own = unread = 0
    for row in rows:
        try:
            code = parse_code(row.code)
        except MalformedCodeError:
            unread += 1
            continue
        if isinstance(code, RawDtc) or not row.text.strip() or _RESERVED.match(row.text):
            unread += 1
        elif code.is_makers_own:
            makers_own += 1
        else:
            said[code].append(row.text)
    blocks: dict[str, BlockCompared] = defaultdict(BlockCompared)
    for code, texts in said.items():
        meaning = meanings.find(code, make)
        block = blocks[str(code)[:2] if isinstance(code, J2012Dtc) else "SPN"]
        block.levels[meaning.level] += 1
        if meaning.level in {Level.GENERIC, Level.MAKE}:
            ours = meaning.text("en")
            score, theirs = max((overlap(ours, text), text) for text in texts)
            block.pairs.append(Pair(score, str(code), ours, theirs, meaning.component.key))
    return Compared(dict(sorted(blocks.items())), makers_own, unread)
