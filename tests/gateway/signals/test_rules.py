"""How the buses of a vehicle are read stands in the list, and counts for whom it says."""

from collections.abc import Sequence

import pytest

from gateway.decode import decode_frames
from gateway.model import Bus, Frame, Observation
from gateway.protocols.isotp import Addressing
from gateway.signals.errors import SignalFileError
from gateway.signals.library import Library, parse_list
from gateway.signals.rules import RULES_MAX
from gateway.vehicles import UNITS_REMEMBERED_MAX, Facts, Kind, Vehicles

LIST = """
[[bus]]
conversion = 2

[[bus]]
make = "Example"
answer_ids = ["7BB", "18DAFBEE"]
code_format = "raw"

[[bus]]
make = "Example"
model = "Van"
conversion = 3

[[bus]]
unit = "acme-*"
addressing = "extended"
did_length = 1
extended_length = 2
[bus.did_lengths]
F4 = 1
[bus.extended_lengths]
01 = 3
"""
KINDS = {"e": Kind("EXAMPLE", None), "v": Kind("example", "VAN"), "acme-1": Kind("Example", None)}


def vehicles() -> Vehicles:
    return Vehicles(Facts(library=Library(rules=parse_list(LIST).rules), kinds=KINDS))


def read(unit: str, frames: Sequence[Frame], *, bus: Bus = Bus.CAN) -> tuple[Observation, ...]:
    observations, _ = decode_frames(frames, bus=bus, settings=vehicles().settings_of(unit))
    return observations


def test_the_narrowest_rule_that_fits_counts_alone() -> None:
    found = vehicles()
    assert found.settings_of("other").conversion == 2
    assert found.settings_of("e").answer_ids == {0x7BB, 0x18DAFBEE}
    assert found.settings_of("e").conversion is None
    assert found.settings_of("v").conversion == 3
    acme = found.settings_of("acme-1")
    assert (acme.addressing, acme.conversion) == (Addressing.EXTENDED, None)
    assert (acme.uds.did_lengths, acme.uds.extended_lengths) == ({0xF4: 1}, {1: 3})
    assert (acme.uds.did_length, acme.uds.extended_length) == (1, 2)
    assert Vehicles().settings_of("acme-1").addressing is Addressing.NORMAL


def test_units_of_one_type_are_read_with_an_address_byte_and_others_are_not() -> None:
    frames = [Frame(0.0, 0x7E8, bytes.fromhex("F10443010128AAAA"))]
    (observation,) = read("acme-1", frames)
    assert [str(one.code) for one in observation.codes] == ["P0128"]
    assert observation.ecu == "7E8 F1"
    assert read("other", frames) == ()


def test_a_truck_that_packs_its_numbers_the_old_way_is_read_by_its_rule() -> None:
    frames = [Frame(0.0, 0x18FECA00, bytes.fromhex("04FF0B12A883FFFF"), is_extended=True)]
    (old,) = read("other", frames, bus=Bus.J1939)
    (unsure,) = read("acme-1", frames, bus=Bus.J1939)
    assert not old.codes[0].is_uncertain
    assert unsure.codes[0].is_uncertain
    assert old.codes[0].code != unsure.codes[0].code


def test_new_facts_count_from_the_next_report_on() -> None:
    found = vehicles()
    before = found.settings_of("other")
    assert found.settings_of("other") is before
    found.facts = Facts()
    assert found.settings_of("other").conversion is None


def test_what_is_remembered_of_units_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.vehicles.UNITS_REMEMBERED_MAX", 2)
    found = vehicles()
    first = found.settings_of("a")
    assert [found.settings_of(unit).conversion for unit in "abcab"] == [2] * 5
    assert UNITS_REMEMBERED_MAX > 2
    assert found.settings_of("a") == first


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("speed = 1", "bus 1: no such key: speed"),
        ("unit = 1", "bus 1: unit: expected a text"),
        ('model = "One"', "model: expected make"),
        ('addressing = "guess"', "expected one of normal, extended, mixed"),
        ("conversion = 4", "expected one of 1, 2, 3"),
        ("did_length = 5", "from 1 to 4"),
        ("did_length = true", "from 1 to 4"),
        ('answer_ids = "7BB"', "expected a list"),
        ('answer_ids = ["7BX"]', "hex digits up to 1FFFFFFF"),
        ("answer_ids = [7]", "hex digits"),
        ("did_lengths = 1", "expected a table"),
        ('did_lengths = {F4 = "1"}', "lengths from 0 to 4095"),
        ("extended_lengths = {100 = 1}", "hex digits up to FF"),
    ],
)
def test_a_rule_that_cannot_be_used_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(SignalFileError, match=reason):
        parse_list(f"[[bus]]\n{text}\n")


def test_there_are_not_more_rules_than_anybody_could_read() -> None:
    with pytest.raises(SignalFileError, match=f"at most {RULES_MAX} of bus"):
        parse_list("[[bus]]\n" * (RULES_MAX + 1))
