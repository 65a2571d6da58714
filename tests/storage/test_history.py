"""Whatever repetitions are passed over, episodes are as if each report had been worked through."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from dtc_db.codes import parse_code
from gateway import standing as module
from gateway.clock import Clock, Reading, read_clock
from gateway.episodes import Episode, Transition, advance
from gateway.model import DataRecord, Observation, Outcome, Report, ReportedCode, Status
from gateway.standing import Key, Standing, settled
from storage import history
from storage.history import Row, Vehicle, take, take_repeats

START = datetime(2026, 1, 5, tzinfo=UTC)
CODES = tuple(parse_code(code) for code in ("P0128", "P0301"))
HOW_SURE = (None, Status.PENDING, Status.CONFIRMED, Status.ACTIVE)


@dataclass
class Stored:
    """What a database would hold of one vehicle."""

    vehicle: Vehicle = field(default_factory=lambda: Vehicle(Clock(), None))
    rows: dict[Key, Row] = field(default_factory=dict)
    transitions: list[Transition] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    passed_over: int = 0

    def take(self, batch: Sequence[Report]) -> None:
        changes = take_repeats(self.vehicle, batch)
        self.passed_over += changes is not None
        if changes is None:
            changes = take(self.vehicle, self.rows.values(), batch)
        if changes.is_vehicle_new:
            self.vehicle = changes.vehicle
        elif changes.is_moved:
            self.vehicle = self.vehicle._replace(standing=changes.vehicle.standing)
        for row in changes.rows:
            if row.is_latest:
                self.rows[row.episode.ecu, row.episode.code] = row
        self.transitions += changes.transitions
        self.readings += changes.readings

    def episodes(self) -> dict[Key, Episode]:
        standing = self.vehicle.standing
        return {
            key: settled(row.episode, standing) if row.is_standing and standing else row.episode
            for key, row in self.rows.items()
        }

    def close(self) -> None:
        """A case ends: what is off does not return to it."""
        self.rows = {
            key: row._replace(episode=row.episode._replace(may_return=row.episode.off_at is None))
            for key, row in self.rows.items()
        }


@dataclass
class Eager:
    """The same without any standing."""

    clock: Clock = field(default_factory=Clock)
    latest: dict[Key, Episode] = field(default_factory=dict)
    transitions: list[Transition] = field(default_factory=list)

    def take(self, batch: Sequence[Report]) -> None:
        for each in batch:
            reading, self.clock = read_clock(self.clock, each)
            step = advance(self.latest.values(), each, reading)
            self.latest |= {(e.ecu, e.code): e for e in step.episodes}
            self.transitions += step.transitions

    def close(self) -> None:
        self.latest = {
            key: each._replace(may_return=each.off_at is None) for key, each in self.latest.items()
        }


observations = st.builds(
    Observation,
    ecu=st.sampled_from(("7E8", "7E9", "")),
    protocol=st.just("obd"),
    service=st.sampled_from(("03", "07", "19 02")),
    outcome=st.sampled_from((Outcome.CODES, Outcome.CODES, Outcome.NONE_FOUND, Outcome.DATA)),
    codes=st.just(()),
    lamps=st.sampled_from(((), (("mil", "on"),))),
    is_complete=st.booleans(),
    mask=st.sampled_from((None, None, 0x08, 0xFF)),
)
codes = st.lists(
    st.builds(
        ReportedCode,
        code=st.sampled_from(CODES),
        status=st.sampled_from(HOW_SURE),
        status_byte=st.sampled_from((None, 0x08, 0x0D)),
        occurrence_count=st.sampled_from((None, 1, 2)),
        records=st.sampled_from(((), (), (DataRecord(kind="snapshot", number=1, raw=b"\x01"),))),
    ),
    min_size=1,
    max_size=2,
).map(tuple)


@st.composite
def words(draw: st.DrawFn) -> tuple[Observation, ...]:
    told = draw(st.lists(observations, max_size=2))
    return tuple(
        each._replace(codes=draw(codes)) if each.outcome is Outcome.CODES else each for each in told
    )


@st.composite
def lives(draw: st.DrawFn) -> list[list[Report] | None]:
    """Batches of one vehicle that says few different things; None where a case is closed."""
    vocabulary = draw(st.lists(words(), min_size=1, max_size=3))
    now, batches = START, list[list[Report] | None]()
    has_clock = draw(st.booleans())
    for _ in range(draw(st.integers(2, 10))):
        batch = []
        for _ in range(draw(st.integers(1, 3))):
            now += timedelta(seconds=draw(st.sampled_from((0, 1, 1, 1, 30, 599, 601, 5_000))))
            lag_s = draw(st.sampled_from((0, 0, 0, 0, 40, 7_200, 30_000, 700_000)))
            batch.append(
                Report(
                    unit="u1",
                    event_id="e",
                    digest=b"",
                    payload=b"",
                    received_at=now,
                    unit_at=now - timedelta(seconds=lag_s) if has_clock else None,
                    seq=draw(st.sampled_from((None, 1, 2, 3, 2_000))),
                    is_historical=draw(st.sampled_from((False, False, False, True))),
                    observations=draw(st.sampled_from(vocabulary)),
                )
            )
        batches.append(batch)
        if draw(st.sampled_from((False, False, True))):
            batches.append(None)
    return batches


def live_through(life: Sequence[list[Report] | None]) -> Stored:
    stored, eager = Stored(), Eager()
    for batch in life:
        if batch is None:
            stored.close()
            eager.close()
            continue
        # A clock's error that fell by too little for a row is not in the database.
        eager.clock = stored.vehicle.clock
        stored.take(batch)
        eager.take(batch)
        assert stored.episodes() == eager.latest
        assert stored.transitions == eager.transitions
    assert len(stored.readings) == sum(len(batch) for batch in life if batch)
    return stored


STEPS = settings(max_examples=100, deadline=None)
QUICK = settings(STEPS, phases=(Phase.generate,), report_multiple_bugs=False)


@given(lives())
@STEPS
def test_passing_over_repetitions_changes_nothing_that_can_be_seen(
    life: list[list[Report] | None],
) -> None:
    live_through(life)


def test_what_is_said_again_is_passed_over() -> None:
    told = Observation("7E8", "obd", "03", Outcome.CODES, (ReportedCode(CODES[0], Status.ACTIVE),))
    life: list[list[Report] | None] = [
        [
            Report(
                unit="u1",
                event_id="e",
                digest=b"",
                payload=b"",
                received_at=START + timedelta(seconds=second),
                seq=second,
                observations=(told,),
            )
        ]
        for second in range(20)
    ]
    stored = live_through(life)
    assert stored.passed_over == 19
    assert len(stored.transitions) == 1


def _whatever_its_time(
    standing: Standing | None, said: bytes, report: Report, reading: Reading
) -> Standing | None:
    """A standing that old news moves on."""
    if standing is None or said != standing.digest:
        return None
    return Standing(
        digest=said,
        last_seen_at=report.received_at,
        observed_at=reading.observed_at,
        seq=report.seq,
    )


def _whatever_is_off(
    latest: Sequence[Episode], report: Report, reading: Reading
) -> tuple[Standing, frozenset[Key]] | None:
    """A standing without asking what the same words would do the next time."""
    said = module.says_of_faults(report)
    if said is None:
        return None
    standing = Standing(
        digest=said,
        last_seen_at=report.received_at,
        observed_at=reading.observed_at,
        seq=report.seq,
    )
    return standing, frozenset((each.ecu, each.code) for each in latest if each.off_at is None)


# A life that tells one from the other is long, and is written down when it is found.
@pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")
@pytest.mark.parametrize(
    ("name", "broken"), [("repeat", _whatever_its_time), ("stand", _whatever_is_off)]
)
def test_a_standing_that_covers_too_much_is_found_out(
    name: str, broken: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, name, broken)

    @QUICK
    @given(lives())
    def check(life: list[list[Report] | None]) -> None:
        live_through(life)

    with pytest.raises(AssertionError):
        check()
