import io
import logging
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rightbay.logs import VALUE_CHARACTERS_MAX, EventFormatter, start_logging
from rightbay.settings import LogLevel


def line(event: str, **facts: object) -> str:
    record = logging.makeLogRecord(
        {"name": "rightbay.gateway", "levelname": "INFO", "msg": event, "created": 0.12, **facts}
    )
    return EventFormatter().format(record)


def check(expected: str, event: str, **facts: object) -> None:
    assert line(event, **facts) == "1970-01-01T00:00:00.120Z info rightbay.gateway " + expected


def test_an_event_is_a_name_with_its_facts() -> None:
    check("store_unavailable retry_s=2 reason=gone", "store_unavailable", retry_s=2, reason="gone")


def test_a_fact_that_is_absent_is_left_out() -> None:
    check("event", "event", unit=None)


def test_a_value_with_spaces_quotes_or_equals_signs_is_quoted() -> None:
    check(r'event a="b c" d="e=f" g="\"" h=""', "event", a="b c", d="e=f", g='"', h="")


def test_a_long_value_is_cut() -> None:
    assert len(line("event", a="x" * 10_000)) < VALUE_CHARACTERS_MAX + 100


@given(st.text(), st.text())
def test_no_value_makes_a_second_line(event: str, value: str) -> None:
    assert line(event, fact=value).isprintable()


@pytest.fixture
def _loggers() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.usefixtures("_loggers")
def test_our_events_show_from_the_level_on_and_others_only_as_warnings() -> None:
    stream = io.StringIO()
    start_logging(LogLevel.INFO, stream=stream)
    logging.getLogger("rightbay.x").debug("ours_debug")
    logging.getLogger("storage.x").info("ours_info")
    logging.getLogger("somebody").info("theirs_info")
    logging.getLogger("somebody").warning("theirs_warning")
    logging.getLogger("asyncpg.pool").warning("what_a_role_says_better")
    start_logging(LogLevel.WARNING, stream=stream)
    logging.getLogger("rightbay.x").info("too_quiet")
    events = [text.split()[3] for text in stream.getvalue().splitlines()]
    assert events == ["ours_info", "theirs_warning"]
