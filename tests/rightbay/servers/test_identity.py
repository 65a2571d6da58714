import os
from pathlib import Path

import pytest

from rightbay.servers.identity import NOBODY_UID, _needed_capabilities, server_user
from rightbay.supervision.tether import CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH


@pytest.fixture
def place(short_folder: Path) -> Path:
    """A program and a data folder below one parent, all open to everybody."""
    parent = short_folder / "parent"
    (parent / "data").mkdir(parents=True)
    (parent / "program").write_text("#!/bin/sh\n")
    (parent / "program").chmod(0o755)
    parent.chmod(0o755)
    return parent


def check(place: Path, expected: tuple[int, ...]) -> None:
    assert _needed_capabilities(place / "data", (place / "program",)) == expected


def test_no_capability_is_given_where_everybody_may_pass(place: Path) -> None:
    check(place, ())


def test_a_folder_that_lets_pass_without_showing_itself_is_open_enough(place: Path) -> None:
    place.chmod(0o711)
    check(place, ())


def test_a_closed_folder_takes_the_weaker_capability_first(place: Path) -> None:
    place.chmod(0o700)
    check(place, (CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE))


def test_a_program_closed_to_others_takes_the_stronger_one(place: Path) -> None:
    (place / "program").chmod(0o700)
    check(place, (CAP_DAC_OVERRIDE,))


def test_an_ordinary_user_stays_himself_and_root_becomes_nobody(place: Path) -> None:
    user = server_user(place / "data", (place / "program",))
    if os.geteuid() == 0:
        assert user is not None
        assert user.uid == NOBODY_UID
        assert user.capabilities == ()
    else:
        assert user is None
