"""Values made in bulk are the values that their class makes one by one."""

from datetime import date

import pytest

from routing.model import Credential, Evidence, Person
from storage.bulk import make_values


def test_values_made_column_by_column_are_equal_to_those_made_one_by_one() -> None:
    people = make_values(Person, 2, number=[1, 2], credentials=[(), ()])
    assert people == [Person(number=1), Person(number=2)]
    assert {*people} == {Person(number=1), Person(number=2)}
    (title,) = make_values(
        Credential, 1, scheme=["a"], title=["b"], valid_from=[date.min], valid_until=[None]
    )
    assert title == Credential(scheme="a", title="b", valid_from=date.min, valid_until=None)
    assert title.evidence is Evidence.DECLARED


def test_a_field_without_values_and_default_is_refused() -> None:
    with pytest.raises(TypeError, match=r"no column for Person\.number"):
        make_values(Person, 1)
