"""Raises or lowers an urgency by what else the vehicle said, and words what to do.

The rules are few and published; each leaves a line that says it spoke. Nothing here lowers a
fault for which one must stop or be towed, and nothing makes an unknown fault known.
"""

import tomllib
from collections.abc import Sequence

from dtc_db.codes import Code, J1939Dtc, J2012Dtc
from dtc_db.languages import LANGUAGES, column_of
from dtc_db.requirement import Trade
from dtc_db.tables import FOLDER
from dtc_db.urgency import RANK, Urgency
from dtc_db.vehicle import HEAVY, VehicleKind

_FLASHING = frozenset({"slow_flash", "fast_flash"})
_LIT = _FLASHING | {"on"}

# What a control unit itself asks of the driver (ISO 14229-1, severity): at least so much.
_ADVICE = {
    "check_immediately": Urgency.LIMP,
    "check_at_next_halt": Urgency.SOON,
    "maintenance_only": Urgency.NEXT_SERVICE,
}

# A fault that was seen once and is not yet confirmed weighs one step less.
_PENDING = {Urgency.LIMP: Urgency.SOON, Urgency.SOON: Urgency.NEXT_SERVICE}

type Verdict = tuple[Urgency, tuple[str, ...]]


def weigh(  # noqa: PLR0913 - all that can change an urgency, each named by the caller
    base: Urgency,
    *,
    code: Code,
    trade: Trade,
    vehicle: VehicleKind,
    status: str | None,
    lamps: Sequence[tuple[str, str]],
) -> Verdict:
    """The urgency with all modifiers, and a line for each that changed it."""
    why: list[str] = []
    urgency = base
    if status == "pending" and urgency in _PENDING:
        urgency = _PENDING[urgency]
        why.append(f"pending, not yet confirmed: {base} becomes {urgency}")
    if (
        trade.hazard == "brakes"
        and urgency is Urgency.SOON
        and isinstance(code, J2012Dtc)
        and vehicle.vehicle_class in HEAVY
    ):
        urgency = Urgency.LIMP
        why.append("braking of a heavy vehicle: soon becomes limp")
    for name, state in lamps:
        is_heavy = isinstance(code, J1939Dtc)
        least = _ADVICE.get(state) if name == "advice" else _least(name, state, is_heavy=is_heavy)
        if least is not None and RANK[least] < RANK[urgency]:
            why.append(f"{_word(name)} {state}: {urgency} becomes {least}")
            urgency = least
    return urgency, tuple(why)


def _word(name: str) -> str:
    return name if name == "advice" else f"lamp {name}"


def _least(name: str, state: str, *, is_heavy: bool) -> Urgency | None:
    """The least urgency that a lamp asks for.

    A flashing malfunction lamp means, in a car, that misfire is destroying the catalyst; heavy
    vehicles use the flash to grade emission faults.
    """
    if state not in _LIT:
        return None
    match name:
        case "rsl":
            return Urgency.STOP_NOW
        case "awl" | "pl":
            return Urgency.SOON
        case "mil" if state in _FLASHING:
            return Urgency.SOON if is_heavy else Urgency.LIMP
        case "mil":
            return Urgency.NEXT_SERVICE
        case _:
            return None


class Actions:
    """What driver and fleet are told."""

    def __init__(self, texts: dict[tuple[Urgency, str, str], tuple[str, str]]) -> None:
        self._texts = texts

    @classmethod
    def load(cls, name: str = "actions.toml") -> "Actions":
        """Read the table; every urgency has a text in every language."""
        document = tomllib.loads((FOLDER / name).read_text(encoding="utf-8"))
        texts: dict[tuple[Urgency, str, str], tuple[str, str]] = {}
        for key, entry in document.items():
            variants = {hazard: said for hazard, said in entry.items() if "driver" in said}
            for hazard, said in ({"": entry} | variants).items():
                for lang in LANGUAGES:
                    texts[Urgency(key), hazard, lang] = (said["driver"][lang], said["fleet"][lang])
        return cls(texts)

    def say(self, urgency: Urgency, hazard: str, lang: str) -> tuple[str, str]:
        """The sentence for the driver and the one for the fleet."""
        lang = LANGUAGES[column_of(lang)]
        return self._texts.get((urgency, hazard, lang)) or self._texts[urgency, "", lang]
