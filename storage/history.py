"""What a batch of reports makes of one vehicle: its clock, its standing, and its episodes.

No database in here: rows come in as values of the gateway's core, and what is to be written goes
out. Nearly all reports only repeat what stands, and `take_repeats` tells so without the episodes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.clock import Clock, Reading, read_clock
from gateway.episodes import Episode, Transition, advance
from gateway.evidence import charge_pct, speed_kmh
from gateway.model import Position, Report
from gateway.standing import Key, Standing, repeat, says_of_faults, settled, stand

# A smaller change of a clock is not worth a row; reports that overtake each other by less than this
# count in the order in which they came.
CLOCK_STEP_S_MIN = 0.1
_NO_FAULTS: frozenset[Key] = frozenset()


class Vehicle(NamedTuple):
    """A vehicle as it is stored."""

    clock: Clock
    standing: Standing | None


class Row(NamedTuple):
    """An episode as it is stored.

    Attributes:
        is_standing: Whether its latest times are those of the vehicle's standing.
        is_latest: Whether it is the newest of its fault.
    """

    episode: Episode
    is_standing: bool
    is_latest: bool = True


class Told(NamedTuple):
    """What a report says of the vehicle that a decision about its faults looks at."""

    position: Position | None
    soc_pct: float | None
    speed_kmh: float | None


@dataclass(slots=True, kw_only=True)
class Changes:
    """What a batch did to one vehicle.

    Attributes:
        vehicle: As it is known afterwards.
        is_vehicle_new: Whether that is worth a row.
        is_moved: Whether nothing of it changed but the times of its standing.
        readings: One for each report, in their order.
        rows: Episodes to write; of one fault several, the latest last.
        followed: Stored episodes that are no longer the latest of their fault.
        told: By the latest report that changed a fault.
    """

    vehicle: Vehicle
    is_vehicle_new: bool = False
    is_moved: bool = False
    readings: list[Reading] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    followed: list[Episode] = field(default_factory=list)
    transitions: list[Transition] = field(default_factory=list)
    told: Told | None = None


def take_repeats(vehicle: Vehicle, reports: Sequence[Report]) -> Changes | None:
    """Take reports into account that leave the episodes alone; None if one of them does not."""
    clock, standing = vehicle
    readings = []
    for report in reports:
        reading, clock = read_clock(clock, report)
        readings.append(reading)
        said = says_of_faults(report)
        if said is not None:
            standing = repeat(standing, said, report, reading)
            if standing is None:
                return None
        elif reading.held_back_since is not None:
            return None
    is_new = _is_clock_new(vehicle.clock, clock)
    return Changes(
        vehicle=Vehicle(clock, standing),
        is_vehicle_new=is_new,
        is_moved=not is_new and standing != vehicle.standing,
        readings=readings,
    )


def take(vehicle: Vehicle, known: Iterable[Row], reports: Sequence[Report]) -> Changes:
    """Take the reports of one vehicle into account, in the order in which they came.

    Args:
        vehicle: As it is stored.
        known: The latest episode of each fault, as it is stored.
        reports: As they arrived.
    """
    work = _Work(vehicle, known)
    for report in reports:
        work.take(report)
    return work.result()


class _Work:
    """One vehicle while its reports are worked through."""

    def __init__(self, vehicle: Vehicle, known: Iterable[Row]) -> None:
        self._before = vehicle
        self._stored: dict[Key, Row] = {}
        for row in known:
            episode = row.episode
            if row.is_standing and vehicle.standing is not None:
                episode = settled(episode, vehicle.standing)
            self._stored[episode.ecu, episode.code] = row._replace(episode=episode)
        self._latest = {key: row.episode for key, row in self._stored.items()}
        self._changed: dict[tuple[Key, int], Episode] = {}
        self._spoken: tuple[Report, Reading] | None = None
        self._result = Changes(vehicle=vehicle)

    def take(self, report: Report) -> None:
        result = self._result
        reading, clock = read_clock(result.vehicle.clock, report)
        result.vehicle = result.vehicle._replace(clock=clock)
        result.readings.append(reading)
        if says_of_faults(report) is not None:
            self._spoken = report, reading
        step = advance(self._latest.values(), report, reading)
        for episode in step.episodes:
            key = (episode.ecu, episode.code)
            self._latest[key] = self._changed[key, episode.ordinal] = episode
        result.transitions += step.transitions
        if step.transitions:
            place = report.position or (result.told and result.told.position)
            result.told = Told(place, charge_pct(report), speed_kmh(report))

    def result(self) -> Changes:
        result = self._result
        stands = self._spoken and stand(self._latest.values(), *self._spoken)
        standing, covered = stands or (None, _NO_FAULTS)
        result.vehicle = result.vehicle._replace(standing=standing)
        result.is_vehicle_new = self._before.standing != standing or _is_clock_new(
            self._before.clock, result.vehicle.clock
        )
        for key, row in self._stored.items():
            if self._latest[key].ordinal != row.episode.ordinal:
                result.followed.append(row.episode)
            elif row.is_standing:
                # It took its times from the standing before, which goes now.
                self._changed.setdefault((key, row.episode.ordinal), row.episode)
        for episode in self._changed.values():
            fault = (episode.ecu, episode.code)
            is_latest = self._latest[fault].ordinal == episode.ordinal
            row = Row(episode, is_latest and fault in covered, is_latest)
            if not self._is_written(row, standing):
                result.rows.append(row)
        return result

    def _is_written(self, row: Row, standing: Standing | None) -> bool:
        """Whether the row says the same already, but for the times that the standing has."""
        before = self._stored.get((row.episode.ecu, row.episode.code))
        if before is None or standing is None or not (before.is_standing and row.is_standing):
            return False
        return settled(before.episode, standing) == row.episode


def _is_clock_new(before: Clock, after: Clock) -> bool:
    """A clock's error falls a little with every quick message; only what matters is written."""
    if before.error_s is None or after.error_s is None:
        return before != after
    is_lower = before.error_s - after.error_s > CLOCK_STEP_S_MIN
    return is_lower or (before.lag_s, before.lag_since) != (after.lag_s, after.lag_since)
