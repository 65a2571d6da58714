from pathlib import Path

import pytest

from gateway.model import Bus, Frame
from gateway.signals import folder as folder_module
from gateway.signals.errors import SignalFileError
from gateway.signals.folder import LIST, SETTLE_S, FileState, SignalFolder, Watch

DBC = """VERSION ""
BS_:
BU_: ECU
BO_ 291 Battery: 8 ECU
 SG_ Charge : 0|8@1+ (FACTOR,0) [0|100] "%" ECU
"""
ENTRY = '[[file]]\npath = "car.dbc"\n[file.names]\nsoc_pct = "Charge"\n'
FRAME = Frame(0.0, 0x123, b"\x64")


def write(folder: Path, *, factor: str = "0.5") -> None:
    (folder / "car.dbc").write_text(DBC.replace("FACTOR", factor), encoding="cp1252")
    (folder / LIST).write_text(ENTRY, encoding="utf-8")


def soc_pct(folder: SignalFolder) -> float | None:
    database = folder.library.find(make=None, model=None, bus=Bus.CAN)
    return None if database is None else database.read([FRAME]).get("soc_pct")


def test_a_change_is_taken_once_it_has_come_to_rest(tmp_path: Path) -> None:
    write(tmp_path)
    folder = SignalFolder(tmp_path)
    assert folder.refresh(now_s=0.0)
    assert soc_pct(folder) == 50.0
    assert not folder.refresh(now_s=10.0)
    write(tmp_path, factor="0.25")
    assert not folder.refresh(now_s=20.0)
    assert soc_pct(folder) == 50.0
    assert folder.refresh(now_s=20.0 + SETTLE_S)
    assert soc_pct(folder) == 25.0
    assert not folder.refresh(now_s=30.0)


def test_a_folder_without_a_list_describes_nothing_until_there_is_one(tmp_path: Path) -> None:
    folder = SignalFolder(tmp_path)
    assert folder.refresh(now_s=0.0)
    assert soc_pct(folder) is None
    write(tmp_path)
    assert not folder.refresh(now_s=1.0)
    assert folder.refresh(now_s=1.0 + SETTLE_S)
    assert soc_pct(folder) == 50.0


def test_a_broken_file_changes_nothing_and_is_not_tried_twice(tmp_path: Path) -> None:
    write(tmp_path)
    folder = SignalFolder(tmp_path)
    folder.refresh(now_s=0.0)
    write(tmp_path, factor="broken")
    folder.refresh(now_s=1.0)
    with pytest.raises(SignalFileError, match=r"car\.dbc: no dbc file"):
        folder.refresh(now_s=1.0 + SETTLE_S)
    assert soc_pct(folder) == 50.0
    assert not folder.refresh(now_s=100.0)
    write(tmp_path)
    folder.refresh(now_s=101.0)
    assert folder.refresh(now_s=101.0 + SETTLE_S)


def test_what_is_missing_or_too_large_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / LIST).write_text(ENTRY, encoding="utf-8")
    with pytest.raises(SignalFileError, match=r"car\.dbc cannot be read"):
        SignalFolder(tmp_path).refresh(now_s=0.0)
    write(tmp_path)
    monkeypatch.setattr(folder_module, "FILE_LENGTH_MAX", 10)
    with pytest.raises(SignalFileError, match="at most 10 bytes"):
        SignalFolder(tmp_path).refresh(now_s=0.0)


def test_files_in_the_code_page_of_makers_tools_are_read(tmp_path: Path) -> None:
    write(tmp_path)
    text = DBC.replace("FACTOR", "0.5") + 'CM_ SG_ 291 Charge "für 20 °C";\n'
    (tmp_path / "car.dbc").write_bytes(text.encode("cp1252"))
    folder = SignalFolder(tmp_path)
    folder.refresh(now_s=0.0)
    assert soc_pct(folder) == 50.0


def test_files_that_keep_changing_are_waited_for() -> None:
    watch = Watch()
    watch.take({})
    for at in range(10):
        assert not watch.is_due({LIST: FileState(at, at)}, now_s=float(at))
    assert watch.is_due({LIST: FileState(9, 9)}, now_s=9.0 + SETTLE_S)
