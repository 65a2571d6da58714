from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dtc_db.knowledge import Knowledge
from dtc_db.layers import Entry, Row, parse_list
from dtc_db.own_rules import Effect, OwnRule
from dtc_db.urgency import Urgency
from dtc_db.vehicle import VehicleKind
from storage import knowledge
from storage.errors import ConflictError
from storage.knowledge import ListImported, PostgresKnowledgeStore
from storage.migrate import migrate
from storage.pool import Pool, open_pool
from storage.testing import refer, report

pytestmark = pytest.mark.integration

AT = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.fixture
async def pool(postgres_url: str) -> AsyncIterator[Pool]:
    async with open_pool(postgres_url) as pool:
        await migrate(pool)
        yield pool


def entries(*rows: tuple[str, str, str]) -> tuple[Entry, ...]:
    parsed = parse_list(
        Row(line=number, code=code, make=make, text=text)
        for number, (code, make, text) in enumerate(rows)
    )
    assert parsed.problems == ()
    return parsed.entries


async def keep(
    pool: Pool, name: str, *rows: tuple[str, str, str], is_replacing: bool = False
) -> ListImported:
    return await PostgresKnowledgeStore(pool).import_list(
        name, entries(*rows), source=f"{name}.csv", by="an editor", at=AT, is_replacing=is_replacing
    )


def rule(pattern: str = "P0420") -> OwnRule:
    return OwnRule(
        effect=Effect.RAISE,
        pattern=pattern,
        by="a manager",
        at=AT,
        make="VW",
        fleet="north",
        urgency=Urgency.SOON,
        because="they sell in hilly places",
    )


async def test_what_was_kept_is_asked_by_every_reader(pool: Pool) -> None:
    store = PostgresKnowledgeStore(pool)
    assert await store.fetch_added() == ("0", (), ())
    done = await keep(pool, "mine", ("P1457", "honda", "canister"), ("P0301-13", "kia", "coil"))
    assert (done.version, done.entries, done.added, done.is_new) == (1, 2, 2, True)
    version, layers, rules = await store.fetch_added()
    assert version == await store.fetch_version() != "0"
    assert rules == ()
    (layer,) = layers
    assert set(layer.entries) == set(
        entries(("P1457", "honda", "canister"), ("P0301-13", "kia", "coil"))
    )
    known = Knowledge.load().with_layers(layers)
    code = layer.entries[0].code
    assert known.assess(code, VehicleKind(make=layer.entries[0].make)).level == "make"


async def test_a_list_is_replaced_only_when_that_is_said(pool: Pool) -> None:
    await keep(pool, "mine", ("P1457", "honda", "a"), ("P1458", "honda", "b"))
    with pytest.raises(ConflictError, match="list mine has version 1 with 2 entries"):
        await keep(pool, "mine", ("P1457", "honda", "c"))
    (layer,) = (await PostgresKnowledgeStore(pool).fetch_added())[1]
    assert len(layer.entries) == 2, "nothing of the refused list was kept"
    done = await keep(
        pool, "mine", ("P1457", "honda", "c"), ("P1459", "honda", "d"), is_replacing=True
    )
    assert (done.version, done.added, done.changed, done.removed) == (2, 1, 1, 1)
    (layer,) = (await PostgresKnowledgeStore(pool).fetch_added())[1]
    assert (layer.version, {entry.text for entry in layer.entries}) == (2, {"c", "d"})


async def test_the_same_list_again_changes_nothing(pool: Pool) -> None:
    store = PostgresKnowledgeStore(pool)
    await keep(pool, "mine", ("P1457", "honda", "a"), ("P1458", "honda", "b"))
    version = await store.fetch_version()
    again = await keep(pool, "mine", ("P1458", "honda", "b"), ("P1457", "honda", "a"))
    assert (again.version, again.is_new) == (1, False)
    assert await store.fetch_version() == version


async def test_a_removed_list_is_asked_no_more_and_stays_in_the_records(pool: Pool) -> None:
    store = PostgresKnowledgeStore(pool)
    await keep(pool, "mine", ("P1457", "honda", "a"))
    assert await store.remove_list("mine", by="another", at=AT + timedelta(days=1)) == 1
    assert (await store.fetch_added())[1] == ()
    assert await store.fetch_lists() == ()
    (kept,) = await store.fetch_lists(has_ended=True)
    assert (kept.imported_by, kept.ended_by) == ("an editor", "another")
    with pytest.raises(ConflictError, match="there is no list mine"):
        await store.remove_list("mine", by="another", at=AT)
    assert (await keep(pool, "mine", ("P1457", "honda", "a"))).version == 2


async def test_the_newest_list_comes_first(pool: Pool) -> None:
    for name in ("b", "a", "c"):
        await keep(pool, name, ("P1457", "honda", name))
    layers = (await PostgresKnowledgeStore(pool).fetch_added())[1]
    assert [layer.name for layer in layers] == ["c", "a", "b"]


async def test_there_is_a_limit_to_lists_and_rules(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(knowledge, "LISTS_MAX", 1)
    monkeypatch.setattr(knowledge, "OWN_RULES_MAX", 1)
    await keep(pool, "mine", ("P1457", "honda", "a"))
    with pytest.raises(ConflictError, match="1 lists already"):
        await keep(pool, "other", ("P1457", "honda", "a"))
    await keep(pool, "mine", ("P1457", "honda", "b"), is_replacing=True)
    store = PostgresKnowledgeStore(pool)
    await store.add_rule(rule())
    with pytest.raises(ConflictError, match="1 rules already"):
        await store.add_rule(rule())


async def test_a_rule_comes_back_as_it_was_made_and_can_be_undone(pool: Pool) -> None:
    store = PostgresKnowledgeStore(pool)
    rule_id = await store.add_rule(rule())
    (kept,) = await store.fetch_rules()
    assert kept.rule.rule_id == rule_id
    assert str(kept.rule) == str(rule())
    assert (kept.rule.fleet, kept.rule.because) == ("north", "they sell in hilly places")
    assert (await store.fetch_added())[2] == (kept.rule,)
    await store.end_rule(rule_id, by="another", at=AT)
    assert await store.fetch_rules() == ()
    assert (await store.fetch_added())[2] == ()
    (ended,) = await store.fetch_rules(has_ended=True)
    assert ended.ended_by == "another"


@pytest.mark.parametrize("rule_id", ["7", "x", "", "9" * 30])
async def test_a_rule_that_is_not_there_cannot_be_undone(pool: Pool, rule_id: str) -> None:
    with pytest.raises(ConflictError, match="there is no rule"):
        await PostgresKnowledgeStore(pool).end_rule(rule_id, by="x", at=AT)


async def test_each_change_has_a_version_and_looks_at_open_cases_again(pool: Pool) -> None:
    referred = await refer(pool, "unit-1", "P0420", at=AT)
    await report(pool, "unit-2", "P0420", at=AT)
    await pool.execute("delete from work")
    store = PostgresKnowledgeStore(pool)
    versions = [await store.fetch_version()]
    rule_id = await store.add_rule(replace(rule(), fleet=""))
    versions.append(await store.fetch_version())
    rows = await pool.fetch("select vehicle_id, due_at from work")
    assert [row["vehicle_id"] for row in rows] == [referred.vehicle_id], "only what has a case"
    assert rows[0]["due_at"] > AT + timedelta(seconds=1), "when every router has read the rule"
    await store.end_rule(rule_id, by="x", at=AT)
    versions.append(await store.fetch_version())
    await keep(pool, "mine", ("P1457", "honda", "a"))
    versions.append(await store.fetch_version())
    assert len(set(versions)) == 4
