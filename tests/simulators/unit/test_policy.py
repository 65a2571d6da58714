import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.unit.policy import (
    RESEND_S_MAX,
    SEND_BATCH_MAX,
    News,
    Outbox,
    Watch,
    resend_wait_s,
)

EMPTY: frozenset[tuple[int, bytes]] = frozenset()
ONE = frozenset({(0x7E8, b"\x43\x01\x03\x02")})


@pytest.mark.parametrize(
    ("attempt", "low_s", "high_s"),
    [(1, 4, 8), (2, 8, 16), (3, 16, 32), (4, 30, 60), (5, 30, 60), (1_000_000, 30, 60)],
)
def test_the_back_off_doubles_between_its_bounds(attempt: int, low_s: float, high_s: float) -> None:
    assert resend_wait_s(attempt, chance=0) == low_s
    assert resend_wait_s(attempt, chance=1) == high_s


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_no_wait_is_outside_four_to_sixty_seconds(attempt: int, chance: float) -> None:
    assert 4 <= resend_wait_s(attempt, chance=chance) <= RESEND_S_MAX


def test_the_first_reading_is_news_even_if_nothing_is_wrong() -> None:
    assert Watch(heartbeat_s=300).judge(EMPTY, now_s=0) is News.CHANGED


def test_only_a_change_or_the_heartbeat_is_news() -> None:
    watch = Watch(heartbeat_s=300)
    times = [(0, EMPTY), (2, EMPTY), (4, ONE), (6, ONE), (303, ONE), (304, ONE), (306, EMPTY)]
    assert [watch.judge(answers, now_s=now_s) for now_s, answers in times] == [
        News.CHANGED,
        None,
        News.CHANGED,
        None,
        None,
        News.HEARTBEAT,
        News.CHANGED,
    ]


def test_a_report_is_due_again_only_after_its_wait() -> None:
    outbox = Outbox()
    outbox.add("a", due_s=10)
    assert outbox.due(now_s=9) == []
    assert outbox.due(now_s=10) == ["a"]
    assert outbox.sent("a", now_s=10, chance=0.5) == 1
    assert outbox.deadline_s == 16
    assert outbox.due(now_s=15.9) == []
    assert outbox.due(now_s=16) == ["a"]
    assert outbox.sent("a", now_s=16, chance=0) == 2
    assert outbox.deadline_s == 24
    outbox.forget(["a", "never seen"])
    assert len(outbox) == 0
    assert [outbox.deadline_s] == [None]


def test_a_backlog_leaves_in_batches_oldest_first() -> None:
    outbox = Outbox()
    for number in range(SEND_BATCH_MAX + 5):
        outbox.add(str(number), due_s=0)
    assert outbox.due(now_s=1) == [str(number) for number in range(SEND_BATCH_MAX)]
