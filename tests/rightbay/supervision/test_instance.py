import os
from pathlib import Path

import pytest

from rightbay.errors import AlreadyRunningError, NothingRunsError, StartError
from rightbay.settings import Settings
from rightbay.supervision.instance import (
    NOTE,
    Instance,
    broker_url,
    database_url,
    find_instance,
    own,
    this_process,
    write_note,
)
from rightbay.supervision.processes import ProcessId


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data")


def note(supervisor: ProcessId) -> Instance:
    return Instance(
        supervisor=supervisor,
        database_url="postgresql://u:secret@/x",
        broker_url="mqtt://h",
        api_url="http://h",
        children=(("broker", ProcessId(1, "never")),),
    )


def test_what_was_noted_is_found_while_its_process_lives(settings: Settings) -> None:
    instance = note(this_process())
    with own(settings.data):
        write_note(settings.data, instance)
        assert find_instance(settings) == instance
        assert database_url(settings) == instance.database_url
        assert broker_url(settings) == instance.broker_url
    assert find_instance(settings) is None


def test_the_note_is_for_its_owner_only(settings: Settings) -> None:
    with own(settings.data):
        write_note(settings.data, note(this_process()))
        assert (settings.data / NOTE).stat().st_mode & 0o777 == 0o600


def test_a_note_of_a_dead_process_is_not_believed(settings: Settings) -> None:
    with own(settings.data):
        write_note(settings.data, note(ProcessId(os.getpid(), "earlier")))
        assert find_instance(settings) is None


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"supervisor": 7}', "\xff"])
def test_a_damaged_note_counts_as_none(settings: Settings, text: str) -> None:
    settings.data.mkdir()
    (settings.data / NOTE).write_text(text, encoding="latin-1")
    assert find_instance(settings) is None


def test_the_environment_wins_over_what_runs(settings: Settings) -> None:
    named = Settings(data=settings.data, database_url="postgresql://h/x", broker_url="mqtt://b")
    with own(settings.data):
        write_note(settings.data, note(this_process()))
        assert database_url(named) == "postgresql://h/x"
        assert broker_url(named) == "mqtt://b"


def test_nothing_running_is_said_with_both_ways_out(settings: Settings) -> None:
    with pytest.raises(NothingRunsError, match=r"rightbay up.*RIGHTBAY_DATABASE_URL"):
        database_url(settings)
    with pytest.raises(NothingRunsError, match=r"rightbay up.*RIGHTBAY_BROKER_URL"):
        broker_url(settings)


def test_a_data_folder_has_one_owner_at_a_time(settings: Settings) -> None:
    with (
        own(settings.data),
        pytest.raises(AlreadyRunningError, match="--data"),
        own(settings.data),
    ):
        pass
    with own(settings.data):
        pass


def test_a_failed_second_start_leaves_the_first_ones_note(settings: Settings) -> None:
    with own(settings.data):
        write_note(settings.data, note(this_process()))
        with pytest.raises(AlreadyRunningError), own(settings.data):
            pass
        assert find_instance(settings) is not None


def test_a_data_folder_that_is_a_file_is_refused_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StartError, match=r"file.*RIGHTBAY_DATA"), own(tmp_path / "file"):
        pass
