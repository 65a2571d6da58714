import json
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import can
import pytest
import typer
from typer.testing import CliRunner

from rightbay.commands.decode import decode
from rightbay.errors import RecordingError

LOGS = Path(__file__).parents[2].parent / "shared" / "data" / "logs"
KEYS = ("t", "bus", "id", "protocol", "service", "payload", "codes", "rejected")
CAR = """\
(0.000000) can0 7DF#0103000000000000
(0.012000) can0 7E8#0443010128AAAAAA
(0.020000) can0 0C9#0102030405060708
(0.030000) can0 7DF#R
"""

Line = dict[str, object]


def run(arguments: Sequence[str], *, text: str = "") -> list[Line]:
    app = typer.Typer()
    app.command()(decode)
    result = CliRunner().invoke(app, list(arguments), input=text, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def refused(arguments: Sequence[str]) -> int:
    app = typer.Typer()
    app.command()(decode)
    return CliRunner().invoke(app, list(arguments)).exit_code


def check(arguments: Sequence[str], expected: Line) -> None:
    """Expect one line that has at least these keys and values, and all the stable keys."""
    (line,) = run(arguments)
    assert tuple(line)[: len(KEYS)] == KEYS
    assert {key: line.get(key) for key in expected} == expected


@pytest.fixture
def car(tmp_path: Path) -> Path:
    path = tmp_path / "car.log"
    path.write_text(CAR)
    return path


def test_a_recording_becomes_one_line_for_each_diagnostic_message(car: Path) -> None:
    (line,) = run([str(car)])
    assert line == {
        "t": 0.012,
        "bus": "can0",
        "id": "7E8",
        "protocol": "obd",
        "service": "03",
        "payload": "43010128",
        "codes": [{"code": "P0128"}],
        "rejected": None,
        "ecu": "7E8",
        "outcome": "codes",
    }
    assert run(["-"], text=CAR) == [line]


def test_with_transport_every_reassembled_payload_is_printed(car: Path) -> None:
    request, answer = run([str(car), "--transport"])
    assert (request["id"], request["payload"], request["service"]) == ("7DF", "03", None)
    assert answer["service"] == "03"


def test_lines_of_several_recordings_name_their_file(car: Path) -> None:
    assert {line["file"] for line in run([str(car), str(car)])} == {str(car)}
    assert "file" not in run([str(car)])[0]


@pytest.mark.parametrize(
    "suffix",
    [".asc", ".asc.gz", ".blf", ".csv", ".csv.gz", ".db", ".log", ".log.gz", ".mf4", ".trc"],
)
def test_every_format_of_the_logger_is_read(tmp_path: Path, suffix: str) -> None:
    if suffix == ".mf4" and find_spec("asammdf") is None:
        pytest.skip("NOT RUN: MF4 needs the extra mf4 (asammdf), which is not installed")
    path = tmp_path / f"car{suffix}"
    with can.Logger(path) as logger:
        logger.on_message_received(
            can.Message(
                timestamp=1.0,
                arbitration_id=0x7E8,
                data=bytes.fromhex("0443010128AAAAAA"),
                is_extended_id=False,
                channel=0,
            )
        )
    (line,) = run([str(path)])
    assert (line["id"], line["codes"]) == ("7E8", [{"code": "P0128"}])


def test_mf4_without_its_package_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("can.io.mf4.asammdf", None)
    (tmp_path / "car.mf4").write_bytes(b"MDF     4.10    ")
    with pytest.raises(RecordingError, match=r"\.mf4 with asammdf.+not found"):
        run([str(tmp_path / "car.mf4")])


def test_a_transfer_that_does_not_end_is_a_line_with_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "cut.log"
    path.write_text("(1.0) can0 7E8#1008430301200121\n(1.1) can1 18ECFF00#200A0002FFCAFE00\n")
    first, second = run([str(path)])
    assert (first["rejected"], first["protocol"], first["ecu"]) == ("truncated", "isotp", "7E8")
    assert (second["rejected"], second["protocol"]) == ("truncated", "j1939")
    assert first["payload"] == "430301200121"


@pytest.mark.parametrize(
    ("text", "can_id", "payload"),
    [
        ("43010128", None, "43010128"),
        ("43 01 01 28", None, "43010128"),
        ("7E8 43010128", "7E8", "43010128"),
        ("7e8 43 01 01 28", "7E8", "43010128"),
        ("  18DAF110\t43010128 ", "18DAF110", "43010128"),
        ("10 43010128", "10", "43010128"),
    ],
)
def test_bytes_may_be_written_apart(text: str, can_id: str | None, payload: str) -> None:
    (line,) = run(["--payload", "-", "--protocol", "obd"], text=text + "\n")
    assert (line["id"], line["payload"]) == (can_id, payload)
    assert line["codes"] == [{"code": "P0128"}]


def test_one_message_is_read_as_the_protocol_that_is_named() -> None:
    check(
        ["--payload", "5902CFC4058108", "--protocol", "uds", "--id", "7e8"],
        {
            "t": None,
            "id": "7E8",
            "protocol": "uds",
            "service": "19 02",
            "codes": [{"code": "U0405-81", "dtc": "C40581", "status": "08"}],
            "availability": "CF",
            "ecu": "7E8",
        },
    )
    check(
        ["--payload", "41018307FF00", "--protocol", "obd"],
        {"service": "01", "mil": True, "count": 3, "codes": [], "rejected": None},
    )
    check(
        ["--payload", "43010301040105", "--protocol", "kline"],
        {"protocol": "kline", "codes": [{"code": "P0103"}, {"code": "P0104"}, {"code": "P0105"}]},
    )
    check(
        ["--payload", "07FF61020901FFFF", "--protocol", "j1939", "--pgn", "FECA"],
        {
            "service": "DM1",
            "codes": [{"code": "SPN 609 FMI 9", "spn": 609, "fmi": 9, "oc": 1, "cm": 0}],
            "lamps": {"mil": "off", "rsl": "off", "awl": "on", "pl": "not_supported"},
        },
    )
    check(
        ["--payload", "5942FFFFFF02A061021308", "--protocol", "wwh"],
        {
            "protocol": "wwh",
            "codes": [
                {
                    "code": "SPN 609 FMI 19",
                    "dtc": "610213",
                    "spn": 609,
                    "fmi": 19,
                    "status": "08",
                    "severity": "A0",
                }
            ],
        },
    )


def test_what_is_known_of_single_codes_is_printed() -> None:
    (line,) = run(["--payload", "590412345624 02 01 4711AA", "--protocol", "uds"])
    (code,) = line["codes"] if isinstance(line["codes"], list) else []
    assert code["records"] == [{"kind": "snapshot", "number": 2, "raw": "4711AA"}]
    (line,) = run(["--payload", "5914123456BC", "--protocol", "uds"])
    assert line["codes"] == [{"code": "P1234-56", "dtc": "123456", "fault_counter": -68}]
    (line,) = run(["--payload", "5955330112345608", "--protocol", "wwh"])
    assert line["rejected"] == "length"
    (line,) = run(["--payload", "595533FF0112345608", "--protocol", "wwh"])
    assert line["codes"] == [{"code": "0x123456", "dtc": "123456", "status": "08"}]


def test_an_old_spn_packing_is_marked_until_it_is_set() -> None:
    arguments = ["--payload", "00FF34124381FFFF", "--protocol", "j1939", "--id", "18FECA00"]
    (unset,), (is_set,) = run(arguments), run([*arguments, "--conversion", "2"])
    assert isinstance(unset["codes"], list)
    assert isinstance(is_set["codes"], list)
    assert unset["codes"][0]["uncertain"] is True
    assert "uncertain" not in is_set["codes"][0]
    assert (unset["ecu"], is_set["codes"][0]["spn"]) == ("SA 00", 0x12 << 11 | 0x34 << 3 | 2)


@pytest.mark.parametrize(
    ("payload", "protocol", "rejected"),
    [
        ("43010301040105", "obd", "ambiguous"),
        ("5902", "uds", "length"),
        ("5930FF", "uds", "not_supported"),
        ("7F1911", "uds", "refused"),
        ("7F1978", "uds", "busy"),
        ("62F190", "obd", "not_supported"),
        ("00FF00000000FFFF", "j1939", "bad_frame"),
        ("4", "obd", "bad_frame"),
        ("", "obd", "not_supported"),
    ],
)
def test_what_lists_no_codes_never_looks_like_an_empty_list(
    payload: str, protocol: str, rejected: str
) -> None:
    check(
        ["--payload", payload, "--protocol", protocol],
        {"codes": [], "rejected": rejected, "payload": payload},
    )


def test_lines_of_input_become_lines_of_output_in_order() -> None:
    lines = run(
        ["--payload", "-", "--protocol", "obd"],
        text="7E8 43010128\nzz\n\n7E9 4300\n43010301040105\n",
    )
    assert [line["id"] for line in lines] == ["7E8", None, None, "7E9", None]
    assert [line["rejected"] for line in lines] == [
        None,
        "bad_frame",
        "not_supported",
        None,
        "ambiguous",
    ]
    assert {line["protocol"] for line in lines} == {"obd"}


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["a.log", "--payload", "43"],
        ["--payload", "43"],
        ["--payload", "43", "--protocol", "can"],
        ["--payload", "43", "--protocol", "j1939", "--pgn", "zz"],
        ["a.log", "--bus", "kline"],
        ["a.log", "--answer-id", "zz"],
        ["a.log", "--conversion", "4"],
    ],
)
def test_wrong_usage_ends_with_2(arguments: list[str]) -> None:
    assert refused(arguments) == 2


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("absent.log", None),
        ("text.txt", "x"),
        ("broken.log", "(1.0) can0 7E8\n"),
        ("e.csv", "x,y\n1,2\n"),
    ],
)
def test_what_is_no_recording_is_named_with_the_reason(
    tmp_path: Path, name: str, content: str | None
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_text(content)
    with pytest.raises(RecordingError, match=name):
        run([str(path)])


def test_a_file_with_more_channels_than_any_logger_has_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "channels.log"
    path.write_text("".join(f"(1.0) can{number} 7E8#024300\n" for number in range(300)))
    with pytest.raises(RecordingError, match="channels"):
        run([str(path)])


def test_further_ids_and_damaged_answers_are_told(tmp_path: Path) -> None:
    path = tmp_path / "car.log"
    path.write_text("(1.0) can0 123#0743010301040105\n(1.1) can0 123#045902FF12\n")
    assert run([str(path)]) == []
    lines = run([str(path), "--answer-id", "123"])
    assert [(one["service"], one["rejected"]) for one in lines] == [
        ("03", "ambiguous"),
        ("19 02", "length"),
    ]


def test_all_that_one_code_can_have_is_printed() -> None:
    (line,) = run(["--payload", "610213017FFF", "--protocol", "j1939", "--pgn", "A300"])
    assert isinstance(line["codes"], list)
    assert line["codes"][0]["lamps"]["mil"] == "on"
    assert "ecu" not in line
    settings_free = "5906123456200102"
    (line,) = run(["--payload", settings_free, "--protocol", "uds"])
    assert isinstance(line["codes"], list)
    assert line["codes"][0]["records"] == [{"kind": "extended", "number": 1, "raw": "02"}]
    calibrations = "490402" + b"A".ljust(16, b"\0").hex() + b"B".ljust(16, b"\0").hex()
    (line,) = run(["--payload", calibrations, "--protocol", "obd"])
    assert line["identity"] == {"calibration_id": ["A", "B"]}


def test_nothing_is_printed_if_one_of_the_recordings_is_absent(car: Path) -> None:
    app = typer.Typer()
    app.command()(decode)
    result = CliRunner().invoke(app, [str(car), str(car.with_name("absent.log"))])
    assert (result.exit_code, result.stdout) == (1, "")


@pytest.mark.parametrize(
    ("name", "count"), [("truck_dm1_bam.log", 30), ("mercedes_cla250_obd.log", 1)]
)
def test_real_recordings_are_read_whole(name: str, count: int) -> None:
    if not (LOGS / name).exists():
        pytest.skip(f"NOT RUN: ../shared/data/logs/{name} is not beside this checkout")
    lines = run([str(LOGS / name)])
    assert len(lines) == count
    assert {line["rejected"] for line in lines} == {None}
