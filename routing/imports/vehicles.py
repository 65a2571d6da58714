"""Reads the vehicles to register from the CSV form of docs/directory.md.

A VIN is never repeated beyond its last four characters, not even in a message about it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path

from vininfo import ValidationError, Vin

from dtc_db.languages import LANGUAGES
from dtc_db.vehicle import Powertrain, VehicleClass
from routing.imports.csv_file import read_rows
from routing.imports.findings import FieldError, Finding
from routing.imports.makes import make_of
from routing.model import RegisteredVehicle

REQUIRED = ("unit",)
OPTIONAL = (
    *("vin", "make", "model", "year", "powertrain", "vehicle_class", "fleet"),
    *("principal", "warranty_until", "lang"),
)
UNIT_LENGTH_MAX = 64
TEXT_LENGTH_MAX = 100
YEAR_MIN = 1950

# Topics are made of unit names, and these mean something in a topic (MQTT 5.0, 4.7).
_UNIT_FORBIDDEN = frozenset("+#/$")
_UNKNOWN_MAKERS = frozenset({"", "unknown", "unsupportedbrand", "unsupported"})


@dataclass(frozen=True, slots=True, kw_only=True)
class VehicleFile:
    """The vehicles of a file.

    Attributes:
        vehicles: Each unit and each VIN once, in the order of the file.
        findings: What was refused, in the order of the file.
    """

    vehicles: tuple[RegisteredVehicle, ...]
    findings: tuple[Finding, ...]


def read_vehicles(path: Path, *, year_max: int) -> VehicleFile:
    """Read vehicles; make and model year come from the VIN where the file does not say.

    Args:
        path: The file.
        year_max: The latest model year there can be: next calendar year's.

    Raises:
        UnreadableFileError: If it is no such CSV file.
    """
    vehicles: dict[str, RegisteredVehicle] = {}
    vins: dict[str, str] = {}
    findings: list[Finding] = []
    for where, record in read_rows(path, required=REQUIRED, optional=OPTIONAL):
        try:
            if isinstance(record, FieldError):
                raise record
            vehicle = _vehicle(record, year_max)
            _check_new(vehicle, vehicles, vins)
        except FieldError as error:
            findings.append(error.at(where))
            continue
        vehicles[vehicle.unit] = vehicle
        if vehicle.vin is not None:
            vins[vehicle.vin] = vehicle.unit
    return VehicleFile(vehicles=tuple(vehicles.values()), findings=tuple(findings))


def _vehicle(record: Mapping[str, str], year_max: int) -> RegisteredVehicle:
    vin = _vin(record.get("vin", ""))
    year = _year(record.get("year", ""), year_max)
    make = make_of(_text(record, "make") or "")
    return RegisteredVehicle(
        unit=_unit(record.get("unit", "")),
        vin=None if vin is None else vin.num,
        make=make or (_make_from(vin) if vin else None),
        model=_text(record, "model"),
        model_year=year or (_year_from(vin, year_max) if vin else None),
        powertrain=_choice(record, "powertrain", Powertrain),
        vehicle_class=_choice(record, "vehicle_class", VehicleClass),
        fleet=_text(record, "fleet"),
        principal=_text(record, "principal"),
        warranty_until=_day(record.get("warranty_until", "")),
        lang=_lang(record.get("lang", "").lower()),
    )


def _check_new(
    vehicle: RegisteredVehicle, vehicles: Mapping[str, RegisteredVehicle], vins: Mapping[str, str]
) -> None:
    if vehicle.unit in vehicles:
        raise FieldError("unit", f"{vehicle.unit} stands in this file twice")
    if vehicle.vin is not None and vehicle.vin in vins:
        before = vins[vehicle.vin]
        raise FieldError(
            "vin", f"…{vehicle.vin[-4:]} stands in this file twice, before with unit {before}"
        )


def _unit(text: str) -> str:
    is_plain = text.isprintable() and not _UNIT_FORBIDDEN & set(text)
    if not is_plain or not 0 < len(text) <= UNIT_LENGTH_MAX:
        raise FieldError(
            "unit", f"expected 1 to {UNIT_LENGTH_MAX} printable characters without + # / $"
        )
    return text


def _vin(text: str) -> Vin | None:
    if not text:
        return None
    try:
        return Vin(text)
    except ValidationError:
        raise FieldError(
            "vin",
            f"expected 17 letters and digits without I, O and Q, got {len(text)} (…{text[-4:]})",
        ) from None


def _make_from(vin: Vin) -> str | None:
    """The carmaker by the VIN's first three characters (ISO 3780), if the library knows it."""
    make = make_of(vin.manufacturer or "")
    return None if make in _UNKNOWN_MAKERS else make


def _year_from(vin: Vin, year_max: int) -> int | None:
    """The model year by the VIN's tenth character, where that is what the character means.

    Only North America prescribes it, together with the check digit (49 CFR 565.15); elsewhere a
    maker may write there what he likes. A right check digit is taken as a sign that the rule was
    followed. The code repeats after 30 years; the later year is taken, because a vehicle with a
    telematics unit is hardly that old.
    """
    if not vin.verify_checksum(check_year=False):
        return None
    return next((year for year in vin.years if YEAR_MIN <= year <= year_max), None)


def _year(text: str, year_max: int) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and YEAR_MIN <= int(text[:9]) <= year_max):
        raise FieldError("year", f"expected a year from {YEAR_MIN} to {year_max}, got {text!r:.20}")
    return int(text)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise FieldError(
            "warranty_until", f"expected a day such as 2028-03-31, got {text!r:.20}"
        ) from None


def _lang(text: str) -> str | None:
    if text and text not in LANGUAGES:
        raise FieldError("lang", f"expected {', '.join(LANGUAGES)}, got {text!r:.20}")
    return text or None


def _text(record: Mapping[str, str], field: str) -> str | None:
    text = record.get(field, "")
    if len(text) > TEXT_LENGTH_MAX or not text.isprintable():
        raise FieldError(field, f"expected at most {TEXT_LENGTH_MAX} printable characters")
    return text or None


def _choice[Choice: StrEnum](
    record: Mapping[str, str], field: str, choices: type[Choice]
) -> Choice:
    """One of the words; the word for unknown if there is none."""
    text = record.get(field, "").lower() or "unknown"
    if text not in choices.__members__.values():
        raise FieldError(field, f"expected {', '.join(choices)}, got {text!r:.40}")
    return choices(text)
