"""Files of our own making, in the three formats, and frames whose values are worked out by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import Frame
from gateway.signals.database import SignalDatabase
from gateway.signals.errors import SignalFileError

# Ids are written with bit 31 set for 29 bits; FE stands for any source address.
TRUCK = """VERSION ""
BS_:
BU_: ECU
BO_ 2566844926 CCVS1: 8 ECU
 SG_ WheelSpeed : 8|16@1+ (0.00390625,0) [0|250.996] "km/h" ECU
 SG_ Brake : 4|2@1+ (1,0) [0|3] "" ECU
BO_ 2566844158 ET1: 8 ECU
 SG_ Coolant : 0|8@1+ (1,-40) [-40|210] "degC" ECU
BO_ 2566832638 HRVD: 8 ECU
 SG_ Distance : 0|32@1+ (5,0) [0|21055406000] "m" ECU
BO_ 2566846462 VEP1: 8 ECU
 SG_ Supply : 0|4@1+ (1,0) [0|15] "V" ECU
 SG_ Charge : 8|16@1- (1,0) [-10|100] "%" ECU
BA_DEF_ SG_ "SPN" INT 0 524287;
BA_DEF_ BO_ "VFrameFormat" ENUM "StandardCAN","ExtendedCAN","reserved","J1939PG";
BA_DEF_DEF_ "SPN" 0;
BA_DEF_DEF_ "VFrameFormat" "J1939PG";
BA_ "SPN" SG_ 2566844926 WheelSpeed 84;
BA_ "SPN" SG_ 2566846462 Supply 168;
BA_ "SPN" SG_ 2566844158 Coolant 110;
BA_ "SPN" SG_ 2566832638 Distance 917;
"""
CAR = """VERSION ""
BS_:
BU_: ECU
BO_ 291 Battery: 8 ECU
 SG_ Kind M : 0|8@1+ (1,0) [0|0] "" ECU
 SG_ Charge m1 : 8|8@1+ (0.5,0) [0|100] "%" ECU
 SG_ Isolation m2 : 15|16@0+ (1,0) [0|60000] "Ohm" ECU
BO_ 292 Board: 4 ECU
 SG_ Supply : 0|32@1- (1,0) [0|0] "mV" ECU
SIG_VALTYPE_ 292 Supply : 1;
BO_ 293 Cluster: 3 ECU
 SG_ Odometer : 0|24@1+ (1,0) [0|0] "mi" ECU
