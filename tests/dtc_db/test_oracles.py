"""Holds our texts against public lists, where they are at hand; `-rP` shows the report.

Public lists disagree with each other in about half of their wordings, so presence and meaning are
compared, not letters: the share of words in common with the closer list.
"""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from dtc_db.codes import J2012Dtc, parse_code
from dtc_db.compare import overlap
from dtc_db.lookup import Meanings
from dtc_db.meaning import Level

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "dtc"
WORST_SHOWN = 20

MEANINGS = Meanings.load()

# Share of a block's codes that have a row of their own. It may only rise.
COVERAGE_MIN = {"P0": 0.97, "P2": 0.97, "P3": 0.97, "C0": 0.9, "B0": 0.95, "U0": 0.97, "U3": 0.97}
OVERLAP_MIN = 0.55

# Blocks that are said to be whole: nearly each listed code has its row, and what reads otherwise
# than every list was looked at and stands in the table beside this file.
WHOLE = (
    *(f"P0{digit}" for digit in "0123456789ABCDE"),
    *(f"P2{digit}" for digit in "012345678ABCDE"),
    "P34",
)
WHOLE_COVERAGE_MIN = 0.97
JUDGED_BELOW = 0.72

SOURCE_ADDRESSES = range(2000, 2256)
PARAMETERS_MIN = 1000


def load(name: str) -> dict[str, dict[str, dict[str, str]]]:
    path = FOLDER / name
    if not path.is_file():
        pytest.skip(f"NOT TESTED: {name} is not beside this checkout, so nothing to hold against")
    data: dict[str, dict[str, dict[str, str]]] = json.loads(path.read_text(encoding="utf-8"))
    return data


def load_generic() -> dict[str, dict[str, str]]:
    names = load("generic_names.json")
    return {code: dict(listed) for code, listed in names.items()}  # type: ignore[arg-type]  # two levels, not three


@dataclass
class Block:
    """What was found of one block of codes."""

    listed: int = 0
    scores: list[tuple[float, str, str, str]] = field(default_factory=list)

    @property
    def coverage(self) -> float:
        return len(self.scores) / self.listed

    @property
    def mean(self) -> float:
        return sum(score for score, *_ in self.scores) / max(1, len(self.scores))


def compare(names: dict[str, dict[str, str]], *, width: int = 2) -> dict[str, Block]:
    """Our generic texts against the closer of the lists, by the first characters of the code."""
    blocks: dict[str, Block] = defaultdict(Block)
    for text, listed in names.items():
        code = parse_code(text)
        assert isinstance(code, J2012Dtc)
        block = blocks[text[:width]]
        block.listed += 1
        meaning = MEANINGS.find(code)
        if meaning.level is Level.GENERIC:
            ours = meaning.text("en")
            score, theirs = max((overlap(ours, other), other) for other in listed.values())
            block.scores.append((score, text, ours, theirs))
    return blocks


def report(blocks: dict[str, Block]) -> str:
    lines = [
        f"{name}: {block.listed} listed, {block.coverage:.1%} with a row, overlap {block.mean:.2f}"
        for name, block in sorted(blocks.items())
    ]
    worst = sorted(row for block in blocks.values() for row in block.scores)[:WORST_SHOWN]
    return "\n".join([*lines, *(f"{score:.2f} {' | '.join(rest)}" for score, *rest in worst)])


def test_generic_codes_mean_what_public_lists_say() -> None:
    blocks = compare(load_generic())
    print(report(blocks))  # noqa: T201 - the report is what this test is for
    for name, least in COVERAGE_MIN.items():
        assert blocks[name].coverage >= least, name
        assert blocks[name].mean >= OVERLAP_MIN, name


def judged() -> list[tuple[str, str]]:
    """First and last code of each line of the table of disagreements."""
    text = Path(__file__).with_name("disagreements.txt").read_text(encoding="utf-8")
    spans = [line.split("|")[0].strip() for line in text.splitlines() if not line.startswith("#")]
    return [(first, last or first) for first, _, last in (span.partition("-") for span in spans)]


def test_blocks_that_are_whole_have_a_row_for_nearly_each_listed_code() -> None:
    blocks = compare(load_generic(), width=3)
    for name in WHOLE:
        assert blocks[name].coverage >= WHOLE_COVERAGE_MIN, name
        assert blocks[name].mean >= OVERLAP_MIN, name


def test_every_disagreement_was_judged_and_every_judgement_still_applies() -> None:
    blocks = compare(load_generic(), width=3)
    read = {name: block for name, block in blocks.items() if name.startswith((*WHOLE, *"CBU"))}
    disagreeing = {
        code for block in read.values() for score, code, *_ in block.scores if score < JUDGED_BELOW
    }
    spans = judged()
    unjudged = {code for code in disagreeing if not any(a <= code <= b for a, b in spans)}
    assert not unjudged
    stale = [(a, b) for a, b in spans if not any(a <= code <= b for code in disagreeing)]
    assert not stale


def test_the_comparison_would_notice_wrong_meanings() -> None:
    names = load_generic()
    codes = list(names)
    shifted = {
        code: names[other] for code, other in zip(codes, codes[100:] + codes[:100], strict=True)
    }
    blocks = compare(shifted)
    assert blocks["P0"].mean < OVERLAP_MIN


def named_parameters() -> dict[int, str]:
    """The English names by SPN, without the 256 that only say which control unit is silent."""
    return {
        spn: parameter.component.names[0]
        for spn, parameter in MEANINGS.parameters.items()
        if spn not in SOURCE_ADDRESSES
    }


def overlaps(ours: dict[int, str], listed: dict[str, dict[str, str]]) -> list[tuple[float, int]]:
    """How well each name of ours agrees with the closer list, for the SPNs that any list has."""
    return sorted(
        (max(overlap(name, other) for other in listed[str(spn)].values()), spn)
        for spn, name in ours.items()
        if str(spn) in listed
    )


def mean(scores: list[tuple[float, int]]) -> float:
    return sum(score for score, _ in scores) / len(scores)


def test_the_thousand_parameters_that_matter_to_trucks_have_names() -> None:
    assert len(named_parameters()) >= PARAMETERS_MIN


def test_truck_parameters_are_named_as_public_lists_name_them() -> None:
    ours = named_parameters()
    listed = load("j1939_names.json")["spn"]
    scores = overlaps(ours, listed)
    for score, spn in scores[:WORST_SHOWN]:
        print(f"{score:.2f} {spn} {ours[spn]} | {listed[str(spn)]}")  # noqa: T201 - the report is what this test is for
    assert len(scores) >= PARAMETERS_MIN
    assert mean(scores) >= OVERLAP_MIN


def test_the_comparison_would_notice_names_at_the_wrong_parameter() -> None:
    ours = named_parameters()
    spns = sorted(ours)
    shifted = {spn: ours[other] for spn, other in zip(spns, spns[100:] + spns[:100], strict=True)}
    assert mean(overlaps(shifted, load("j1939_names.json")["spn"])) < OVERLAP_MIN
