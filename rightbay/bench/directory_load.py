"""Reads a directory in a process of its own, and says how long it took and what it weighs."""

import asyncio
import json
import resource
import sys
from dataclasses import replace
from time import perf_counter, process_time

import psutil

from routing.competence.catalogue import load_catalogue
from routing.directory.arrange import arrange
from routing.directory.snapshot import Directory
from storage.directory import PostgresDirectoryStore
from storage.pool import open_pool
from storage.snapshot import read_whole


async def load(url: str) -> dict[str, float]:
    """Read, build, change one site, and read again."""
    load_catalogue()
    async with open_pool(url, size_max=1) as pool:
        before_mb = psutil.Process().memory_info().rss / 1e6
        began_s, cpu_s = perf_counter(), process_time()
        async with pool.acquire() as connection, connection.transaction():
            sites, columns = await read_whole(connection)
        read_s = perf_counter() - began_s
        directory = Directory(sites, "0", arranged=arrange(columns, load_catalogue()))
        built_s = perf_counter() - began_s - read_s
        cpu_s = process_time() - cpu_s
        memory_mb = psutil.Process().memory_info().rss / 1e6 - before_mb
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6 - before_mb
        renamed = replace(directory.sites[0], name="renamed")
        del sites, columns, directory
        store = PostgresDirectoryStore(pool)
        await store.import_sites([renamed], source="bench")
        whole = await store.fetch_directory()
        began_s = perf_counter()
        first = whole.digest
        digested_s = perf_counter() - began_s
        looked_at_mb = psutil.Process().memory_info().rss / 1e6 - before_mb
        await store.import_sites([replace(renamed, name="again")], source="bench")
        began_s = perf_counter()
        changed = await store.fetch_directory()
        if changed.digest == first:
            raise ValueError("the change is not there")
        refreshed_s = perf_counter() - began_s
    return {
        "read_s": round(read_s, 2),
        "built_s": round(built_s, 2),
        "load_cpu_s": round(cpu_s, 2),
        "digested_s": round(digested_s, 2),
        "refreshed_s": round(refreshed_s, 2),
        "memory_mb": round(memory_mb),
        "peak_mb": round(peak_mb),
        "looked_at_mb": round(looked_at_mb),
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(load(sys.argv[1]))))  # noqa: T201 - what the parent reads
