"""The languages in which people are told things."""

LANGUAGES = ("en", "fr", "de")

type Words = tuple[str, str, str]  # the same in each of them, in their order


def column_of(lang: str) -> int:
    """The place of a language among them and in `Words`; that of English if it is not kept."""
    return LANGUAGES.index(lang) if lang in LANGUAGES else 0
