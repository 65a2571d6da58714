"""Gathers the assessed faults of a vehicle into a case; derives the ids of cases and referrals.

Ids are derived, so that whoever repeats a step makes the same row, the same push, the same entry.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from dtc_db.codes import Code, J1939Dtc
from dtc_db.need import AllOf, Arrival, Expression, Need, combine, format_expression
from dtc_db.urgency import ORDER, gravest
from dtc_db.vehicle import VehicleClass, VehicleKind
from routing.geo import coarse
from routing.model import Case, CaseFault, Position, Principal

if TYPE_CHECKING:
    from dtc_db.knowledge import Knowledge

# Drawn once at random; the names under it are the ids given to the functions below.
_NAMESPACE = UUID("6f0d1b1e-9a53-4b0f-8a3a-2f6b0c6f4c1d")
_ARRIVALS = tuple(Arrival)


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedFault:
    """A fault that is on, as a control unit reported it.

    Attributes:
        status: In the words of the gateway's statuses.
        lamps: Lamp name and state, as the same control unit sent them.
    """

    code: Code
    ecu: str
    status: str
    lamps: tuple[tuple[str, str], ...] = ()


def case_id_of(first_episode_id: UUID) -> UUID:
    """The id of the case that an episode opened."""
    return uuid5(_NAMESPACE, f"case {first_episode_id}")


def referral_id_of(case_id: UUID, version: int) -> UUID:
    """The id of a case's referral; the first one is version 1."""
    return uuid5(_NAMESPACE, f"referral {case_id} {version}")


def case_of(  # noqa: PLR0913 - each is one fact of the case, given by name
    faults: Sequence[ObservedFault],
    *,
    case_id: str,
    vehicle: VehicleKind,
    is_registered: bool,
    position: Position | None,
    knowledge: "Knowledge",
    consequences: Sequence[ObservedFault] = (),
    principal: Principal | None = None,
    warranty_until: date | None = None,
    lang: str = "en",
) -> Case:
    """Assess the faults and join them: everything needed, the gravest urgency and its actions.

    Args:
        faults: At least one, in any order; the case lists the gravest first.
        consequences: Faults that go away with the others: they are listed, and what they mean for
            the way to a workshop counts, but mending them takes no skill of its own.
        case_id: Of `case_id_of`.
        vehicle: As far as it is known.
        is_registered: Whether somebody registered the unit.
        position: Where the vehicle was when it last reported a change; the case keeps it to a
            thousandth of a degree.
        knowledge: What codes mean.
        principal: Whose rules hold for the vehicle.
        warranty_until: Last day of its maker's warranty.
        lang: In which language whoever asks is answered.
    """
    vehicle = _kind(vehicle, (*faults, *consequences))
    assessed = [
        (
            fault,
            knowledge.assess(
                fault.code, vehicle, status=fault.status, lamps=fault.lamps, lang=lang
            ),
        )
        for fault in (*faults, *consequences)
    ]
    need = combine(assessment.need for _, assessment in assessed[: len(faults)])
    whole = combine(assessment.need for _, assessment in assessed)
    assessed.sort(key=lambda pair: (ORDER.index(pair[1].urgency), str(pair[0].code), pair[0].ecu))
    first = assessed[0][1]
    return Case(
        case_id=case_id,
        vehicle=vehicle,
        is_registered=is_registered,
        # Exactly where it stands is nobody's business who reads the list.
        position=None if position is None else coarse(position),
        faults=tuple(
            CaseFault(
                code=str(fault.code),
                ecu=fault.ecu,
                status=fault.status,
                text=assessment.text,
                urgency=assessment.urgency,
            )
            for fault, assessment in assessed
        ),
        need=replace(need, arrival=whole.arrival, recovery=whole.recovery),
        urgency=gravest(assessment.urgency for _, assessment in assessed),
        driver_action=first.driver_action,
        fleet_action=first.fleet_action,
        principal=principal,
        warranty_until=warranty_until,
        lang=lang,
    )


def covers(given: Need, wanted: Need) -> bool:
    """Whether whoever satisfies one need satisfies another one too.

    Only what can be seen part by part: two expressions that mean the same in different forms may
    be told apart, which costs a further version of a referral and never a wrong one.
    """
    return (
        _parts(wanted.skills) <= _parts(given.skills)
        and wanted.access <= given.access
        and wanted.equipment <= given.equipment
        and wanted.recovery <= given.recovery
        and _ARRIVALS.index(wanted.arrival) <= _ARRIVALS.index(given.arrival)
    )


def _parts(expression: Expression) -> frozenset[str]:
    parts = expression.parts if isinstance(expression, AllOf) else (expression,)
    return frozenset(map(format_expression, parts))


def _kind(vehicle: VehicleKind, faults: Sequence[ObservedFault]) -> VehicleKind:
    """A vehicle of unknown class that speaks J1939 is taken for a truck, the careful reading.

    Cars do not speak it; a workshop for cars could not take what does.
    """
    if vehicle.vehicle_class is VehicleClass.UNKNOWN and any(
        isinstance(fault.code, J1939Dtc) for fault in faults
    ):
        return replace(vehicle, vehicle_class=VehicleClass.TRUCK)
    return vehicle
