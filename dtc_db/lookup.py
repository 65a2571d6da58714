"""From a code to its meaning: the most exact row there is, and never more than is known.

A list that somebody brought speaks first, for its make alone. A J2012 code then falls from its own
row to the block around it and to the system of its letter. A number that makers fill by themselves
never borrows a block: what P1457 means on one make says nothing about another. A J1939 parameter
falls to its number alone.
"""

from dataclasses import dataclass, field, replace

from dtc_db.codes import Code, J1939Dtc, J2012Dtc
from dtc_db.layers import Layers
from dtc_db.makes import make_key
from dtc_db.meaning import Component, Failure, Level, Meaning
from dtc_db.tables import (
    Lexicon,
    Parameter,
    load_blocks,
    load_disputed,
    load_failures,
    load_parameters,
    load_rows,
)
from dtc_db.urgency import GRAVE, RANK, Urgency

ROW_TABLES = (
    "powertrain0_fuel_air.txt",
    "powertrain0_ignition.txt",
    "powertrain0_emission.txt",
    "powertrain0_inputs.txt",
    "powertrain0_outputs.txt",
    "powertrain0_transmission.txt",
    "powertrain2_fuel_air.txt",
    "powertrain2_ignition.txt",
    "powertrain2_emission.txt",
    "powertrain2_inputs.txt",
    "powertrain2_outputs.txt",
    "powertrain2_transmission.txt",
    "powertrain2_late.txt",
    "powertrain3.txt",
    "hybrid.txt",
    "chassis.txt",
    "body.txt",
    "network.txt",
)

_SILENT = Failure("", ("", "", ""))
_PARAMETER = Component(
    key="parameter",
    trade="unknown-heavy",
    urgency=Urgency.UNKNOWN,
    names=("parameter {} of a heavy vehicle", "paramètre {} d'un poids lourd", "Lkw-Parameter {}"),
)
_OWN_PARAMETER = Component(
    key="parameter.own",
    trade="unknown-heavy",
    urgency=Urgency.UNKNOWN,
    names=("maker's own parameter {}", "paramètre constructeur {}", "Herstellerparameter {}"),
)
_RAW = Component(
    key="raw",
    trade="unknown",
    urgency=Urgency.UNKNOWN,
    names=(
        "code {} of unstated format",
        "code {} de format inconnu",
        "Code {} unbekannten Formats",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Meanings:
    """All tables of meanings, ready to be asked.

    Attributes:
        rows: By two-byte number.
        fallbacks: 65,536 entries, the block or system of each two-byte number.
        parameters: By SPN.
        modes: The 32 failure modes of J1939, by FMI.
        failure_types: Those known of the 256 failure type bytes of J2012.
        disputed: By two-byte number, the makes that give it another meaning than its row.
        layers: The lists that are asked first.
    """

    rows: dict[int, Meaning]
    fallbacks: list[Meaning]
    parameters: dict[int, Parameter]
    modes: list[Failure]
    failure_types: dict[int, Failure]
    disputed: dict[int, frozenset[str]] = field(default_factory=dict)
    layers: Layers = field(default_factory=Layers)

    @classmethod
    def load(cls) -> "Meanings":
        """Read the tables.

        Raises:
            TableError: If a table has a mistake; names the line.
        """
        lexicon = Lexicon.load()
        rows: dict[int, Meaning] = {}
        for name in ROW_TABLES:
            load_rows(name, lexicon, rows)
        return cls(
            rows=rows,
            fallbacks=_fallbacks(),
            parameters=load_parameters("j1939.txt"),
            modes=list(load_failures("failure_modes.txt").values()),
            failure_types={
                int(key, 16): failure for key, failure in load_failures("failure_types.txt").items()
            },
            disputed=load_disputed("disputed.txt"),
        )

    def find(self, code: Code, make: str | None = None) -> Meaning:
        """The meaning of a code; its level says how much of it is known. Never raises."""
        built_in = self._find_built_in(code, make)
        said = self.layers.find(code, make)
        if said is None:
            return built_in
        entry = said.entry
        return replace(
            built_in,
            words=entry.text,
            is_whole=entry.code == code,
            urgency=_urgency(built_in, entry.urgency),
            level=Level.MAKE if entry.make else Level.GENERIC,
            source=f"{said.source}; work and urgency: {built_in.source}",
        )

    def _find_built_in(self, code: Code, make: str | None) -> Meaning:
        match code:
            case J2012Dtc():
                row = self.rows.get(code.number)
                if row is None or (make and self._is_disputed(code.number, make)):
                    return self.fallbacks[code.number]
                return row
            case J1939Dtc():
                return self._find_parameter(code)
            case _:
                return Meaning(
                    component=_RAW,
                    failure=_SILENT,
                    designator=(str(code),) * 3,
                    trade=_RAW.trade,
                    urgency=_RAW.urgency,
                    level=Level.UNKNOWN,
                    source=f"no format stated; read as J2012 it would be {code.as_j2012}",
                )

    def _is_disputed(self, number: int, make: str) -> bool:
        makes = self.disputed.get(number)
        return makes is not None and make_key(make) in makes

    def _find_parameter(self, code: J1939Dtc) -> Meaning:
        mode = self.modes[code.fmi]
        parameter = self.parameters.get(code.spn)
        if parameter is not None:
            component = parameter.component
            return Meaning(
                component=component,
                failure=mode,
                trade=component.trade,
                urgency=parameter.by_fmi.get(code.fmi, component.urgency),
                level=Level.GENERIC,
                source=parameter.origin,
            )
        component = _OWN_PARAMETER if code.is_makers_own else _PARAMETER
        return Meaning(
            component=component,
            failure=mode,
            designator=(str(code.spn),) * 3,
            trade=component.trade,
            urgency=component.urgency,
            level=Level.UNKNOWN if code.is_makers_own else Level.SYSTEM,
            source="SPN in the range of makers" if code.is_makers_own else "SPN not in j1939.txt",
        )


def _urgency(built_in: Meaning, listed: Urgency | None) -> Urgency:
    """The list's, but a list of thousands does not talk down what must stop or be towed."""
    if listed is None:
        return built_in.urgency
    if built_in.urgency in GRAVE and RANK[listed] > RANK[built_in.urgency]:
        return built_in.urgency
    return listed


def _fallbacks() -> list[Meaning]:
    """The block or system of every two-byte number; later lines of a table go over earlier ones."""
    nothing = Meaning(
        component=_RAW,
        failure=_SILENT,
        trade=_RAW.trade,
        urgency=_RAW.urgency,
        level=Level.UNKNOWN,
        source="",
    )
    fallbacks = [nothing] * 0x10000
    for name, level in (("systems.txt", Level.SYSTEM), ("blocks.txt", Level.BLOCK)):
        for block in load_blocks(name):
            meaning = replace(
                nothing,
                component=block.component,
                trade=block.component.trade,
                urgency=block.component.urgency,
                level=level,
                source=block.origin,
            )
            fallbacks[block.first : block.last + 1] = [meaning] * (block.last + 1 - block.first)
    return fallbacks
