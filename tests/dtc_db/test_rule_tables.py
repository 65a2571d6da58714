from pathlib import Path

import pytest

from dtc_db import rule_tables
from dtc_db.errors import TableError
from dtc_db.requirement import load_trades
from dtc_db.rule_tables import RuleTables

WORDS = 'en = "a"\nfr = "b"\nde = "c"\nsource = "s"\n'


def test_the_rules_of_the_package_name_work_that_exists() -> None:
    tables = RuleTables.load()
    trades = load_trades()
    for symptom in tables.symptoms:
        assert symptom.trade in trades
        assert symptom.electrified_trade in {"", *trades}
    names = [each.name for each in tables.combinations]
    names += [each.name for each in tables.symptoms]
    assert len(names) == len(set(names))


def test_every_rule_says_where_it_comes_from_and_how_sure_it_is() -> None:
    tables = RuleTables.load()
    sources = [each.source for each in tables.combinations]
    sources += [each.source for each in (*tables.not_a_fault, *tables.induced)]
    sources += [each.source for each in tables.symptoms]
    assert len(sources) >= 25
    assert [source for source in sources if not source.endswith(("high", "medium", "low"))] == []


def test_a_code_that_is_no_fault_belongs_to_makes_or_to_nobody() -> None:
    own = [
        pattern
        for note in RuleTables.load().not_a_fault
        if not note.makes
        for pattern in note.codes
    ]
    assert [pattern.text for pattern in own] == ["P0000"], "else one make's rule is another's too"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f'[[combination]]\nname = "x"\ncauses = ["P0300"]\n{WORDS}', "follows"),
        (f'[[combination]]\nname = "x"\ncauses = "P0300"\nfollows = "P0420"\n{WORDS}', "list"),
        (f'[[not_a_fault]]\ncodes = "P9"\n{WORDS}', "no pattern"),
        (f"[[not_a_fault]]\ncodes = 5\n{WORDS}", "expected a text"),
        (f'[[induced]]\ncodes = "P0300"\nunit = ["x"]\n{WORDS}', "unknown: unit"),
        (f'[[symptom]]\nname = "x"\ntrade = "y"\nurgency = "now"\n{WORDS}', "now"),
        ("[[symptoms]]\n", "unknown: symptoms"),
    ],
)
def test_a_mistake_in_the_rules_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, reason: str
) -> None:
    monkeypatch.setattr(rule_tables, "FOLDER", tmp_path)
    (tmp_path / "r.toml").write_text(text, encoding="utf-8")
    with pytest.raises(TableError, match=reason):
        RuleTables.load("r.toml")
