import pytest

from simulators.errors import SettingsError
from simulators.model import Box, Frame


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        (Frame(0x7E8, b""), "7E8"),
        (Frame(0x0A, b""), "00A"),
        (Frame(0x18DAF110, b"", is_extended=True), "18DAF110"),
        (Frame(0x0A, b"", is_extended=True), "0000000A"),
    ],
)
def test_an_id_is_spelt_with_as_many_digits_as_its_form_has(frame: Frame, text: str) -> None:
    assert frame.id_text == text


def test_a_box_reads_its_own_text() -> None:
    box = Box(-1.95, 47.95, -1.35, 48.3)
    assert Box.parse(box.text) == box


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1,2,3",
        "a,b,c,d",
        "2,1,1,2",
        "1,2,2,1",
        "1,1,1,2",
        "-181,0,0,1",
        "0,0,1,91",
        "nan,0,1,1",
    ],
)
def test_what_is_no_box_is_refused_with_its_form(text: str) -> None:
    with pytest.raises(SettingsError, match="west,south,east,north"):
        Box.parse(text)
