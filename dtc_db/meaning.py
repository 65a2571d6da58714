"""What a code means, as a record from which texts in each language are made.

A meaning is a component with a designator and a place, and what failed of it. No sentence is
stored: the tables hold words, and `Meaning.text` joins them the way each language likes it.
"""

from dataclasses import dataclass
from enum import StrEnum

from dtc_db.languages import Words, column_of
from dtc_db.urgency import Urgency


class Level(StrEnum):
    """How exactly a meaning is known, from best to worst."""

    MAKE = "make"  # the carmaker's own text
    GENERIC = "generic"  # a row for this very code
    BLOCK = "block"  # only the group of codes around it
    SYSTEM = "system"  # only the letter, or that it is a heavy vehicle's parameter
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A part or function that can fail.

    Attributes:
        trade: Which work mending it is; a key of the trades table.
        urgency: If nothing more is said about the failure.
        names: May hold ``{}`` where a designator goes; otherwise it follows the name.
    """

    key: str
    trade: str
    urgency: Urgency
    names: Words


@dataclass(frozen=True, slots=True)
class Failure:
    """A way of failing; a phrase with ``{}`` takes the component's name there."""

    key: str
    phrases: Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What one code says.

    Attributes:
        designator: ``A``, ``3`` or ``left front``: which of several alike; empty if there is one.
        place: Bank, or bank and sensor: ``1`` or ``1.2``; empty if it does not apply.
        trade: That of the component, unless the failure makes the work another.
        source: Table and line that spoke, and how sure they are.
        words: Somebody's own text, said as it is in every language; empty if it is made from
            component and failure.
        is_whole: Whether those words speak for the failure type byte as well.
    """

    component: Component
    failure: Failure
    designator: Words = ("", "", "")
    place: str = ""
    trade: str
    urgency: Urgency
    level: Level
    source: str
    words: str = ""
    is_whole: bool = False

    def text(self, lang: str) -> str:
        """One line in ``lang``, English where the language is not kept."""
        if self.words:
            return self.words
        index = column_of(lang)
        name, designator = self.component.names[index], self.designator[index]
        if "{}" in name:
            name = " ".join(name.replace("{}", designator).split())
        elif designator:
            name = f"{name} {designator}"
        phrase = self.failure.phrases[index]
        if "{}" in phrase:
            text = phrase.replace("{}", name)
        elif phrase:
            text = name + (" ", " : ", ": ")[index] + phrase
        else:
            text = name
        if self.place:
            text += _place_text(self.place, index)
        return text[0].upper() + text[1:]


_BANK = (" bank {}", ", rangée {}", ", Bank {}")
_SENSOR = (" sensor {}", ", sonde {}", " Sensor {}")


def _place_text(place: str, index: int) -> str:
    bank, _, sensor = place.partition(".")
    text = _BANK[index].format(bank)
    return text + _SENSOR[index].format(sensor) if sensor else text
