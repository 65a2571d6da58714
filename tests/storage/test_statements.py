"""Statements are found by name, and a file that is put together wrongly is refused."""

from pathlib import Path

import pytest

from storage import statements
from storage.statements import load_statements

ROOT = Path(statements.__file__).parent


@pytest.mark.parametrize("path", sorted(ROOT.glob("sql/*.sql")), ids=lambda path: path.stem)
def test_every_file_of_ours_can_be_read(path: Path) -> None:
    loaded = load_statements(path.stem)
    assert loaded
    assert all(loaded.values()), "a name without a statement"


@pytest.mark.parametrize(
    ("text", "word"),
    [("select 1\n", "before the first name"), ("-- name: a\nx\n-- name: a\ny\n", "twice")],
)
def test_a_file_that_is_put_together_wrongly_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, word: str
) -> None:
    (tmp_path / "sql").mkdir()
    (tmp_path / "sql" / "wrong.sql").write_text(text)
    monkeypatch.setattr(statements, "files", lambda _: tmp_path)
    with pytest.raises(ValueError, match=word):
        load_statements("wrong")
