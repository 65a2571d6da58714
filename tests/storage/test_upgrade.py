"""A database of the first schema keeps all it holds when the later ones are applied."""

from collections.abc import AsyncIterator

import pytest

from storage.migrate import load_migrations, migrate
from storage.pool import Pool, open_pool

pytestmark = pytest.mark.integration

ROWS = """
insert into vehicle (vehicle_id, unit) values ('00000000-0000-0000-0000-000000000001', 'u1');
insert into event values ('u1', 'a', '\\x00', '2026-01-05');
insert into report values
    ('00000000-0000-0000-0000-000000000001', 'a', '2026-01-05', '2026-01-04', true, '\\x7b7d');
insert into episode (
    vehicle_id, episode_id, ecu, code, ordinal, service, status, lamps, is_uncertain, is_raised,
    first_seen_at, last_seen_at, off_at
)
values
    ('00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000011', '7E8',
     'P0128', 1, '03', 'confirmed', '[]', false, true, '2026-01-01', '2026-01-02', '2026-01-03'),
    ('00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000012', '7E8',
     'P0128', 2, '03', 'confirmed', '[]', false, true, '2026-01-04', '2026-01-05', null);
insert into transition (vehicle_id, episode_id, kind, at)
values
    ('00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000012', 'on',
     '2026-01-04');
insert into dead_letter (digest, topic, reason, text, raw, first_at, last_at)
values
    ('\\x01', 't', 'not_json', '', '\\x00', '2026-01-04', '2026-01-04'),
    ('\\x02', '', 'truncated', '', '\\x00', '2026-01-04', '2026-01-04');
"""


@pytest.fixture
async def pool(postgres_url: str) -> AsyncIterator[Pool]:
    first = load_migrations()[0]
    async with open_pool(postgres_url) as opened:
        await opened.execute(
            "create table migration (number integer primary key, name text not null, "
            "digest bytea not null, applied_at timestamptz not null default now())"
        )
        await opened.execute(first.text)
        await opened.execute(
            "insert into migration values ($1, $2, $3)", first.number, first.name, first.digest
        )
        await opened.execute(ROWS)
        yield opened


async def test_what_was_stored_before_is_there_afterwards(pool: Pool) -> None:
    assert await migrate(pool) == tuple(each.name for each in load_migrations()[1:])
    report = await pool.fetchrow("select event_id, is_historical, payload, time_doubt from report")
    assert tuple(report) == ("a", True, b"{}", None)
    assert await pool.fetchval("select count(*) from transition where kind = 'on'") == 1
    episodes = await pool.fetch(
        "select ordinal, is_latest, onset_at = first_seen_at, observed_at = last_seen_at "
        "from episode order by ordinal"
    )
    assert [tuple(row) for row in episodes] == [(1, False, True, True), (2, True, True, True)]
    letters = await pool.fetch("select reason, is_whole from dead_letter order by reason")
    assert [tuple(row) for row in letters] == [("not_json", True), ("truncated", False)]
    assert await migrate(pool) == ()
