"""A map is built whole or not at all."""

import fcntl
from pathlib import Path

import pytest

from routing.errors import RoadsError
from routing.travel.build import build
from routing.travel.maps import MANIFEST, load_manifest
from routing.travel.testing import WAYS, write_osm


def silent(_: str) -> None:
    pass


def test_a_map_names_its_steps_and_its_version_follows_from_its_content(
    country: Path, tmp_path: Path
) -> None:
    said: list[str] = []
    again = build(write_osm(tmp_path / "other name.osm"), tmp_path / "roads", say=said.append)
    assert said == [
        f"{profile}: {step}"
        for profile in ("car", "truck")
        for step in ("extract", "partition", "customize", "try it")
    ]
    assert again.version == load_manifest(country).version
    assert again.folder != load_manifest(country).folder
    assert again.source == "other name.osm"
    other = build(write_osm(tmp_path / "b.osm", WAYS[:4]), tmp_path / "roads", say=silent)
    assert other.version != again.version
    assert {path.name for path in (tmp_path / "roads").iterdir()} == {
        MANIFEST,
        "lock",
        other.folder,
    }


@pytest.mark.parametrize("content", [b"", b"no map at all", b"<osm version='0.6'></osm>"])
def test_a_file_that_is_no_map_leaves_the_one_before_in_use(tmp_path: Path, content: bytes) -> None:
    folder = tmp_path / "roads"
    first = build(write_osm(tmp_path / "good.osm", WAYS[:2]), folder, say=silent)
    bad = tmp_path / "bad.osm"
    bad.write_bytes(content)
    with pytest.raises(RoadsError, match="car: extract failed"):
        build(bad, folder, say=silent)
    assert load_manifest(folder) == first
    assert not [*folder.glob("building-*")]


def test_a_build_that_ends_half_way_leaves_the_one_before_in_use(tmp_path: Path) -> None:
    folder = tmp_path / "roads"
    source = write_osm(tmp_path / "good.osm", WAYS[:2])
    first = build(source, folder, say=silent)

    def end(step: str) -> None:
        if step == "truck: partition":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(write_osm(tmp_path / "next.osm"), folder, say=end)
    assert load_manifest(folder) == first
    assert not [*folder.glob("building-*")]


def test_what_a_killed_build_left_is_swept_away_by_the_next(tmp_path: Path) -> None:
    left = tmp_path / "roads" / "building-x" / "car"
    left.mkdir(parents=True)
    build(write_osm(tmp_path / "a.osm", WAYS[:2]), tmp_path / "roads", say=silent)
    assert not left.exists()


def test_two_builds_do_not_meet_in_one_folder(tmp_path: Path) -> None:
    source = write_osm(tmp_path / "a.osm")
    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(RoadsError, match="another build"):
            build(source, tmp_path, say=silent)


@pytest.mark.parametrize(
    ("name", "reason"),
    [("map.zip", r"\.osm\.pbf"), ("nothing.osm.pbf", "extract failed")],
)
def test_a_source_that_cannot_be_used_is_refused(tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(RoadsError, match=reason):
        build(tmp_path / name, tmp_path / "roads", say=silent)


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RoadsError, match="file"):
        build(write_osm(tmp_path / "a.osm"), tmp_path / "file", say=silent)


@pytest.mark.parametrize("content", ["", "{}", '{"format": "rightbay roads 2"}', "[" * 10_000])
def test_a_manifest_of_another_form_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / MANIFEST).write_text(content)
    with pytest.raises(RoadsError, match=MANIFEST):
        load_manifest(tmp_path)
