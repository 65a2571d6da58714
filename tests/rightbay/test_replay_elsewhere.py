"""Recorded decisions are made again, byte for byte, where hashes, clocks and words are others.

The suite replays some dozen referrals; RIGHTBAY_REPLAYS=10000 so many, half of them in each of two
places. RIGHTBAY_REPLAY_PYTHON names another interpreter for them, of any minor version that has
what requirements/run.txt lists.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import batched, islice, repeat
from pathlib import Path
from random import Random

import pytest

from dtc_db.codes import parse_code
from dtc_db.knowledge import Knowledge
from dtc_db.vehicle import Powertrain, VehicleClass, VehicleKind
from routing.canonical import canonical
from routing.cases import ObservedFault, case_of
from routing.decision import Case
from routing.directory.snapshot import Directory
from routing.matching.match import decide
from routing.matching.policy import load_policy
from routing.model import Position, Site
from routing.outcomes import Outcomes
from routing.principal import Principal
from routing.referral import match_document
from routing.replay import record
from routing.testing import NOW
from simulators.model import Box
from simulators.network import repairer_network

REPLAYS = int(os.environ.get("RIGHTBAY_REPLAYS", "24"))
PYTHON = os.environ.get("RIGHTBAY_REPLAY_PYTHON", sys.executable)
BATCH = 500  # recordings in one file, of about 50 KB each
ROOT = Path(__file__).parents[2]
KNOWLEDGE = Knowledge.load()
BOX = Box(1.5, 47.5, 4.5, 49.5)
CODES = ["P0128", "P0300", "P0420", "P0562", "P0A80", "P0AA6", "P0A1F", "B0001", "C0035", "U0100"]

# What it is told to do, and a line of what it found there.
ELSEWHERE = """
import contextlib, locale, sys, time
with contextlib.suppress(locale.Error):  # where nobody installed it
    locale.setlocale(locale.LC_ALL, "")
found = hash("rightbay"), time.tzname[0], locale.localeconv()["decimal_point"], sys.version
print(*found, file=sys.stderr)
from rightbay.cli import main
main()
"""
CARELESS = """
import routing.replay as replay
made = replay.match_document
replay.match_document = lambda one: {**made(one), "notices": [*{*made(one)["notices"]}]}
"""
PLACES = [("1", "Asia/Kolkata", "C"), ("4242", "America/St_Johns", "tr_TR.UTF-8")]


def draw_case(rng: Random, number: int) -> Case:
    lon_deg, lat_deg = rng.uniform(1, 5), rng.uniform(47, 50)
    fleet = Principal(
        name="north", version="1", country="FR", distance_m_max=rng.choice([None, 60_000])
    )
    vehicle = VehicleKind(
        vehicle_class=rng.choice([*VehicleClass]),
        powertrain=rng.choice([*Powertrain]),
        make=rng.choice([None, "renault", "toyota"]),
    )
    faults = [
        ObservedFault(code=parse_code(code), ecu="", status="confirmed")
        for code in rng.sample(CODES, rng.randint(1, 3))
    ]
    a_case = case_of(
        faults,
        case_id=str(number),
        vehicle=vehicle,
        is_registered=rng.random() < 0.5,
        position=None if rng.random() < 0.02 else Position(lon_deg=lon_deg, lat_deg=lat_deg),
        knowledge=KNOWLEDGE,
        principal=rng.choice([None, None, fleet]),
        lang=rng.choice(["en", "fr", "de"]),
    )
    return replace(a_case, soc_pct=rng.choice([None, None, 15.0, 62.5]))


def with_record(site: Site, row: int) -> Site:
    """Every third site has verified repairs, so that lots and records decide as well."""
    return replace(site, outcomes=None if row % 3 else Outcomes(row % 60, row % 7))


def _draw_directories(seed: int) -> Iterator[Directory]:
    """Each for a few referrals; the more sites, the longer a recording."""
    while True:
        count = (60, 16, 8, 24, 16)[seed // len(PLACES) % 5]
        sites = repairer_network(BOX, seed=seed, sites=count, country="FR", today=NOW.date())
        known = [with_record(site, row) for row, site in enumerate(sites)]
        yield from repeat(Directory(known, str(seed)), 20)
        seed += len(PLACES)


def draw_referrals(part: int) -> Iterator[tuple[bytes, bytes]]:
    """Recordings and the documents that were decided: one part of all."""
    numbers = range(part, REPLAYS, len(PLACES))
    for number, directory in zip(numbers, _draw_directories(part), strict=False):
        rng = Random(number)  # noqa: S311 - the same every time
        at = NOW + timedelta(seconds=rng.randrange(14 * 86_400))
        a_case = draw_case(rng, number)
        decision = decide(
            a_case, directory, load_policy(), decided_at=at, seed=rng.choice(["", f"r-{number}"])
        )
        document = canonical(match_document(decision))
        yield record(decision, directory, load_policy()), document


def replay_elsewhere(
    place: tuple[str, str, str], recordings: Path, *, program: str = ELSEWHERE
) -> subprocess.CompletedProcess[bytes]:
    seed, zone, locale = place
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("RIGHTBAY_")
    }
    return subprocess.run(
        [PYTHON, "-c", program, "match", "--replay", str(recordings)],
        cwd=ROOT,
        capture_output=True,
        check=False,
        env={**environment, "PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": locale},
    )


@pytest.mark.parametrize("part", range(len(PLACES)))
def test_a_referral_replays_byte_for_byte_elsewhere(part: int, tmp_path: Path) -> None:
    recordings = tmp_path / "recordings.jsonl"
    replayed = 0
    for batch in batched(draw_referrals(part), BATCH):
        recordings.write_bytes(b"".join(recording + b"\n" for recording, _ in batch))
        done = replay_elsewhere(PLACES[part], recordings)
        assert done.stdout.splitlines() == [document for _, document in batch], done.stderr.decode()
        assert done.returncode == 0
        found = done.stderr.decode().splitlines()[0]
        assert str(hash("rightbay")) not in found
        assert ("IST", "NST")[part] in found
        replayed += len(batch)
    print(f"{replayed} referrals replayed where this was found: {found}")  # noqa: T201 - for -rP
    assert replayed == len(range(part, REPLAYS, len(PLACES)))


def test_a_program_in_which_an_order_depends_on_hashes_is_found_out(tmp_path: Path) -> None:
    """The control of the test above."""
    recordings = tmp_path / "recordings.jsonl"
    referrals = [*islice(draw_referrals(0), 12)]
    recordings.write_bytes(b"".join(recording + b"\n" for recording, _ in referrals))
    done = replay_elsewhere(PLACES[0], recordings, program=CARELESS + ELSEWHERE)
    assert done.returncode == 1
    assert done.stdout.splitlines() != [document for _, document in referrals]
