from pathlib import Path

import pytest

from dtc_db.skills import load_vocabulary

VOCABULARY = load_vocabulary()

# Others build on these names: a word that disappears here breaks their data.
PROMISED = """
    engine.petrol engine.diesel exhaust.aftertreatment transmission brakes brakes.air chassis
    electrics.12v electrics.24v network.diagnostics diagnostics.general body ac.refrigerant
    srs.pyrotechnics adas.calibration hv.aware hv.deenergised hv.isolate hv.live gas.lpg_cng
    hydrogen tachograph security.access truck.general tow.hv
"""


def test_the_promised_skills_stand() -> None:
    assert set(PROMISED.split()) <= set(VOCABULARY.skills)


@pytest.mark.parametrize("kind", ["skills", "equipment", "access"])
def test_each_word_is_explained_in_each_language(kind: str) -> None:
    words: dict[str, tuple[str, str, str]] = getattr(VOCABULARY, kind)
    for name, texts in words.items():
        assert len(set(texts)) == len(texts), name
        assert all(len(text) > len(name) for text in texts) or kind == "equipment", name


def test_the_page_explains_every_word() -> None:
    page = (Path(__file__).parents[2] / "docs" / "skills.md").read_text(encoding="utf-8")
    for words in (VOCABULARY.skills, VOCABULARY.equipment, VOCABULARY.access):
        for name, (english, _, _) in words.items():
            assert f"| `{name}` | {english} |" in page
