"""Reads results of PostgreSQL's COPY: lines of text, and rows of numbers as one array."""

import re
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from storage.pool import Connection

NULL = r"\N"
READ_TIMEOUT_S = 300.0  # of one table; a million rows take seconds

_ESCAPED = re.compile(r"\\(.)")
_MEANT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_HEADER_BYTES, _TRAILER_BYTES = 19, 2

type Row = list[str | None]


async def copy_lines(
    connection: Connection, sql: str, arguments: Sequence[object], take: Callable[[list[str]], None]
) -> None:
    """Hand over the lines of a statement's result in large lots, in COPY's text format."""
    tail = b""

    async def receive(data: bytes) -> None:
        nonlocal tail
        whole, _, tail = (tail + data).rpartition(b"\n")
        if whole:
            take(whole.decode().split("\n"))

    await connection.copy_from_query(sql, *arguments, output=receive, timeout=READ_TIMEOUT_S)


async def copy_numbers(
    connection: Connection, sql: str, columns_bytes: Sequence[int]
) -> list[NDArray[np.int64]]:
    """The columns of a statement's result: whole numbers and days, none of them null.

    Args:
        connection: To ask.
        sql: The statement.
        columns_bytes: How wide each is: 8 for ``bigint``, 4 for ``integer`` and for ``date``, which
            is the number of days from the first of the year 2000.

    Raises:
        ValueError: If the result has other columns.
    """
    data = bytearray()

    async def receive(part: bytes) -> None:
        data.extend(part)

    await connection.copy_from_query(sql, output=receive, format="binary", timeout=READ_TIMEOUT_S)
    # A row is its number of columns, then for each its length and its bytes, big-endian.
    cells = [
        (f"cell{n}", [("bytes", ">i4"), ("value", f">i{w}")]) for n, w in enumerate(columns_bytes)
    ]
    row = np.dtype([("columns", ">i2"), *cells])
    count, rest = divmod(len(data) - _HEADER_BYTES - _TRAILER_BYTES, row.itemsize)
    rows = np.frombuffer(data, dtype=row, offset=_HEADER_BYTES, count=count)
    if rest or any(
        (rows[name]["bytes"] != width).any()
        for (name, _), width in zip(cells, columns_bytes, strict=True)
    ):
        raise ValueError(f"expected columns of {columns_bytes} bytes, got others")
    return [rows[name]["value"].astype(np.int64) for name, _ in cells]


def fields_of(line: str) -> Row:
    """Columns of a line of COPY's text format."""
    return [None if field == NULL else unescape(field) for field in line.split("\t")]


def unescape(field: str) -> str:
    """A column that is not null."""
    if "\\" not in field:
        return field
    return _ESCAPED.sub(lambda found: _MEANT.get(found[1], found[1]), field)
