"""`rightbay match` for one vehicle: its faults weighed, and the list for one visit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

import typer

from dtc_db.codes import parse_code
from dtc_db.errors import MalformedCodeError
from dtc_db.knowledge import Knowledge
from dtc_db.vehicle import VehicleKind
from rightbay.commands.match_grounds import Grounds
from routing.cases import ObservedFault, Weighed, join, weigh
from routing.decision import Decision
from routing.matching.shortlist import decide_by_road
from routing.model import Position
from routing.ports import TravelTimes
from routing.visits import decide_visit


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is told of a vehicle: which codes are on, seen how, and where it is.

    Attributes:
        codes: As they were typed.
        status: What its control units say of them.
        soc_pct: What its traction battery still holds; None if nobody said.
        warranty_until: Last day of the maker's warranty.
        lang: In which language whoever asks is answered.
        seed: The referral whose lots are drawn; none are if empty.
    """

    codes: Sequence[str]
    status: str
    vehicle: VehicleKind
    position: Position | None
    soc_pct: float | None
    warranty_until: date | None
    lang: str
    seed: str

    def weighed(self) -> Weighed:
        """What the codes say together.

        Raises:
            typer.BadParameter: If one of them is none.
        """
        try:
            faults = [
                ObservedFault(code=parse_code(text), ecu="", status=self.status)
                for text in self.codes
            ]
        except MalformedCodeError as error:
            raise typer.BadParameter(str(error)) from error
        return weigh(faults, vehicle=self.vehicle, knowledge=Knowledge.load(), lang=self.lang)


def decide_asked(asked: Asked, grounds: Grounds, travel: TravelTimes | None) -> Decision:
    """Make the list, as the router makes that of a case.

    Raises:
        typer.BadParameter: If a code is none.
    """
    weighed = asked.weighed()
    joined = partial(
        join,
        weighed,
        case_id="",
        is_registered=True,
        position=asked.position,
        principal=grounds.principal,
        warranty_until=asked.warranty_until,
        soc_pct=asked.soc_pct,
    )
    decided = partial(
        decide_by_road,
        directory=grounds.directory,
        policy=grounds.policy,
        decided_at=grounds.decided_at,
        travel=travel,
        seed=asked.seed,
    )
    return decide_visit(weighed, joined=joined, decided=decided)
