"""What goes wrong when in a simulated fleet: decided before the start, by seed."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from simulators.model import Scenario
from simulators.world.catalogue import load_catalogue
from simulators.world.roster import SimulatedVehicle

FIRST_S = 0.5
"""The first fault comes so soon after the start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFault:
    """One scenario in one vehicle.

    Attributes:
        unit: Of the vehicle.
        starts_s: After the start of the fleet.
        ends_s: After the start of the fleet; None if it stays.
    """

    unit: str
    scenario: Scenario
    starts_s: float
    ends_s: float | None


def plan_faults(
    vehicles: Sequence[SimulatedVehicle], *, seed: int, over_s: float
) -> tuple[PlannedFault, ...]:
    """Give each vehicle one scenario, in the order of the vehicles and evenly over the time.

    The first vehicle of each kind gets the first scenario of its kind; the others get theirs by
    seed. The times have some chance in them, but the first fault always comes at ``FIRST_S``.

    Args:
        vehicles: In the order in which something goes wrong with them.
        seed: Decides scenarios and times.
        over_s: From the first fault to the last one, 0 or more.
    """
    random = Random(f"plan {seed}")  # noqa: S311  (a simulation, no secret)
    catalogue = load_catalogue()
    seen: set[str] = set()
    plan = []
    gap_s = over_s / len(vehicles) if vehicles else 0.0
    for number, vehicle in enumerate(vehicles):
        scenarios = catalogue.scenarios_of(vehicle.car.name)
        scenario = random.choice(scenarios) if vehicle.car.name in seen else scenarios[0]
        seen.add(vehicle.car.name)
        starts_s = FIRST_S + number * gap_s + (random.uniform(0, gap_s) if number else 0.0)
        ends_s = None if scenario.lasts_s is None else starts_s + scenario.lasts_s
        plan.append(
            PlannedFault(unit=vehicle.unit, scenario=scenario, starts_s=starts_s, ends_s=ends_s)
        )
    return tuple(plan)
