from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.cursors import LENGTH_MAX, decode_cursor, encode_cursor
from api.errors import BadCursorError
from storage.views import Place

places = st.builds(Place, st.datetimes(timezones=st.just(UTC)), st.uuids())


@given(places)
def test_a_cursor_comes_back_as_the_place_it_names(place: Place) -> None:
    cursor = encode_cursor(place)
    assert decode_cursor(cursor) == place
    assert len(cursor) <= LENGTH_MAX
    assert cursor.replace("-", "").replace("_", "").isalnum()


@given(st.text(max_size=LENGTH_MAX))
def test_no_text_does_worse_than_being_refused(text: str) -> None:
    with pytest.raises(BadCursorError):
        decode_cursor(text)


NOT_OURS = {
    "nothing": "",
    "no JSON": "AAAA",
    "another shape": "e30",
    "a number": "MQ",
    "deep nesting": "W1tbW1tb" * 20,
    "no time zone": encode_cursor(Place(datetime(2026, 3, 1), UUID(int=1))),  # noqa: DTZ001 - what is refused
    "another zone": encode_cursor(
        Place(datetime(2026, 3, 1, tzinfo=timezone(timedelta(hours=1))), UUID(int=1))
    ),
    "padding": encode_cursor(Place(datetime(2026, 3, 1, tzinfo=UTC), UUID(int=1))) + "=",
}


@pytest.mark.parametrize("cursor", NOT_OURS.values(), ids=NOT_OURS.keys())
def test_a_cursor_that_no_list_gave_out_is_refused(cursor: str) -> None:
    with pytest.raises(BadCursorError):
        decode_cursor(cursor)
