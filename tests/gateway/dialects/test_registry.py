from datetime import UTC, datetime

import pytest

from gateway.dialects.registry import Registry, matches
from gateway.dialects.rightbay import RightbayDialect
from gateway.model import DeadLetter, Reason, Report

NOW = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("topic_filter", "topic", "is_match"),
    [
        ("a/+/c", "a/b/c", True),
        ("a/+/c", "a//c", True),
        ("a/+/c", "a/b/c/d", False),
        ("a/+/c", "a/b", False),
        ("a/#", "a", True),
        ("a/#", "a/b/c", True),
        ("a/#", "b/c", False),
        ("a", "a", True),
    ],
)
def test_filters_match_as_brokers_match_them(
    topic_filter: str, topic: str, *, is_match: bool
) -> None:
    assert matches(topic_filter, topic) is is_match


def test_a_topic_is_read_by_the_first_dialect_whose_filter_matches() -> None:
    first, second = RightbayDialect("one"), RightbayDialect("two")
    registry = Registry([first, second])
    assert registry.topic_filters == ("one/+/up/report", "two/+/up/report")
    assert registry.find("two/u/up/report") is second
    found = registry.parse("two/u/up/report", b'{"id":"r","codes":[]}', NOW)
    assert isinstance(found, Report)


def test_a_topic_that_nobody_reads_is_a_dead_letter() -> None:
    found = Registry([RightbayDialect()]).parse("elsewhere", b"x", NOW)
    assert isinstance(found, DeadLetter)
    assert (found.reason, found.topic, found.raw) == (Reason.TOPIC, "elsewhere", b"x")
