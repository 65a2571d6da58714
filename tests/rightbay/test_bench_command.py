import json
import re

from typer.testing import CliRunner

from gateway.protocols import obd
from rightbay.bench.contenders import CONTENDERS, OURS, forget, is_installed
from rightbay.bench.traffic import make_traffic
from rightbay.bench.turns import compare, time_in_turns
from rightbay.commands.bench import app

SMALL = ["decode", "--messages", "10", "--rounds", "1", "--memory-frames", "2000"]


def test_every_contender_understands_every_message() -> None:
    for is_fresh in (False, True):
        for traffic in make_traffic(12, is_fresh=is_fresh):
            for one in CONTENDERS:
                if traffic.name in one.kinds and is_installed(one):
                    understood = one.prepare(traffic)()
                    assert understood == traffic.answers, (one.name, traffic.name)


def test_the_same_traffic_is_made_every_time() -> None:
    assert make_traffic(10, is_fresh=True) == make_traffic(10, is_fresh=True)
    assert make_traffic(10, is_fresh=True) != make_traffic(10, is_fresh=True, seed=2)


def test_uds_answers_take_ten_frames() -> None:
    uds = next(one for one in make_traffic(5, is_fresh=True) if one.name == "uds")
    assert {len(message) for message in uds.messages} == {10}


def test_what_was_remembered_is_forgotten() -> None:
    traffic = make_traffic(5, is_fresh=False)[0]
    CONTENDERS[0].prepare(traffic)()
    assert obd._known.cache_info().currsize
    forget()
    assert not obd._known.cache_info().currsize


def test_contenders_take_turns_and_the_first_round_does_not_count() -> None:
    order: list[str] = []

    def note(name: str) -> int:
        order.append(name)
        return 1

    names = ("a", "b", "c")
    runs = {name: lambda name=name: note(name) for name in names}
    rates = time_in_turns(runs, rounds=2, before=lambda: order.append("-"))
    assert "".join(order) == "-a-b-c-b-c-a-c-a-b"
    assert {name: len(rates[name]) for name in names} == dict.fromkeys(names, 2)


def test_a_ratio_is_of_the_same_round() -> None:
    ratio = compare([10.0, 30.0, 20.0], [1.0, 1.0, 4.0])
    assert (ratio.median, ratio.low, ratio.high) == (10.0, 5.0, 30.0)


def test_the_table_has_a_row_for_everybody_and_says_who_is_absent() -> None:
    answer = CliRunner().invoke(app, SMALL, catch_exceptions=False)
    assert answer.exit_code == 0
    assert all(one.name in answer.output for one in CONTENDERS)
    assert re.search(r"memory: -?\d+ KiB more after 2,000 frames of 10,000 ids", answer.output)
    document = json.loads(CliRunner().invoke(app, [*SMALL, "--json"]).output)
    kinds = {(row["kind"], row["codes"]) for row in document["rows"]}
    assert ("uds", "known") in kinds
    assert ("uds", "fresh") in kinds
    ours = [row for row in document["rows"] if row["name"] == OURS]
    assert len(ours) == len(kinds)
    assert all(row["slower"] is None for row in ours)
