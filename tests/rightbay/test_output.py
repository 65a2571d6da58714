from pathlib import Path

from rightbay.output import FILE_BYTES_MAX, LAST_WORDS_BYTES_MAX, Output, append


def test_the_last_words_are_the_last_line_that_says_something() -> None:
    output = Output(None)
    output.data_received(b"one\ntw")
    output.data_received(b"o\n \n\n")
    assert output.last_words == "two"


def test_the_line_that_says_why_is_worth_more_than_the_goodbye() -> None:
    output = Output(None)
    output.data_received(b"LOG:  starting\nFATAL:  no room\nLOG:  server is shut down\n")
    assert output.last_words == "FATAL:  no room"


def test_a_silent_child_has_no_last_words() -> None:
    assert Output(None).last_words == ""


def test_last_words_are_bounded_and_never_fail_on_bad_bytes() -> None:
    output = Output(None)
    output.data_received(b"\xff" * 10 * LAST_WORDS_BYTES_MAX)
    assert len(output.last_words) == LAST_WORDS_BYTES_MAX


def test_a_child_is_ready_when_it_wrote_the_whole_line() -> None:
    output = Output(None, ready_line="ready")
    for part in (b"not ready\n", b"rea", b"dy", b"\n"):
        output.data_received(part)
    assert output.ready.is_set()


def test_the_word_inside_another_line_is_not_readiness() -> None:
    output = Output(None, ready_line="ready")
    output.data_received(b"already\nready soon\n")
    assert not output.ready.is_set()


def test_what_a_child_writes_is_kept(tmp_path: Path) -> None:
    output = Output(tmp_path / "log")
    output.data_received(b"one\n")
    output.data_received(b"two\n")
    assert (tmp_path / "log").read_bytes() == b"one\ntwo\n"


def test_a_full_file_becomes_the_only_older_one(tmp_path: Path) -> None:
    log, half = tmp_path / "log", b"x" * (FILE_BYTES_MAX // 2)
    for _ in range(9):
        append(log, half)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log", "log.1"]
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 2 * FILE_BYTES_MAX


def test_a_log_that_cannot_be_written_does_not_disturb_the_child(tmp_path: Path) -> None:
    output = Output(tmp_path / "absent" / "log")
    output.data_received(b"words\n")
    assert output.last_words == "words"
