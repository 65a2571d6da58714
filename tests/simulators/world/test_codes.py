import pytest

from dtc_db.codes import J1939Dtc, J2012Dtc
from simulators.errors import SettingsError
from simulators.world.codes import parse_code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("P0302", J2012Dtc(0x0302)),
        ("C1678-9A", J2012Dtc(0x5678, 0x9A)),
        ("B21AB", J2012Dtc(0xA1AB)),
        ("U3FFF-00", J2012Dtc(0xFFFF, 0x00)),
        ("SPN 609 FMI 9", J1939Dtc(609, 9)),
        ("SPN 524287 FMI 31", J1939Dtc(524_287, 31)),
    ],
)
def test_a_code_is_read_from_its_text(text: str, code: J1939Dtc | J2012Dtc) -> None:
    assert parse_code(text) == code


@pytest.mark.parametrize(
    "text", ["", "P4000", "p0302", "P030", "P0302-1", "X0000", "SPN 524288 FMI 1", "SPN 1 FMI 32"]
)
def test_what_is_no_code_is_refused_by_name(text: str) -> None:
    with pytest.raises(SettingsError, match="not a trouble code"):
        parse_code(text)
