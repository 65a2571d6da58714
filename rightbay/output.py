"""What a child writes: kept in a bounded file, and its last words at hand."""

import asyncio
import contextlib
import os
import re
from pathlib import Path

FILE_BYTES_MAX = 2_000_000  # then it becomes the one older file, and that one is forgotten
LAST_WORDS_BYTES_MAX = 2_000

# Servers say goodbye after they said why they end.
_GRAVE = re.compile(r"\b(FATAL|PANIC|FTL|ERR|[Ee]rror)\b")


class Output(asyncio.Protocol):
    """Reads a child's output until it ends.

    Attributes:
        ready: Done as soon as the child wrote the line it was asked to wait for.
    """

    def __init__(self, log: Path | None, *, ready_line: str | None = None) -> None:
        """Prepare to read.

        Args:
            log: Where it is kept; None keeps the last words only.
            ready_line: A line to look for.
        """
        self.ready = asyncio.Event()
        self._ready_line = ready_line.encode() if ready_line else None
        self._log = log
        self._tail = b""

    def data_received(self, data: bytes) -> None:
        """Take what the child wrote."""
        if self._log is not None:
            # A full disk costs the log, not the child whose pipe would break.
            with contextlib.suppress(OSError):
                append(self._log, data)
        self._tail = (self._tail + data)[-LAST_WORDS_BYTES_MAX:]
        if self._ready_line is not None and self._ready_line in self._tail.splitlines():
            self.ready.set()

    @property
    def last_words(self) -> str:
        """The last line that says why, else the last one at all; empty for a silent child."""
        lines = [line.strip() for line in self._tail.decode(errors="replace").split("\n")]
        said = [line for line in reversed(lines) if line]
        grave = (line for line in said if _GRAVE.search(line))
        return next(grave, said[0] if said else "")


def append(log: Path, data: bytes) -> None:
    """Write to a file that, with its one predecessor, never exceeds twice ``FILE_BYTES_MAX``."""
    if log.exists() and log.stat().st_size + len(data) > FILE_BYTES_MAX:
        log.replace(log.with_name(log.name + ".1"))
    with log.open("ab") as file:
        file.write(data)


async def read_output(output: Output) -> tuple[int, asyncio.BaseTransport]:
    """Make a pipe that ends in ``output``.

    A pipe of our own: asyncio's would hold back the news of a child's death until its grandchildren
    closed theirs too.

    Returns:
        The end for the child, to be closed here once the child has it, and our end.
    """
    reader, writer = os.pipe()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(lambda: output, os.fdopen(reader, "rb"))
    return writer, transport
