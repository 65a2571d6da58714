"""The situations of docs/schemes.md: each line of the page is a test, read as it stands."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from routing.competence.catalogue import Role
from routing.competence.held import Member, assistants, earliest_end, roster, team_evidence
from routing.model import Absence, Credential, Person, Position, Site
from routing.testing import LONG_AGO

PAGE = Path(__file__).parents[2].joinpath("docs", "schemes.md").read_text("utf-8")
PLACES = {
    "FR": (Position(2.35, 48.85), "Europe/Paris", "fr-nf-c-18-550"),
    "DE": (Position(13.4, 52.5), "Europe/Berlin", "de-dguv-209-093"),
    "AT": (Position(16.37, 48.2), "Europe/Vienna", "at-ove-r19"),
    "CH": (Position(7.45, 46.95), "Europe/Zurich", "ch-hv"),
    "LI": (Position(9.52, 47.14), "Europe/Vaduz", "ch-hv"),
    "GB": (Position(-1.5, 52.4), "Europe/London", "uk-imi-techsafe"),
    "US": (Position(-74.0, 40.7), "America/New_York", "us-ase"),
    "": (Position(2.35, 48.85), "Europe/Paris", ""),
}
USUAL = "2026-11-23 10:00"
JOBS = {
    "near": {"hv.aware"},
    "off": {"hv.isolate", "hv.deenergised"},
    "live": {"hv.isolate", "hv.deenergised", "hv.live"},
}
NONE = "\u2013"


@dataclass(frozen=True)
class Situation:
    name: str
    site: Site
    at: datetime
    expected: list[str]


def situations() -> list[Situation]:
    table = PAGE.split("## Situations")[1]
    lines = [line for line in table.splitlines() if line.startswith("| ")][1:]
    return [situation(*map(str.strip, line.strip("|").split("|"))) for line in lines]


def situation(name: str, where: str, people: str, arrives: str, *expected: str) -> Situation:
    country = where.strip(NONE)
    position, zone, _ = PLACES[country]
    local = datetime.strptime(arrives or USUAL, "%Y-%m-%d %H:%M").replace(tzinfo=ZoneInfo(zone))
    site = Site(
        site_id="x",
        name="x",
        position=position,
        country=country,
        people=tuple(person(text, country) for text in people.split("<br>") if text != NONE),
    )
    return Situation(name, site, local.astimezone(UTC), list(expected))


def person(text: str, country: str) -> Person:
    number, _, rest = text.partition(": ")
    titles, _, known = rest.partition(" (")
    fields: dict[str, object] = {}
    match known.rstrip(")").split(" ", 1):
        case [""]:
            pass
        case ["away", days]:
            fields["absences"] = (Absence(*map(date.fromisoformat, days.split(".."))),)
        case ["at", employer]:
            fields["employer"] = employer
        case ["from" | "until" as which, day]:
            fields[f"employed_{which}"] = date.fromisoformat(day)
        case _:
            fields["hours"] = known.rstrip(")")
    credentials = [credential(title, country) for title in titles.split(" + ") if title != NONE]
    return Person(number=int(number), credentials=tuple(credentials), **fields)  # type: ignore[arg-type] # read from text


def credential(text: str, country: str) -> Credential:
    title, _, known = text.rstrip("]").partition(" [")
    abroad = re.fullmatch(r"([A-Z]{2}) (.+)", title)
    if abroad and abroad[1] in PLACES:
        country, title = abroad[1], abroad[2]
    fields: dict[str, object] = {"valid_from": LONG_AGO, "valid_until": None}
    match known.split(" "):
        case [""]:
            pass
        case ["revoked"]:
            fields["is_revoked"] = True
        case ["revoked", day]:
            fields["revoked_on"] = date.fromisoformat(day)
        case ["suspended"]:
            fields["is_suspended"] = True
        case ["for", employer]:
            fields["employer"] = employer
        case [days]:
            first, last = days.split("..")
            fields["valid_from"] = date.fromisoformat(first) if first else LONG_AGO
            fields["valid_until"] = date.fromisoformat(last) if last else None
    return Credential(scheme=PLACES[country][2], title=title, **fields)  # type: ignore[arg-type] # read from text


def numbers(members: tuple[Member, ...], skill: str, *roles: Role) -> str:
    able = [one for one in members if any(one.may(role, skill) for role in roles)]
    return " ".join(str(one.person) for one in able) or NONE


def answer(site: Site, at: datetime) -> list[str]:
    members = roster(site, day=at.date(), at=at)
    held = team_evidence(site, day=at.date(), at=at)
    jobs = [job for job, skills in JOBS.items() if skills <= held.keys()]
    end = earliest_end([held[skill] for skill in JOBS[jobs[-1]]]) if jobs else None
    helping = {
        number
        for skill in ("hv.deenergised", "hv.live", "tow.hv")
        for number in assistants(members, skill)
    }
    return [
        numbers(members, "hv.isolate", Role.ISOLATE),
        numbers(members, "hv.deenergised", Role.WORK),
        numbers(members, "hv.live", Role.WORK),
        numbers(members, "tow.hv", Role.TOW),
        " ".join(map(str, sorted(helping))) or NONE,
        ", ".join(jobs) or NONE,
        end.isoformat() if end else NONE,
    ]


SITUATIONS = situations()


def test_the_page_has_many_situations_each_told_once() -> None:
    assert len(SITUATIONS) >= 60
    assert len({one.name for one in SITUATIONS}) == len(SITUATIONS)


@pytest.mark.parametrize("one", SITUATIONS, ids=lambda one: one.name)
def test_the_people_who_are_there_may_do_what_the_page_says(one: Situation) -> None:
    assert answer(one.site, one.at) == one.expected