VAL_ 293 Odometer 16777215 "SNA" ;
"""
CAR_NAMES = {
    "soc_pct": "Charge",
    "isolation_kohm": "Battery.Isolation",
    "battery_v": "Supply",
    "odometer_km": "Odometer",
}
KCD = """<NetworkDefinition xmlns="http://kayak.2codeornot2code.org/1.0">
<Document name="d"/><Bus name="b"><Message id="0x125" length="8" name="M">
<Signal name="Speed" offset="0" length="16"><Value slope="0.01" unit="mph" min="0" max="200"/>
</Signal></Message></Bus></NetworkDefinition>"""


def frame(text: str) -> Frame:
    can_id, data = text.split("#")
    return Frame(0.0, int(can_id, 16), bytes.fromhex(data), len(can_id) == 8)


def check(database: SignalDatabase, *frames: str, **expected: float) -> None:
    found = database.read(frame(one) for one in frames)
    assert found == pytest.approx(expected)


def truck() -> SignalDatabase:
    return SignalDatabase.parse(TRUCK, file_format="dbc", names={})


def car() -> SignalDatabase:
    return SignalDatabase.parse(CAR, file_format="dbc", names=CAR_NAMES)


def test_on_a_truck_the_group_counts_and_not_who_sends_it() -> None:
    for source in ("00", "21", "FE"):
        check(truck(), f"18FEF1{source}#FF0050FFFFFFFFFF", speed_kmh=80.0)
        check(truck(), f"0CFEF1{source}#FF0050FFFFFFFFFF", speed_kmh=80.0)
    check(truck(), "18FEF200#FF0050FFFFFFFFFF")
    check(truck(), "7E8#FF0050FFFFFFFFFF")


def test_of_several_values_the_last_one_is_now() -> None:
    check(
        truck(),
        "18FEF100#FF0050FFFFFFFFFF",
        "18FEEE00#7BFFFFFFFFFFFFFF",
        "18FEC1EE#40420F00FFFFFFFF",
        "18FEF100#FF0028FFFFFFFFFF",
        speed_kmh=40.0,
        coolant_c=83.0,
        odometer_km=5000.0,
    )


@pytest.mark.parametrize("raw", ["FFFF", "00FE", "00FB", "FFFB"])
def test_not_available_and_error_are_no_values(raw: str) -> None:
    check(truck(), f"18FEF100#FF{raw}FFFFFFFFFF")
    check(truck(), "18FEF100#FF0050FFFFFFFFFF", f"18FEF100#FF{raw}FFFFFFFFFF", speed_kmh=80.0)


def test_of_less_than_a_byte_only_all_ones_are_no_value() -> None:
    check(truck(), "18FEF700#0EFFFFFFFFFFFFFF", battery_v=14.0)
    check(truck(), "18FEF700#0FFFFFFFFFFFFFFF")


def test_a_signed_number_uses_all_its_bits() -> None:
    database = SignalDatabase.parse(TRUCK, file_format="dbc", names={"soc_pct": "Charge"})
    check(database, "18FEF700#0F6400FFFFFFFFFF", soc_pct=100.0)
    check(database, "18FEF700#0FFFFFFFFFFFFFFF")  # -1
    check(database, "18FEF700#0F00 80 FFFFFFFFFF")  # below what the file allows


def test_the_highest_value_is_still_one() -> None:
    check(truck(), "18FEF100#FFFFFAFFFFFFFFFF", speed_kmh=250.99609375)
    check(truck(), "18FEEE00#FAFFFFFFFFFFFFFF", coolant_c=210.0)
    check(truck(), "18FEEE00#FBFFFFFFFFFFFFFF")


def test_the_signals_of_a_car_are_named_and_come_in_our_units() -> None:
    check(car(), "123#01A0", soc_pct=80.0)
    check(car(), "123#02C350", isolation_kohm=50.0)
    check(car(), "124#00A0 5A46", battery_v=13.992)  # 13992 as a 32-bit float
    check(car(), "125#E80300", odometer_km=1609.344)


@pytest.mark.parametrize(
    "text",
    [
        "125#FFFFFF",  # the file calls it SNA
        "123#01FF",  # 127.5 %: beyond the range that the file gives
        "123#03FF",  # no branch of the multiplexer
        "123#01",  # cut short
        "124#0000C07F",  # not a number
        "00000123#01A0",  # the same number with 29 bits is another id
        "124#00007A48",  # 256 V: no battery of a vehicle
        "123#",
    ],
)
def test_what_cannot_be_a_value_is_none(text: str) -> None:
    check(car(), text)


def test_kcd_is_read_too() -> None:
    database = SignalDatabase.parse(KCD, file_format="kcd", names={"speed_kmh": "Speed"})
    check(database, "125#1027", speed_kmh=160.9344)
    check(database, "125#FFFF")


def test_a_list_may_say_that_a_bus_is_of_a_truck() -> None:
    text = TRUCK.replace('"J1939PG";\nBA_ ', '"ExtendedCAN";\nBA_ ')
    plain = SignalDatabase.parse(text, file_format="dbc", names={"speed_kmh": "WheelSpeed"})
    told = SignalDatabase.parse(text, file_format="dbc", names={}, is_j1939=True)
    check(plain, "18FEF100#FF0050FFFFFFFFFF")
    check(told, "18FEF100#FF0050FFFFFFFFFF", speed_kmh=80.0)


@pytest.mark.parametrize(
    ("text", "file_format", "names", "reason"),
    [
        (CAR, "txt", {}, "expected one of arxml, dbc, kcd"),
        ("BO_ 1 X", "dbc", {}, "no dbc file"),
        ("<a", "kcd", {}, "no kcd file"),
        ("<a/>", "arxml", {}, "no arxml file"),
        (CAR, "dbc", {"speed_kmh": "Nothing"}, "no signal Nothing"),
        (CAR, "dbc", {"coolant_c": "Kind"}, "no signal Kind with a unit we know"),
        (CAR, "dbc", {"speed": "Kind"}, "speed: expected one of speed_kmh"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_its_reason(
    text: str, file_format: str, names: dict[str, str], reason: str
) -> None:
    with pytest.raises(SignalFileError, match=reason):
        SignalDatabase.parse(text, file_format=file_format, names=names)


DATABASES = (truck(), car())
ids = st.sampled_from([0x123, 0x124, 0x125, 0x18FEF100, 0x18FEEE00, 0x18FEC1EE])


@given(st.lists(st.tuples(ids, st.binary(max_size=64))))
def test_no_frames_raise_and_no_value_is_impossible(given_frames: list[tuple[int, bytes]]) -> None:
    frames = [Frame(0.0, can_id, data, can_id > 0x7FF) for can_id, data in given_frames]
    for database in DATABASES:
        values = database.read(frames)
        assert 0 <= values.get("soc_pct", 0) <= 100
        assert 0 <= values.get("speed_kmh", 0) <= 251
