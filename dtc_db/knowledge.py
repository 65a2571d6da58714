"""Everything known of a code, asked in one call.

The way of an answer: code → meaning (the most exact row there is) → urgency (the row's, weighed by
status, lamps and vehicle) → need (the kind of work, on this vehicle) → what to tell. Each step
leaves a line in `Assessment.why`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from dtc_db.codes import Code, J1939Dtc, J2012Dtc
from dtc_db.collection import no_collection
from dtc_db.gateways import SecureGateways
from dtc_db.languages import column_of
from dtc_db.layers import Layer, Layers
from dtc_db.lookup import Meanings
from dtc_db.meaning import Level, Meaning
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
        with no_collection():
            return cls(
                Meanings.load(), Requirements(load_trades(), SecureGateways.load()), Actions.load()
            )

    def with_layers(self, layers: Iterable[Layer]) -> "Knowledge":
        """The same tables, asked after these lists; earlier given lists are no longer asked."""
        meanings = replace(self.meanings, layers=Layers(layers))
        return Knowledge(meanings, self._requirements, self._actions)

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
                ``slow_flash``, ``fast_flash``) as the same control unit sent them; or ``advice``
                and the value of a `dtc_db.records.Advice`.
            lang: ``en``, ``fr`` or ``de``; another one is answered in English.
        """
        return self._remembered(code, vehicle, status, tuple(lamps), lang)

    def revise(  # noqa: PLR0913 - each is one thing that rules may say otherwise
        self,
        assessment: Assessment,
        vehicle: VehicleKind,
        *,
        urgency: Urgency,
        text: str = "",
        because: Sequence[str] = (),
        lang: str = "en",
    ) -> Assessment:
        """The same answer after rules spoke: what to do and how to get there follow the urgency.

        Args:
            assessment: Of `assess`.
            vehicle: The one it was asked for.
            urgency: What the rules make of its urgency.
            text: Its name in the customer's words; empty to keep ours.
            because: A line for each rule that spoke.
            lang: The one it was asked in.
        """
        meaning = self.meanings.find(assessment.code, vehicle.make)
        trade = self._requirements.trades[meaning.trade]
        driver_action, fleet_action = self._actions.say(urgency, trade.hazard, lang)
        return replace(
            assessment,
            text=text or assessment.text,
            urgency=urgency,
            driver_action=driver_action,
            fleet_action=fleet_action,
            need=self.need_of(trade.name, _heavy(assessment.code, vehicle), urgency),
            why=(*assessment.why, *because),
        )

    def need_of(self, trade: str, vehicle: VehicleKind, urgency: Urgency) -> Need:
        """What a kind of work, such as a symptom names, takes on this vehicle."""
        return self._requirements.of(trade, vehicle, urgency)

    def say(self, trade: str, urgency: Urgency, lang: str = "en") -> tuple[str, str]:
        """What driver and fleet are told of a kind of work, such as a symptom names."""
        return self._actions.say(urgency, self._requirements.trades[trade].hazard, lang)

    def _assess(
        self,
        code: Code,
        vehicle: VehicleKind,
        status: str | None,
        lamps: tuple[tuple[str, str], ...],
        lang: str,
    ) -> Assessment:
        vehicle = _heavy(code, vehicle)
        meaning = self.meanings.find(code, vehicle.make)
        trade = self._requirements.trades[meaning.trade]
        urgency, modifiers = weigh(
            meaning.urgency, code=code, trade=trade, vehicle=vehicle, status=status, lamps=lamps
        )
        driver_action, fleet_action = self._actions.say(urgency, trade.hazard, lang)
        lock = self._requirements.find_lock(meaning.trade, vehicle)
        return Assessment(
            code=code,
            text=self._text(meaning, code, lang),
            level=meaning.level,
            urgency=urgency,
            driver_action=driver_action,
            fleet_action=fleet_action,
            need=self._requirements.of(meaning.trade, vehicle, urgency),
            why=(
                f"meaning: {meaning.source}",
                f"work: {meaning.trade}, on {vehicle.vehicle_class} {vehicle.powertrain}",
                *modifiers,
                *([] if lock is None else [f"access: secure gateway ({lock.source})"]),
            ),
        )

    def _text(self, meaning: Meaning, code: Code, lang: str) -> str:
        """The text, with the failure type byte's own words, or the byte where none are kept."""
        text = meaning.text(lang)
        if meaning.is_whole or not isinstance(code, J2012Dtc) or not code.failure_type:
            return text
        failure = self.meanings.failure_types.get(code.failure_type)
        if failure is None:
            return f"{text} (0x{code.failure_type:02X})"
        return f"{text}: {failure.phrases[column_of(lang)]}"


def _heavy(code: Code, vehicle: VehicleKind) -> VehicleKind:
    """Only heavy vehicles speak J1939, so much is known of one of unknown class."""
    if isinstance(code, J1939Dtc) and vehicle.vehicle_class is VehicleClass.UNKNOWN:
        return replace(vehicle, vehicle_class=VehicleClass.TRUCK)
    return vehicle
