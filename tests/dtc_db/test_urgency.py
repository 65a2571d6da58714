from itertools import permutations

from dtc_db.urgency import ORDER, RANK, Urgency, gravest


def test_every_urgency_has_one_place_in_the_published_order() -> None:
    assert sorted(ORDER) == sorted(Urgency)


def test_the_gravest_does_not_depend_on_the_order_given() -> None:
    three = (Urgency.SOON, Urgency.LIMP, Urgency.INFO)
    assert {gravest(order) for order in permutations(three)} == {Urgency.LIMP}


def test_unknown_is_never_below_soon() -> None:
    assert RANK[Urgency.UNKNOWN] <= RANK[Urgency.SOON]
    assert gravest([Urgency.UNKNOWN, Urgency.NEXT_SERVICE]) is Urgency.UNKNOWN


def test_of_nothing_nothing_is_known() -> None:
    assert gravest([]) is Urgency.UNKNOWN
