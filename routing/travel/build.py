"""Builds a road map from an OpenStreetMap file, with the programs that come with osrm-bindings.

extract, partition, customise, for each profile; then the map is opened once in a process of its
own, and only then it takes the place of the one before. Whatever ends the work earlier leaves that
one in use.
"""

import fcntl
import hashlib
import importlib.metadata
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import msgspec

from routing.errors import RoadsError
from routing.travel.maps import BASE, MANIFEST, PROFILES, Manifest
from routing.travel.osrm import check_library

ENDINGS = (".osm.pbf", ".osm.bz2", ".osm")
STEPS = ("extract", "partition", "customize")
_TRUCK = Path(__file__).with_name("truck.lua")
_LAST_WORDS_MAX = 300
_OPEN = "import osrm; osrm.OSRM(algorithm='MLD', storage_config={!r}, use_shared_memory=False)"


def build(source: Path, folder: Path, *, say: Callable[[str], None]) -> Manifest:
    """Build a map and make it the current one.

    Args:
        source: An OpenStreetMap extract; its name ends as one of `ENDINGS`.
        folder: Where maps are kept; made if it is not there.
        say: Told of each step before it begins.

    Raises:
        RoadsError: If that cannot be done; the message says why, and nothing was changed.
    """
    if not source.name.endswith(ENDINGS):
        raise RoadsError(f"{source.name}: expected a file that ends in {', '.join(ENDINGS)}")
    profiles = _profiles_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder):
            for unfinished in folder.glob("building-*"):
                shutil.rmtree(unfinished)
            place = folder / f"building-{uuid4().hex}"
            try:
                manifest = _build(source, place, profiles, say)
                _make_current(folder, place, manifest)
            finally:
                shutil.rmtree(place, ignore_errors=True)
            for old in folder.glob("map-*"):
                if old.name != manifest.folder:
                    shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise RoadsError(f"{error.filename or folder}: {error.strerror or error}") from error
    return manifest


def _build(source: Path, place: Path, profiles: Path, say: Callable[[str], None]) -> Manifest:
    # The programs take no path with a space in it, so they are given names within their folder.
    ending = next(ending for ending in ENDINGS if source.name.endswith(ending))
    for profile in PROFILES:
        (place / profile).mkdir(parents=True)
        links = {f"source{ending}": source.absolute(), f"{profile}.lua": profiles / "car.lua"}
        if profile == "truck":
            links["truck.lua"] = _TRUCK
        for name, target in links.items():
            (place / profile / name).symlink_to(target)
        extract = [f"source{ending}", "--profile", f"{profile}.lua", "--output", BASE]
        for step in STEPS:
            say(f"{profile}: {step}")
            words = ["-m", "osrm", step, *(extract if step == "extract" else [BASE])]
            _run(words, place / profile, profiles, what=f"{profile}: {step}")
        say(f"{profile}: try it")
        _run(["-c", _OPEN.format(BASE)], place / profile, profiles, what=f"{profile}: try it")
        for name in links:
            (place / profile / name).unlink()
    files = sorted(path for path in place.rglob("*") if path.is_file())
    for path in files:
        with path.open("rb") as file:
            os.fsync(file.fileno())
    return Manifest(
        format="rightbay roads 1",
        version=_version(source, profiles),
        source=source.name,
        osrm=_osrm_version(),
        folder=f"map-{uuid4().hex}",
        bytes_by_file={str(path.relative_to(place)): path.stat().st_size for path in files},
    )


def _make_current(folder: Path, place: Path, manifest: Manifest) -> None:
    place.rename(folder / manifest.folder)
    new = folder / f"{MANIFEST}.new"
    with new.open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(manifest)))
        file.flush()
        os.fsync(file.fileno())
    new.replace(folder / MANIFEST)


def _run(words: list[str], folder: Path, profiles: Path, *, what: str) -> None:
    done = subprocess.run(  # noqa: S603 - our own words, and a file name as an argument
        [sys.executable, *words],
        cwd=folder,
        env={**os.environ, "LUA_PATH": f"{profiles}/?.lua;;"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode != 0:
        lines = [line.strip() for line in done.stdout.decode(errors="replace").splitlines()]
        last = next((line for line in reversed(lines) if "error" in line.lower()), "")
        last = last or next((line for line in reversed(lines) if line), "no reason given")
        raise RoadsError(f"{what} failed: {last[-_LAST_WORDS_MAX:]}")


def _profiles_folder() -> Path:
    return Path(check_library().__file__).parent / "share" / "profiles"


def _osrm_version() -> str:
    return importlib.metadata.version("osrm-bindings")


def _version(source: Path, profiles: Path) -> str:
    digest = hashlib.sha256(_osrm_version().encode())
    for path in (source, _TRUCK, *sorted(profiles.rglob("*.lua"))):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RoadsError(f"{folder}: another build is at work there") from error
        yield
