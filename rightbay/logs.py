"""The log: one line on stderr for each event, a constant name with its facts.

Every room logs by the standard library: ``log.warning("store_unavailable", extra={"retry_s": 2})``.
The form of the line is decided here alone:

    2026-11-23T09:30:00.120Z warning rightbay.gateway store_unavailable retry_s=2
"""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TextIO

from rightbay.settings import LogLevel

VALUE_CHARACTERS_MAX = 500

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
# Tells with a traceback, again and again, that the database is away; who asks it says so in a line.
_REPETITIVE = "asyncpg.pool"
_ROOM_PREFIXES = ("rightbay", "gateway", "routing", "storage", "audit", "api", "simulators")


class EventFormatter(logging.Formatter):
    """Formats a record as time, level, logger, event and ``key=value`` facts."""

    def format(self, record: logging.LogRecord) -> str:
        """Format one record as one line, whatever its values hold."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        facts = [
            f"{key}={_quote(value)}"
            for key, value in vars(record).items()
            if key not in _STANDARD and value is not None
        ]
        if record.exc_info and record.exc_info[0]:
            facts.append(f"exception={_quote(self.formatException(record.exc_info))}")
        event = record.getMessage()
        head = (at.removesuffix("+00:00") + "Z", record.levelname.lower(), record.name)
        return " ".join((*head, event if event.isidentifier() else _quote(event), *facts))


def _quote(value: object) -> str:
    """Write a value so that it cannot look like another fact, or like another line."""
    text = str(value)
    if len(text) > VALUE_CHARACTERS_MAX:
        text = text[:VALUE_CHARACTERS_MAX] + "…"
    is_plain = text.isprintable() and not set(text) & set(' ="')
    return text if text and is_plain else json.dumps(text)


def start_logging(level: LogLevel, *, stream: TextIO | None = None) -> None:
    """Send the log to stderr: our events from ``level`` on, other people's warnings."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(EventFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger(_REPETITIVE).setLevel(logging.ERROR)
    for prefix in _ROOM_PREFIXES:
        logging.getLogger(prefix).setLevel(level.upper())
