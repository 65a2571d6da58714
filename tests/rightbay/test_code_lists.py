import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from dtc_db.urgency import Urgency
from rightbay import code_lists
from rightbay.code_lists import read_layer, read_list
from rightbay.errors import RefusedRowsError
from routing.errors import UnreadableFileError

RECORDS = [
    {"code": "P1457", "make": "Honda", "text": "canister", "severity": "soon"},
    {"code": "SPN 520200 FMI 5", "make": "MAN", "text": "retarder", "severity": ""},
    {"code": "P0301", "make": "", "text": "cylinder one", "severity": ""},
]


def write_csv(path: Path) -> None:
    lines = [";".join(record.values()) for record in RECORDS]
    path.write_text("\ufeffCode;make;text;severity\n" + "\n".join(lines), encoding="utf-8")


def write_json(path: Path) -> None:
    path.write_text(json.dumps(RECORDS), encoding="utf-8")


def write_sqlite(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute('create table "odd ""name" (severity, Text, MAKE, code, text_length)')
        connection.execute("create table other (code)")
        for record in RECORDS:
            connection.execute(
                'insert into "odd ""name" values (:severity, :text, :make, :code, 7)', record
            )
        connection.commit()


@pytest.mark.parametrize("write", [write_csv, write_json, write_sqlite])
def test_each_form_says_the_same(tmp_path: Path, write: Callable[[Path], None]) -> None:
    path = tmp_path / "mine.list"
    write(path)
    parsed = read_list(path)
    assert [(str(e.code), e.make, e.text, e.urgency) for e in parsed.entries] == [
        ("P1457", "honda", "canister", Urgency.SOON),
        ("SPN 520200 FMI 5", "man", "retarder", None),
        ("P0301", "", "cylinder one", None),
    ]
    assert read_layer(path).entries == parsed.entries


def test_a_file_of_one_make_may_leave_it_to_the_command(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("code,text\nP1457,canister\n")
    (entry,) = read_list(path, make="Honda").entries
    assert entry.make == "honda"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"code,text,make\nP1457,x,kia\nP538F,y,kia\nP0300,,kia\n", "line 3: .*second digit 5"),
        (b"code,text,make\nP1457,x,kia\nP538F,y,kia\nP0300,,kia\n", "line 4: P0300 has no text"),
        (b"code,text\nP0300,x,too,many\n", "line 2: row: expected at most 2 cells"),
        (b"code,text\n", "it has no rows"),
        (b"[1]", "line 1: expected an object"),
        (b"[" * 100_000, "it is no JSON"),
        (b'{"a": 1}', "expected an array of objects"),
        (b'[{"code": "P0301", "text": "x", "colour": "red"}]', "line 1: unknown column 'colour'"),
        (b'[{"code": "P0301"}]', "line 1: P0301 has no text"),
        (b"SQLite format 3\0 and then nonsense", "no readable SQLite file"),
    ],
)
def test_what_is_no_list_is_refused_with_its_line(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    path = tmp_path / "mine"
    path.write_bytes(content)
    with pytest.raises(RefusedRowsError, match=reason):
        read_list(path)


@pytest.mark.parametrize("content", [b"", b"dtc,description\n", b"code,text\n\xff\xfe"])
def test_what_is_no_csv_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mine.csv"
    path.write_bytes(content)
    with pytest.raises(UnreadableFileError):
        read_list(path)


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("create table a (dtc, text)", "found no table"),
        ("create table b (code, text)", "found a and b"),
    ],
)
def test_a_sqlite_file_has_one_list(tmp_path: Path, statement: str, found: str) -> None:
    path = tmp_path / "mine.db"
    with closing(sqlite3.connect(path)) as connection:
        if "b (" in statement:
            connection.execute("create view a as select 'P0301' as code, 'x' as text")
        connection.execute(statement)
        connection.commit()
    with pytest.raises(RefusedRowsError, match=found):
        read_list(path)


def test_a_list_is_not_read_beyond_its_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("code,text\nP0301,x\n")
    monkeypatch.setattr(code_lists, "FILE_BYTES_MAX", 10)
    with pytest.raises(RefusedRowsError, match="larger than"):
        read_list(path)


def test_a_file_that_went_away_is_named(tmp_path: Path) -> None:
    with pytest.raises(RefusedRowsError, match=r"gone.csv: .*\n.*No such file"):
        read_list(tmp_path / "gone.csv")


def test_the_list_of_the_documentation_is_one(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "knowledge.md").read_text(encoding="utf-8")
    path = tmp_path / "mine.csv"
    path.write_text(page.split("```csv\n")[1].split("```")[0], encoding="utf-8")
    assert [entry.make for entry in read_list(path).entries] == ["honda", "jeep"]
