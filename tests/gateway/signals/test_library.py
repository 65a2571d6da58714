import pytest

from gateway.model import Bus
from gateway.signals.database import SignalDatabase
from gateway.signals.errors import SignalFileError
from gateway.signals.library import FILES_MAX, Library, parse_list

LIST = """
[[file]]
path = "any.dbc"

[[file]]
path = "trucks.dbc"
bus = "j1939"

[[file]]
path = "make.dbc"
make = "Make"

[[file]]
path = "model.dbc"
make = "Make"
model = "Model"
[file.names]
soc_pct = "Charge"
"""


@pytest.mark.parametrize(
    ("make", "model", "bus", "path"),
    [
        (None, None, Bus.CAN, "any.dbc"),
        (None, None, Bus.J1939, "trucks.dbc"),
        ("MAKE", None, Bus.CAN, "make.dbc"),
        ("make", "other", Bus.J1939, "make.dbc"),
        ("make", "MODEL", Bus.CAN, "model.dbc"),
        ("other", "model", Bus.CAN, "any.dbc"),
    ],
)
def test_the_narrowest_file_that_fits_is_used(
    make: str | None, model: str | None, bus: Bus, path: str
) -> None:
    entries = parse_list(LIST).entries
    databases = {one.path: SignalDatabase((), is_j1939=False) for one in entries}
    library = Library([(one, databases[one.path]) for one in entries])
    assert len(library) == 4
    assert library.find(make=make, model=model, bus=bus) is databases[path]


def test_no_file_may_fit() -> None:
    entry = parse_list(LIST).entries[1]
    library = Library([(entry, SignalDatabase((), is_j1939=True))])
    assert library.find(make=None, model=None, bus=Bus.CAN) is None
    assert library.of_vehicle().keys() == {Bus.J1939}
    assert Library().of_vehicle(make="Make") == {}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[", "the list of signal files"),
        ("other = 1", "and .+ only"),
        ("file = 1", "expected tables"),
        ("file = [1]", "expected tables"),
        ('[[file]]\npath = "x.dbc"\nmodel = "One"', "model: expected make beside it"),
        ('[[file]]\nfile = "x.dbc"', "signal file 1: expected"),
        ('[[file]]\npath = "x.dbc"\nnames = 1', "signal file 1: expected"),
        ("[[file]]\npath = 1", "path: expected a text"),
        ('[[file]]\npath = "x.dbc"\n[file.names]\nsoc_pct = 1', "soc_pct: expected a text"),
        ('[[file]]\nmake = "x"', "path: expected a file"),
        ('[[file]]\npath = "/etc/x.dbc"', "path: expected a file"),
        ('[[file]]\npath = "a/../../x.dbc"', "path: expected a file"),
        ('[[file]]\npath = "x.dbc"\nbus = "kline"', "expected can or j1939"),
        ('[[file]]\npath = "x.dbc"\n' * (FILES_MAX + 1), f"at most {FILES_MAX}"),
    ],
)
def test_a_list_that_cannot_be_used_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(SignalFileError, match=reason):
        parse_list(text)
