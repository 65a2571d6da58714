import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtc_db.makes import make_key


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("VW", "volkswagen"),
        ("Volkswagen", "volkswagen"),
        ("CHEVY", "chevrolet"),
        ("Mercedes", "mercedesbenz"),
        ("MERCEDES-BENZ", "mercedesbenz"),
        ("Citroën", "citroen"),
        ("Land Rover", "landrover"),
        (" - ", ""),
    ],
)
def test_a_make_has_one_name_however_it_is_written(name: str, key: str) -> None:
    assert make_key(name) == key


@pytest.mark.parametrize("others", [("GM", "Chevrolet"), ("VW", "Audi"), ("Ford", "Lincoln")])
def test_a_brand_of_the_same_group_is_another_make(others: tuple[str, str]) -> None:
    assert make_key(others[0]) != make_key(others[1])


@given(st.text())
def test_a_name_is_read_the_same_way_twice(name: str) -> None:
    assert make_key(make_key(name)) == make_key(name)
