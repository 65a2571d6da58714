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
    connection: Connection, sql: str, arguments: Sequence[object]
) -> NDArray[np.int64]:
    """The result of a statement whose columns are all ``bigint`` and never null.

    Returns:
        Shape (columns, rows).
    """
    data = bytearray()

    async def receive(part: bytes) -> None:
        data.extend(part)

    await connection.copy_from_query(
        sql, *arguments, output=receive, format="binary", timeout=READ_TIMEOUT_S
    )
    # A row is its number of columns, then for each its length (8) and its bytes, big-endian.
    if len(data) <= _HEADER_BYTES + _TRAILER_BYTES:
        return np.empty((0, 0), dtype=np.int64)
    count = int.from_bytes(data[_HEADER_BYTES : _HEADER_BYTES + 2], "big")
    row = np.dtype([("count", ">i2"), ("cells", [("length", ">i4"), ("value", ">i8")], (count,))])
    end = len(data) - _TRAILER_BYTES
    rows = np.frombuffer(memoryview(data)[_HEADER_BYTES:end], dtype=row)
    return rows["cells"]["value"].T.astype(np.int64)


def fields_of(line: str) -> Row:
    """Columns of a line of COPY's text format."""
    return [None if field == NULL else unescape(field) for field in line.split("\t")]


def unescape(field: str) -> str:
    """A column that is not null."""
    if "\\" not in field:
        return field
    return _ESCAPED.sub(lambda found: _MEANT.get(found[1], found[1]), field)
