import asyncio
import hashlib
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from audit.errors import BrokenHeadError, ConflictError
from audit.tree import EMPTY_ROOT, is_included, leaf_hash
from storage.log import (
    fetch_head,
    find_inclusion_proof,
    is_waiting,
    sequence_once,
    verify_log,
)
from storage.migrate import migrate
from storage.pool import Pool, open_pool
from storage.testing import refer

pytestmark = pytest.mark.integration


@pytest.fixture
async def pool(postgres_url: str) -> AsyncIterator[Pool]:
    async with open_pool(postgres_url) as pool:
        await migrate(pool)
        yield pool


async def record(pool: Pool, count: int) -> None:
    """Entries without a referral: enough for the tree, too little for `verify_log`."""
    await pool.execute(
        "insert into log_pending (entry_id, body, created_at) "
        "select gen_random_uuid(), convert_to('entry ' || n, 'UTF8'), now() "
        "from generate_series(1, $1::integer) as n",
        count,
    )


async def test_a_new_log_is_empty_and_whole(pool: Pool) -> None:
    assert (await fetch_head(pool)).root == EMPTY_ROOT
    assert await sequence_once(pool) == 0
    checked = await verify_log(pool)
    assert (checked.head.size, checked.flaw) == (0, None)


async def test_a_referral_is_logged_once_and_proved(pool: Pool) -> None:
    referred = await refer(pool, "unit-1", "P0301")
    assert await is_waiting(pool, referred.referral_id)
    assert await find_inclusion_proof(pool, referred.referral_id) is None
    assert await sequence_once(pool) == 1
    assert await sequence_once(pool) == 0
    assert not await is_waiting(pool, referred.referral_id)
    proof = await find_inclusion_proof(pool, referred.referral_id)
    assert proof is not None
    assert hashlib.sha256(referred.document).hexdigest().encode() in proof.body
    assert (await verify_log(pool)).flaw is None


async def test_every_entry_of_a_grown_log_is_proved_to_its_head(pool: Pool) -> None:
    await record(pool, 700)
    while await sequence_once(pool, limit=97):
        pass
    head = await fetch_head(pool)
    assert head.size == 700
    for row in await pool.fetch("select entry_id from log_entry where log_index % 83 = 0"):
        proof = await find_inclusion_proof(pool, row["entry_id"])
        assert proof is not None
        assert proof.head == head
        assert is_included(
            leaf_hash(proof.body),
            index=proof.index,
            size=head.size,
            proof=proof.hashes,
            root=head.root,
        )


async def test_sequencers_that_race_leave_no_gap_and_no_double(pool: Pool) -> None:
    await record(pool, 400)
    async with asyncio.TaskGroup() as group:
        for _ in range(16):
            group.create_task(sequence_once(pool, limit=25), name="sequencer")
    indices = await pool.fetch("select log_index from log_entry order by log_index")
    assert [row["log_index"] for row in indices] == list(range(400))
    assert (await fetch_head(pool)).size == 400


async def test_an_entry_that_is_recorded_again_is_not_logged_again(pool: Pool) -> None:
    await refer(pool, "unit-1", "P0301")
    await sequence_once(pool)
    await pool.execute("insert into log_pending select entry_id, body, now() from log_entry")
    await sequence_once(pool)
    checked = await verify_log(pool)
    assert (checked.head.size, checked.flaw) == (1, None)


async def test_an_entry_that_is_recorded_again_with_another_body_stops_the_log(pool: Pool) -> None:
    await refer(pool, "unit-1", "P0301")
    await sequence_once(pool)
    await pool.execute("insert into log_pending select entry_id, 'other', now() from log_entry")
    with pytest.raises(ConflictError) as caught:
        await sequence_once(pool)
    assert caught.value.recorded == b"other"
    assert b"referral" in caught.value.logged
    assert (await fetch_head(pool)).size == 1


TAMPERINGS = {
    "a changed document": (
        "update referral set document = '{}' where referral_id = $1",
        "is not what is stored now",
    ),
    "a changed column": (
        "update referral set decided_at = decided_at - interval '1 day' where referral_id = $1",
        "is not what is stored now",
    ),
    "a deleted referral": ("delete from referral where referral_id = $1", "is gone"),
    "a changed entry": (
        "update log_entry set body = 'other' where entry_id = $1",
        "the leaf hash does not follow",
    ),
    "a changed entry with its leaf": (
        (
            "update log_entry set body = 'other', leaf_hash = sha256('\\x006f74686572') "
            "where entry_id = $1"
        ),
        "is not what is stored now",
    ),
    "a deleted entry": ("delete from log_entry where entry_id = $1", "some are missing"),
    "a deleted last entry": (
        "delete from log_entry where log_index = 2 and $1::uuid is not null",
        "the head says 3 entries, there are 2",
    ),
    "a head rolled back": (
        "update log_head set size = 2 where $1::uuid is not null",
        "the head says 2 entries, there are 3",
    ),
    "a head of another tree": (
        "update log_head set frontier = array[root, root] where $1::uuid is not null",
        "the head's frontier",
    ),
    "a changed root": (
        "update log_head set root = sha256('other') where $1::uuid is not null",
        "the head's root",
    ),
    "a decision that bypasses the log": (
        (
            "insert into referral select vehicle_id, case_id, 9, gen_random_uuid(), decided_at, "
            "need_digest, urgency, is_unassigned, document from referral where referral_id = $1"
        ),
        "was never recorded",
    ),
}


@pytest.mark.parametrize("name", TAMPERINGS)
async def test_tampering_is_found_and_named(pool: Pool, name: str) -> None:
    statement, text = TAMPERINGS[name]
    _, middle, _ = [await refer(pool, f"unit-{number}", "P0301") for number in range(3)]
    await sequence_once(pool)
    assert (await verify_log(pool)).flaw is None
    await pool.execute(statement, middle.referral_id)
    flaw = (await verify_log(pool)).flaw
    assert flaw is not None
    assert text in flaw.text


@pytest.mark.parametrize(
    "statement",
    [
        "update log_head set root = sha256('other')",
        "update log_head set size = 2",
        "update log_head set size = 0, frontier = '{}', root = sha256('')",
    ],
)
async def test_nothing_is_appended_to_a_broken_head(pool: Pool, statement: str) -> None:
    await record(pool, 3)
    await sequence_once(pool)
    await pool.execute(statement)
    await record(pool, 1)
    with pytest.raises(BrokenHeadError):
        await sequence_once(pool)
    assert await pool.fetchval("select count(*) from log_entry") == 3
    assert await pool.fetchval("select count(*) from log_pending") == 1


async def test_an_unknown_entry_has_no_proof(pool: Pool) -> None:
    assert await find_inclusion_proof(pool, uuid4()) is None
    assert not await is_waiting(pool, uuid4())
