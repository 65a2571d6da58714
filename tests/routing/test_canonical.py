"""Canonical JSON: the same bytes as the library for RFC 8785 writes, for every value there is."""

from enum import IntEnum, StrEnum

import msgspec
import numpy as np
import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from routing.canonical import canonical

NUMBERS = st.one_of(
    st.integers(min_value=-(2**53) + 1, max_value=2**53 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(min_value=-1000, max_value=1000),
    st.integers(-(10**6), 10**6).map(lambda number: number / 1000),
)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, st.text())
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
    max_leaves=6,
)


@given(st.dictionaries(st.one_of(st.sampled_from("ab"), st.text()), VALUES))
@example({"n": [0.0, -0.0, 1.0, -1.5, 1e15, 1e16, 1e21, 1e-4, 1e-5, 1e-6, 1e-7, 0.1 + 0.2, 5e-324]})
@example({"t": '\x00\x1f\x7f\b\f\n\r\t"\\/\u2028\ufeff\U0001f600é'})
@example({"\ue000": 1, "\U00010000": 2})
@example({"b": 1, "a": {"d": [], "c": {}}, "A": None})
def test_every_value_is_written_as_the_library_writes_it(value: dict[str, object]) -> None:
    assert canonical(value) == rfc8785.dumps(value)  # type: ignore[arg-type] # a recursive union


def test_the_encoder_alone_would_not_do() -> None:
    """The control: these differ, so the test above can fail."""
    for value in ({"n": 1.0}, {"n": 1e20}, {"\ue000": 1, "\U00010000": 2}):
        assert msgspec.json.encode(value, order="sorted") != rfc8785.dumps(value)


def test_kinds_of_text_and_numbers_are_written_as_what_they_are() -> None:
    class Colour(StrEnum):
        RED = "red"

    class Size(IntEnum):
        BIG = 3

    class Name(str):
        __slots__ = ()

    value = {"c": Colour.RED, "i": Size.BIG, "n": Name("x"), "f": np.float64(0.5), "t": (1, True)}
    assert canonical(value) == b'{"c":"red","f":0.5,"i":3,"n":"x","t":[1,true]}'


@pytest.mark.parametrize(
    "value", [{"n": 2**53}, {"n": float("nan")}, {"t": "\ud800"}, {"b": b"bytes"}]
)
def test_what_has_no_canonical_form_is_refused(value: dict[str, object]) -> None:
    with pytest.raises(rfc8785.CanonicalizationError):
        canonical(value)


def test_a_field_whose_name_is_not_text_is_our_mistake() -> None:
    with pytest.raises(TypeError):
        canonical({"a": {1: 2}})
