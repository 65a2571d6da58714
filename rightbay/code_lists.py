"""Reads somebody's list of codes from a CSV, JSON or SQLite file, row by row.

Each form has the columns ``code`` and ``text``, and may have ``make`` and ``severity``. CSV is that
of docs/directory.md; JSON is an array of objects; of a SQLite file, the one table or view with
these columns is read, and nothing is written.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

from dtc_db.layers import ENTRIES_MAX, Layer, ParsedList, Row, parse_list
from rightbay.errors import RefusedRowsError
from routing.imports.csv_file import read_rows
from routing.imports.findings import FieldError

REQUIRED = ("code", "text")
OPTIONAL = ("make", "severity")
FILE_BYTES_MAX = 256 * 2**20

_SQLITE_MAGIC = b"SQLite format 3\0"
_COLUMNS = "a column `code` and a column `text`, and may have `make` and `severity`"


def read_list(path: Path, *, make: str = "") -> ParsedList:
    """Read a whole list.

    Args:
        path: The file; its form is told by its content.
        make: Of rows that do not say one.

    Raises:
        RefusedRowsError: If the file is no list, or any row of it is none; names the rows.
        UnreadableFileError: If it is taken for CSV, and is none.
    """
    parsed = parse_list(read_rows_of(path, make=make))
    problems = parsed.problems or (() if parsed.entries else ("it has no rows",))
    if problems:
        raise RefusedRowsError(path.name, problems)
    return parsed


def read_layer(path: Path) -> Layer:
    """Read a list to ask it once, without keeping it anywhere.

    Raises:
        RefusedRowsError: As `read_list`.
        UnreadableFileError: As `read_list`.
    """
    return Layer(name=path.name, version=0, entries=read_list(path).entries)


def read_rows_of(path: Path, *, make: str = "") -> Iterator[Row]:
    """Read the rows of a list as they stand there, before anybody believes them.

    Raises:
        RefusedRowsError: If the file is no list.
        UnreadableFileError: If it is taken for CSV, and is none.
    """
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise RefusedRowsError(path.name, [f"it is larger than {FILE_BYTES_MAX >> 20} MiB"])
        with path.open("rb") as file:
            head = file.read(64)
    except OSError as error:
        raise RefusedRowsError(path.name, [error.strerror or str(error)]) from error
    if head.startswith(_SQLITE_MAGIC):
        records = _sqlite(path)
    elif head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in {b"[", b"{"}:
        records = _json(path)
    else:
        records = _csv(path)
    for line, record in records:
        unknown = record.keys() - {*REQUIRED, *OPTIONAL}
        if unknown:
            raise RefusedRowsError(path.name, [f"line {line}: unknown column {min(unknown)!r:.40}"])
        yield Row(
            line=line,
            code=record.get("code", ""),
            make=record.get("make", "") or make,
            text=record.get("text", ""),
            severity=record.get("severity", ""),
        )


def _csv(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    for where, record in read_rows(
        path, required=REQUIRED, optional=OPTIONAL, rows_max=ENTRIES_MAX + 1
    ):
        if isinstance(record, FieldError):
            raise RefusedRowsError(path.name, [str(record.at(where))])
        yield int(where.rpartition(" ")[2]), record


def _json(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError, OSError) as error:
        raise RefusedRowsError(path.name, [f"it is no JSON: {error}"]) from error
    if not isinstance(document, list):
        raise RefusedRowsError(path.name, ["expected an array of objects"])
    for number, each in enumerate(document, start=1):
        if not isinstance(each, dict):
            raise RefusedRowsError(path.name, [f"line {number}: expected an object"])
        yield number, {str(key).lower(): _text(value) for key, value in each.items()}


def _sqlite(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    try:
        uri = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            table, columns = _table(path, connection)
            listed = ", ".join(columns)
            # Both come from the file's own schema and are quoted; no value is pasted in.
            rows = connection.execute(f"select {listed} from {_quoted(table)}")  # noqa: S608
            for number, values in enumerate(rows, start=1):
                yield number, dict(zip(columns, map(_text, values), strict=True))
    except sqlite3.Error as error:
        raise RefusedRowsError(path.name, [f"it is no readable SQLite file: {error}"]) from error


def _table(path: Path, connection: sqlite3.Connection) -> tuple[str, list[str]]:
    """The one table or view of the file that has the columns of a list."""
    names = connection.execute("select name from sqlite_schema where type in ('table', 'view')")
    found: list[tuple[str, list[str]]] = []
    for (name,) in names.fetchall():
        known = connection.execute("select lower(name) from pragma_table_info(?)", (name,))
        has = {column for (column,) in known.fetchall()}
        if has.issuperset(REQUIRED):
            found.append((name, [each for each in (*REQUIRED, *OPTIONAL) if each in has]))
    if len(found) != 1:
        several = " and ".join(name for name, _ in found) or "no table"
        raise RefusedRowsError(
            path.name, [f"expected one table or view with {_COLUMNS}; found {several}"]
        )
    return found[0]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: object) -> str:
    """A cell as text; bytes and nested values are no text, and no code either."""
    return "" if value is None else str(value)
