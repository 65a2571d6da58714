"""The words in which a need and a repairer meet, with what they mean."""

import tomllib
from dataclasses import dataclass

from dtc_db.languages import LANGUAGES, Words
from dtc_db.tables import FOLDER


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Every name that a need may use, with its plain words in the order of ``LANGUAGES``."""

    skills: dict[str, Words]
    equipment: dict[str, Words]
    access: dict[str, Words]


def load_vocabulary(name: str = "skills.toml") -> Vocabulary:
    """Read the vocabulary.

    Raises:
        KeyError: If a word lacks one of the languages.
    """
    document = tomllib.loads((FOLDER / name).read_text(encoding="utf-8"))
    english, french, german = LANGUAGES
    return Vocabulary(
        *(
            {
                word: (text[english], text[french], text[german])
                for word, text in document[kind].items()
            }
            for kind in ("skills", "equipment", "access")
        )
    )
