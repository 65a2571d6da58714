"""Statements are found by name, and a file that is put together wrongly is refused."""

import re
from pathlib import Path

import pytest

from storage import statements
from storage.statements import load_statements, parse_statements

PART = re.compile(r"\{[a-z_]+\}")
ROOT = Path(statements.__file__).parent


@pytest.mark.parametrize("path", sorted(ROOT.glob("sql/*.sql")), ids=lambda path: path.stem)
def test_every_file_of_ours_can_be_read(path: Path) -> None:
    loaded = load_statements(path.stem)
    assert loaded
    assert all(loaded.values()), "a name without a statement"
    assert not any(PART.search(text) for text in loaded.values()), "a part that is not there"


def test_what_statements_have_in_common_is_said_once() -> None:
    text = """\
-- part: key
lower(name)

-- part: both
{key}, size

-- name: one
select {both} from t

-- name: other
select '{key' from t group by {key}
"""
    assert dict(parse_statements(text, source="common.sql")) == {
        "one": "select lower(name), size from t",
        "other": "select '{key' from t group by lower(name)",
    }


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("select 1\n", "before the first name"),
        ("-- name: a\nx\n-- name: a\ny\n", "twice"),
        ("-- part: a\nx\n-- name: a\ny\n", "twice"),
    ],
)
def test_a_file_that_is_put_together_wrongly_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, word: str
) -> None:
    (tmp_path / "sql").mkdir()
    (tmp_path / "sql" / "wrong.sql").write_text(text)
    monkeypatch.setattr(statements, "files", lambda _: tmp_path)
    with pytest.raises(ValueError, match=word):
        load_statements("wrong")
