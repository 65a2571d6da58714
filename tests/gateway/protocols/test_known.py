from hypothesis import given
from hypothesis import strategies as st

from gateway.protocols.known import RECORDS_MAX, Known, split


def test_a_value_is_made_once() -> None:
    made: list[bytes] = []

    def read(record: bytes) -> int:
        made.append(record)
        return record[0]

    known = Known(read)
    assert [known[b"\x01"], known[b"\x02"], known[b"\x01"]] == [1, 2, 1]
    assert made == [b"\x01", b"\x02"]


def test_a_full_memory_starts_anew() -> None:
    known = Known(int.from_bytes)
    for number in range(3 * RECORDS_MAX):
        assert known[number.to_bytes(4)] == number
        assert len(known) <= RECORDS_MAX


@given(st.binary(max_size=200), st.integers(1, 9))
def test_records_come_once_in_their_order_and_a_rest_is_left_out(data: bytes, length: int) -> None:
    expected = [data[at : at + length] for at in range(0, len(data) - length + 1, length)]
    assert list(split(data, length)) == list(dict.fromkeys(expected))
