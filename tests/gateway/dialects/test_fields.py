from gateway.dialects.fields import RAW_LENGTH_MAX, as_evidence, is_name


def test_evidence_is_cut_and_never_fails() -> None:
    assert as_evidence({"a": [1]}) == b'{"a":[1]}'
    assert len(as_evidence("x" * 1000)) == RAW_LENGTH_MAX
    nested: list[object] = []
    for _ in range(100_000):
        nested = [nested]
    assert as_evidence(nested) == b""


def test_names_are_short_and_visible() -> None:
    assert is_name("unit-1")
    assert not any(is_name(one) for one in ("", "x" * 65, "a\nb", "a\u0000", 7, None))
