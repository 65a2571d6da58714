"""Everything known of a code, asked in one call.

The way of an answer: code → meaning (the most exact row there is) → urgency (the row's, weighed by
status, lamps and vehicle) → need (the kind of work, on this vehicle) → what to tell. Each step
leaves a line in `Assessment.why`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from dtc_db.codes import Code, J1939Dtc, J2012Dtc
from dtc_db.lookup import Meanings
from dtc_db.meaning import LANGUAGES, Level
from dtc_db.need import Need
from dtc_db.requirement import Requirements, load_trades
from dtc_db.triage import Actions, weigh
from dtc_db.urgency import Urgency
from dtc_db.vehicle import VehicleClass, VehicleKind

ANSWERS_REMEMBERED_MAX = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """What a code means for one vehicle.

    Attributes:
        text: Its meaning, in the language asked for.
        level: How exactly the meaning is known.
        driver_action: For the driver, in the language asked for.
        fleet_action: For whoever plans the vehicle's day.
        why: Which rows and rules spoke, in English, in the order they spoke.
    """

    code: Code
    text: str
    level: Level
    urgency: Urgency
    driver_action: str
    fleet_action: str
    need: Need
    why: tuple[str, ...]


class Knowledge:
    """The loaded tables. Reading them takes a tenth of a second; keep one and share it."""

    def __init__(self, meanings: Meanings, requirements: Requirements, actions: Actions) -> None:
        self.meanings = meanings
        self._requirements = requirements
        self._actions = actions
        self._remembered = lru_cache(maxsize=ANSWERS_REMEMBERED_MAX)(self._assess)

    @classmethod
    def load(cls) -> "Knowledge":
        """Read the tables that come with the package.

        Raises:
            TableError: If a table has a mistake; names the line.
        """
        return cls(Meanings.load(), Requirements(load_trades()), Actions.load())

    def assess(
        self,
        code: Code,
        vehicle: VehicleKind,
        *,
        status: str | None = None,
        lamps: Sequence[tuple[str, str]] = (),
        lang: str = "en",
    ) -> Assessment:
        """Meaning, urgency and need of a code on a vehicle. Never raises.

        Args:
            code: Of any family.
            vehicle: As far as it is known; what is not known is taken carefully.
            status: ``pending``, ``stored``, ``confirmed``, ``active`` or ``permanent``, if told.
            lamps: Lamp name (``mil``, ``rsl``, ``awl``, ``pl``) and state (``on``, ``off``,
                ``slow_flash``, ``fast_flash``) as the same control unit sent them.
            lang: ``en``, ``fr`` or ``de``; another one is answered in English.
        """
        return self._remembered(code, vehicle, status, tuple(lamps), lang)

    def _assess(
        self,
        code: Code,
        vehicle: VehicleKind,
        status: str | None,
        lamps: tuple[tuple[str, str], ...],
        lang: str,
    ) -> Assessment:
        if isinstance(code, J1939Dtc) and vehicle.vehicle_class is VehicleClass.UNKNOWN:
            # Only heavy vehicles speak J1939, so much is known of it.
            vehicle = replace(vehicle, vehicle_class=VehicleClass.TRUCK)
        meaning = self.meanings.find(code)
        trade = self._requirements.trades[meaning.trade]
        urgency, modifiers = weigh(
            meaning.urgency, code=code, trade=trade, vehicle=vehicle, status=status, lamps=lamps
        )
        driver_action, fleet_action = self._actions.say(urgency, trade.hazard, lang)
        return Assessment(
            code=code,
            text=self._text(meaning.text(lang), code, lang),
            level=meaning.level,
            urgency=urgency,
            driver_action=driver_action,
            fleet_action=fleet_action,
            need=self._requirements.of(meaning.trade, vehicle, urgency),
            why=(
                f"meaning: {meaning.source}",
                f"work: {meaning.trade}, on {vehicle.vehicle_class} {vehicle.powertrain}",
                *modifiers,
            ),
        )

    def _text(self, text: str, code: Code, lang: str) -> str:
        """The text, with the failure type byte's own words, or the byte where none are kept."""
        if not isinstance(code, J2012Dtc) or not code.failure_type:
            return text
        failure = self.meanings.failure_types.get(code.failure_type)
        if failure is None:
            return f"{text} (0x{code.failure_type:02X})"
        return f"{text}: {failure.phrases[LANGUAGES.index(lang) if lang in LANGUAGES else 0]}"
