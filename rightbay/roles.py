"""Each role of the service, wired: which core, which adapters, and nothing else.

A role imports only what it needs, so that four of them start quickly beside each other.
"""

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from functools import partial
from time import monotonic
from uuid import uuid4

from rightbay.settings import Settings
from rightbay.supervision.instance import broker_url, database_url
from rightbay.supervision.readiness import say_ready

API_PORT = 8080
POOL_CONNECTIONS_MAX = 4
# A connection may fall silent without an end. What these roles ask is answered in milliseconds, so
# who has heard nothing for this long tries again elsewhere.
COMMAND_TIMEOUT_S = 6.0
# Values made, and not yet given up, before the collector looks at the young ones; a batch of 500
# reports makes about as many. How often that happens before it looks at older ones.
COLLECTION_THRESHOLDS = (50_000, 20, 20)


async def run(role: str, settings: Settings, *, stop: asyncio.Event) -> None:
    """Run one role until `stop` is set.

    Raises:
        KeyError: If there is no such role.
        Exception: What ended the role; whoever supervises it starts it again.
    """
    async with ROLES[role](settings) as serve:
        put_off_collections()
        say_ready()
        task = asyncio.ensure_future(serve())
        stopped = asyncio.create_task(stop.wait(), name="stop")
        try:
            await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                task.result()
        finally:
            stopped.cancel()
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


def put_off_collections() -> None:
    """Look for garbage rarely, and never among what stays until the end.

    Nearly all that a role makes for a batch goes with the batch, without being looked for.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTION_THRESHOLDS)


Serve = Callable[[], Awaitable[None]]


@contextlib.asynccontextmanager
async def _gateway(settings: Settings) -> AsyncIterator[Serve]:
    from gateway import service
    from gateway.sources.mqtt import MqttClient
    from gateway.vehicles import Vehicles
    from rightbay.reading import make_registry
    from storage import partitions
    from storage.pool import open_pool
    from storage.reports import PostgresReportStore

    vehicles = Vehicles()
    registry = make_registry(settings, vehicles)
    client = MqttClient(
        broker_url(settings), client_id=settings.gateway_id, subscriptions=registry.topic_filters
    )
    url = database_url(settings)
    async with (
        open_pool(url, command_timeout_s=COMMAND_TIMEOUT_S, is_by_key=True) as pool,
        client.running(),
    ):

        async def serve() -> None:
            async with asyncio.TaskGroup() as group:
                if settings.signals is not None:
                    from rightbay.signal_files import make_keeper

                    keeper = make_keeper(settings.signals, vehicles, pool)
                    await keeper.look(now_s=monotonic())
                    group.create_task(keeper.serve(clock_s=monotonic), name="signals")
                group.create_task(
                    partitions.serve(
                        pool,
                        retention_days=settings.retention_days,
                        now=partial(datetime.now, UTC),
                    ),
                    name="upkeep",
                )
                group.create_task(
                    service.serve(
                        client,
                        PostgresReportStore(pool),
                        registry.parse,
                        topic_prefix=settings.topic_prefix,
                    ),
                    name="gateway",
                )

        yield serve


@contextlib.asynccontextmanager
async def _router(settings: Settings) -> AsyncIterator[Serve]:
    from dtc_db.knowledge import Knowledge
    from rightbay.roads import travel_times
    from routing import service
    from routing.matching.policy import load_policy
    from storage.cases import PostgresCaseStore
    from storage.directory import PostgresDirectoryStore
    from storage.hints import listening
    from storage.knowledge import PostgresAddedStore
    from storage.pool import open_pool

    url = database_url(settings)
    async with (
        open_pool(url, command_timeout_s=COMMAND_TIMEOUT_S, is_by_key=True) as pool,
        # The directory and lists of codes are read whole.
        open_pool(url, size_max=2, command_timeout_s=COMMAND_TIMEOUT_S) as library,
        listening(url, "rightbay_work") as hint,
    ):
        yield partial(
            service.serve,
            PostgresCaseStore(pool, work_hint=hint),
            PostgresDirectoryStore(library),
            knowledge=Knowledge.load(),
            policy=load_policy(),
            now=partial(datetime.now, UTC),
            added=PostgresAddedStore(library),
            travel=travel_times(settings),
        )


@contextlib.asynccontextmanager
async def _deliver(settings: Settings) -> AsyncIterator[Serve]:
    from api import delivery
    from gateway.sources.mqtt import MqttClient
    from storage.pool import open_pool

    # It listens to nothing, so the broker need not know it again, and several may run.
    name = f"rightbay-deliver-{uuid4().hex}"
    client = MqttClient(broker_url(settings), client_id=name, is_durable=False)
    url = database_url(settings)
    async with (
        open_pool(url, command_timeout_s=COMMAND_TIMEOUT_S, is_by_key=True) as pool,
        client.running(),
    ):

        async def serve() -> None:
            async with asyncio.TaskGroup() as group:
                group.create_task(client.lost(), name="broker")
                group.create_task(
                    delivery.serve(
                        pool, client, database_url=url, topic_prefix=settings.topic_prefix
                    ),
                    name="delivery",
                )

        yield serve


@contextlib.asynccontextmanager
async def _api(settings: Settings) -> AsyncIterator[Serve]:
    from api import server
    from api.register import trust
    from rightbay.roads import travel_times
    from storage.pool import open_pool
    from storage.register import upkeep

    async with open_pool(database_url(settings), size_max=POOL_CONNECTIONS_MAX) as pool:
        if settings.trust is not None:
            trust.load_trust(settings.trust)  # a list nobody can read stops the start

        async def serve() -> None:
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(
                        upkeep.serve(pool, now=partial(datetime.now, UTC)), name="register"
                    )
                    tasks.create_task(
                        server.serve(
                            pool,
                            host=settings.api_host,
                            port=settings.api_port or API_PORT,
                            travel=travel_times(settings),
                            trust=settings.trust,
                        ),
                        name="http",
                    )
            except ExceptionGroup as group:
                # One failed and the other was cancelled: what failed is one line for the operator.
                raise group.exceptions[0] from group

        yield serve


ROLES: Mapping[str, Callable[[Settings], AbstractAsyncContextManager[Serve]]] = {
    "gateway": _gateway,
    "router": _router,
    "deliver": _deliver,
    "api": _api,
}
