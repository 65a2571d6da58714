"""Recordings of CAN buses, in any format that python-can reads."""

import sys
from collections.abc import Iterator
from pathlib import Path

import can

from rightbay.errors import RecordingError

STDIN = "-"
FORMATS = ".asc .blf .csv .db .log .trc, .mf4 with asammdf, and what else python-can reads"


def read_recording(name: str | Path) -> Iterator[can.Message]:
    """Read a recording, without error and remote frames.

    Args:
        name: Of the file; ``-`` reads candump text from standard input.

    Raises:
        RecordingError: The file is absent, of no known format, or broken somewhere.
    """
    try:
        reader = can.CanutilsLogReader(sys.stdin) if name == STDIN else can.LogReader(name)
        with reader:
            for message in reader:
                if not (message.is_error_frame or message.is_remote_frame):
                    yield message
    # Each format has a reader of its own, and each fails in its own way on a broken file.
    except Exception as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise RecordingError(
            f"{name} cannot be read as a recording ({FORMATS}): {reason}"
        ) from error
