"""Finds the dialect that reads a topic."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Protocol

from gateway.dialects.fleetwise import fleetwise
from gateway.dialects.inhand import inhand
from gateway.dialects.openxc import openxc
from gateway.dialects.ovms import ovms
from gateway.dialects.traccar import traccar
from gateway.dialects.vss import vss
from gateway.dialects.wican import wican
from gateway.model import DeadLetter, Reason, Report
from gateway.protocols.messages import SettingsOf


class Dialect(Protocol):
    """One device family's topics and payloads."""

    @property
    def topic_filters(self) -> tuple[str, ...]:
        """MQTT topic filters of what it reads."""

    def parse(self, topic: str, payload: bytes, *, received_at: datetime) -> Report | DeadLetter:
        """Make a report of a message that matches one of the filters. Never raises."""


FOREIGN: Mapping[str, Callable[[SettingsOf], Dialect]] = {
    "fleetwise": lambda _settings_of: fleetwise(),
    "inhand": lambda _settings_of: inhand(),
    "openxc": lambda settings_of: openxc(settings_of=settings_of),
    "ovms": lambda _settings_of: ovms(),
    "traccar": lambda _settings_of: traccar(),
    "vss": lambda _settings_of: vss(),
    "wican": lambda settings_of: wican(settings_of=settings_of),
}
"""Other makers' device families by name, each on its usual topics; read only where asked for."""


class Registry:
    """All dialects that are listened to; the first whose filter matches reads a message."""

    def __init__(self, dialects: Sequence[Dialect]) -> None:
        self._dialects = tuple(dialects)
        self._patterns = tuple(
            (_pattern(one), dialect) for dialect in dialects for one in dialect.topic_filters
        )

    @property
    def topic_filters(self) -> tuple[str, ...]:
        """What to subscribe to."""
        return tuple(one for dialect in self._dialects for one in dialect.topic_filters)

    def find(self, topic: str) -> Dialect | None:
        """Find the dialect of a topic."""
        for pattern, dialect in self._patterns:
            if pattern.fullmatch(topic):
                return dialect
        return None

    def parse(self, topic: str, payload: bytes, received_at: datetime) -> Report | DeadLetter:
        """Make a report or a dead letter of any message. Never raises."""
        dialect = self.find(topic)
        if dialect is not None:
            return dialect.parse(topic, payload, received_at=received_at)
        return DeadLetter(
            topic=topic,
            unit=None,
            event_id=None,
            reason=Reason.TOPIC,
            text="no dialect reads this topic",
            raw=payload,
            received_at=received_at,
        )


def matches(topic_filter: str, topic: str) -> bool:
    """Whether a topic falls under an MQTT filter with ``+`` and ``#`` (MQTT 5.0, 4.7.1)."""
    return _pattern(topic_filter).fullmatch(topic) is not None


@lru_cache(maxsize=256)
def _pattern(topic_filter: str) -> re.Pattern[str]:
    """Write a filter as a pattern; ``a/#`` holds ``a`` as well."""
    levels = topic_filter.split("/")
    has_rest = "#" in levels
    if has_rest:
        levels = levels[: levels.index("#")]
    text = "/".join("[^/]*" if level == "+" else re.escape(level) for level in levels)
    if has_rest:
        text = f"{text}(?:/.*)?" if levels else ".*"
    return re.compile(text, re.DOTALL)
