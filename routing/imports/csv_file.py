"""Reads CSV files row by row, and repairers from them.

UTF-8 with or without a byte order mark; comma, or semicolon as some office programs write; the
first line names the columns, in any order.
"""

import csv
from collections.abc import Collection, Iterator
from pathlib import Path

from routing.errors import UnreadableFileError
from routing.imports.findings import FieldError, Row
from routing.imports.site_fields import OPTIONAL, REQUIRED, SiteFile, gather_sites

ROWS_MAX = 2_000_000


def read_sites(path: Path, *, country: str | None = None) -> SiteFile:
    """Read repairers from the CSV form of docs/directory.md.

    Args:
        path: The file.
        country: Where sites lie that do not say.

    Raises:
        UnreadableFileError: If it is no such CSV file.
    """
    return gather_sites(read_rows(path, required=REQUIRED, optional=OPTIONAL), country=country)


def read_rows(
    path: Path,
    *,
    required: Collection[str],
    optional: Collection[str],
    rows_max: int = ROWS_MAX,
) -> Iterator[Row]:
    """Yield ``("line 7", {"column": "text"})`` for each row that is not blank.

    Cells missing at a row's end are not in its record; text beyond the last column is an error.

    Raises:
        UnreadableFileError: If the file, its text or its columns cannot be read.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = file.readline()
            file.seek(0)
            reader = csv.reader(file, delimiter=_delimiter(header), strict=True)
            columns = [column.strip().lower() for column in next(reader, [])]
            _check_columns(path, columns, required, optional)
            for number, cells in enumerate(reader):
                if number == rows_max:
                    raise UnreadableFileError(f"{path}: more than {rows_max} rows; split the file")
                if any(cells):
                    yield f"line {reader.line_num}", _record(columns, cells)
    except OSError as error:
        raise UnreadableFileError(f"{path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise UnreadableFileError(
            f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8"
        ) from error
    except csv.Error as error:
        raise UnreadableFileError(f"{path}: line {reader.line_num}: {error}") from error


def _record(columns: list[str], cells: list[str]) -> dict[str, str] | FieldError:
    if any(cells[len(columns) :]):
        return FieldError("row", f"expected at most {len(columns)} cells, got {len(cells)}")
    return dict(zip(columns, map(str.strip, cells), strict=False))


def _delimiter(header: str) -> str:
    return ";" if header.count(";") > header.count(",") else ","


def _check_columns(
    path: Path, columns: list[str], required: Collection[str], optional: Collection[str]
) -> None:
    known = [*required, *optional]
    missing = [column for column in required if column not in columns]
    unknown = [column for column in columns if column not in known]
    if missing:
        raise UnreadableFileError(
            f"{path}: no column {missing[0]!r}; it needs {', '.join(required)}"
        )
    if unknown:
        raise UnreadableFileError(
            f"{path}: unknown column {unknown[0]!r:.40}; known are {', '.join(known)}"
        )
    if len(set(columns)) != len(columns):
        raise UnreadableFileError(f"{path}: a column is named twice")
