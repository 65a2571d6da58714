"""`rightbay match --replay`: recorded decisions made again, as they were or might have been."""

import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import typer

from rightbay.errors import RecordingError
from routing.decision import Decision
from routing.errors import BadRecordingError
from routing.matching.policy import Policy
from routing.model import Credential, Person
from routing.replay import (
    RECORDING_BYTES_MAX,
    Recording,
    parse_recording,
    reconsider,
    replay,
)


def run_replay(file: Path) -> None:
    """One document for each recorded decision, in order.

    Raises:
        RecordingError: If a line is none, or a list is not the recorded one.
    """
    others, number = 0, 0
    for number, recording in _recordings(file):
        again = replay(recording)
        typer.echo(again.document.decode())
        if not again.is_same:
            others += 1
            why = "; ".join(again.differences) or "and nothing says why"
            typer.echo(f"line {number}: not the recorded list: {why}", err=True)
    if others:
        raise RecordingError(f"{file}: {others} of {number} lists are not the recorded ones")


def run_what_if(file: Path, policy: Policy | None, gains: list[tuple[str, str, str]]) -> None:
    """Who would have been on each list instead; then how many lists would have been others.

    Args:
        file: Of recordings.
        policy: Other numbers; the recorded ones if None.
        gains: Site, scheme and title that somebody there gains, without end.

    Raises:
        RecordingError: If a line is none.
    """
    people = {
        site: Person(
            number=1,
            credentials=(
                Credential(scheme=scheme, title=title, valid_from=date.min, valid_until=None),
            ),
        )
        for site, scheme, title in gains
    }
    cases, changed, first_changed, filled = 0, 0, 0, 0
    for number, recording in _recordings(file):
        before = _names(reconsider(recording))
        after = _names(reconsider(recording, policy=policy, gains=people))
        cases += 1
        changed += before != after
        first_changed += before[:1] != after[:1]
        filled += not before and bool(after)
        typer.echo(json.dumps({"line": number, "before": before, "after": after}))
    told = {"cases": cases, "other_lists": changed, "other_first": first_changed, "filled": filled}
    typer.echo(json.dumps(told))


def parse_gain(text: str) -> tuple[str, str, str]:
    """Read ``SITE,SCHEME,TITLE``."""
    parts = [part.strip() for part in text.split(",", 2)]
    if len(parts) != 3 or not all(parts):
        raise typer.BadParameter(f"{text!r} is not SITE,SCHEME,TITLE")
    return parts[0], parts[1], parts[2]


def _names(decision: Decision) -> list[str]:
    return [offer.site.site_id for offer in decision.offers]


def _recordings(file: Path) -> Iterator[tuple[int, Recording]]:
    with file.open("rb") as lines:
        read: Callable[[], bytes] = lambda: lines.readline(RECORDING_BYTES_MAX + 1)  # noqa: E731
        for number, line in enumerate(iter(read, b""), start=1):
            try:
                yield number, parse_recording(line)
            except BadRecordingError as error:
                raise RecordingError(f"{file} line {number}: {error}") from error
