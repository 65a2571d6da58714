"""`rightbay match`: who may mend this, who may not, and why; nothing is stored."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from dtc_db.codes import parse_code
from dtc_db.errors import MalformedCodeError
from dtc_db.knowledge import Knowledge
from dtc_db.vehicle import Powertrain, VehicleClass, VehicleKind
from rightbay.commands.match_batch import Share, run_batch
from rightbay.commands.match_replay import parse_gain, run_replay, run_what_if
from rightbay.commands.options import DataOption, JsonOption, parse_place
from rightbay.errors import RecordingError, RefusedRowsError
from rightbay.roads import travel_times
from rightbay.settings import load_settings
from rightbay.supervision.instance import database_url
from routing.cases import ObservedFault, Weighed, join, weigh
from routing.directory.snapshot import Directory
from routing.imports.credentials import read_credentials, with_people
from routing.imports.findings import Verdict
from routing.imports.sites import read_sites
from routing.matching.match import TIME_MAX, TIME_MIN
from routing.matching.policy import Policy, load_policy, parse_policy
from routing.matching.principal import parse_principal
from routing.matching.shortlist import decide_by_road
from routing.matching.texts import LANGUAGES, load_texts
from routing.model import Decision, Position
from routing.referral import canonical, match_document
from routing.replay import record
from routing.visits import decide_visit
from storage.directory import PostgresDirectoryStore
from storage.pool import open_pool


def _moment(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no time such as 2026-11-23T10:00:00Z") from error
    if at.tzinfo is None:
        raise typer.BadParameter(f"{text!r} has no time zone: add Z or +01:00")
    if not TIME_MIN <= at <= TIME_MAX:
        raise typer.BadParameter(f"{text!r} is not within {TIME_MIN.year} to {TIME_MAX.year}")
    return at.astimezone(UTC)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no day such as 2027-03-31") from error


def match(
    *,
    code: Annotated[
        list[str] | None,
        typer.Option(help="A trouble code; repeat it for several.", show_default=False),
    ] = None,
    at: Annotated[
        Position | None,
        typer.Option(parser=parse_place, metavar="LON,LAT", help="Where the vehicle is."),
    ] = None,
    when: Annotated[
        datetime | None,
        typer.Option(parser=_moment, metavar="TIME", help="RFC 3339; now by default."),
    ] = None,
    vehicle_class: Annotated[VehicleClass, typer.Option(help="What kind of vehicle.")] = (
        VehicleClass.UNKNOWN
    ),
    powertrain: Annotated[Powertrain, typer.Option(help="What drives it.")] = Powertrain.UNKNOWN,
    make: Annotated[str | None, typer.Option(help="Who made it.")] = None,
    year: Annotated[int | None, typer.Option(help="Model year.")] = None,
    soc: Annotated[
        float | None,
        typer.Option(min=0, max=100, metavar="PCT", help="What its traction battery still holds."),
    ] = None,
    status: Annotated[
        str, typer.Option(help="pending, stored, confirmed, active or permanent.")
    ] = "confirmed",
    policy: Annotated[
        Path | None,
        typer.Option(help="A ranking policy; ours by default.", exists=True, dir_okay=False),
    ] = None,
    repairers: Annotated[
        Path | None,
        typer.Option(
            help="Choose from this file, not from the running instance.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    credentials: Annotated[
        Path | None,
        typer.Option(help="People and titles for --repairers.", exists=True, dir_okay=False),
    ] = None,
    country: Annotated[
        str | None, typer.Option(metavar="CC", help="Where sites of --repairers lie.")
    ] = None,
    principal: Annotated[
        Path | None,
        typer.Option(help="Whose rules hold: a TOML file.", exists=True, dir_okay=False),
    ] = None,
    warranty_until: Annotated[
        date | None,
        typer.Option(parser=_day, metavar="DATE", help="Last day of the maker's warranty."),
    ] = None,
    referral: Annotated[
        str, typer.Option(metavar="ID", help="Draw the lots of this referral; none by default.")
    ] = "",
    lang: Annotated[str, typer.Option(help="en, fr or de.")] = "en",
    record_to: Annotated[
        Path | None,
        typer.Option("--record", metavar="FILE", help="Add the inputs to FILE, for --replay."),
    ] = None,
    replay_file: Annotated[
        Path | None,
        typer.Option(
            "--replay",
            metavar="FILE",
            help="Decide again from recorded inputs, and say whether it is the same.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    gain: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SITE,SCHEME,TITLE",
            help="With --replay: if somebody there gained this title; --policy asks likewise.",
        ),
    ] = None,
    batch: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Plan many cases at once: JSON lines with id, codes, pos.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    share: Annotated[Share, typer.Option(help="How a batch shares places.")] = Share.ASSIGNED,
    capacity: Annotated[
        int, typer.Option(min=0, help="Cases of a batch at a site that does not say.")
    ] = 1,
    days: Annotated[int, typer.Option(min=1, help="Open days that a batch has.")] = 1,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Rank the repairers who may mend a fault, with a reason for everyone who was weighed."""
    if replay_file is not None:
        if policy is None and not gain:
            run_replay(replay_file)
        else:
            run_what_if(replay_file, _numbers(policy), [parse_gain(text) for text in gain or ()])
        return
    if not code and batch is None:
        raise typer.BadParameter(
            "expected --code, such as --code P0AA6, --batch FILE or --replay FILE"
        )
    if credentials is not None and repairers is None:
        raise typer.BadParameter("--credentials belongs to --repairers FILE")
    if lang not in LANGUAGES:
        raise typer.BadParameter(f"{lang!r} is none of {', '.join(LANGUAGES)}")
    rules = None if principal is None else parse_principal(principal.read_text("utf-8"))
    numbers = _numbers(policy) or load_policy()
    directory = (
        _read(repairers, credentials, country)
        if repairers is not None
        else asyncio.run(_fetch(database_url(load_settings(data=data))))
    )
    decided_at = when or datetime.now(UTC)
    if batch is not None:
        run_batch(batch, directory, numbers, decided_at, rules, share, capacity, days)
        return
    vehicle = VehicleKind(
        vehicle_class=vehicle_class,
        powertrain=powertrain,
        make=make.lower() if make else None,
        model_year=year,
    )
    weighed = _weighed(code or [], vehicle, status, lang)
    joined = partial(
        join,
        weighed,
        case_id="",
        is_registered=True,
        position=at,
        principal=rules,
        warranty_until=warranty_until,
        soc_pct=soc,
    )
    decided = partial(
        decide_by_road,
        directory=directory,
        policy=numbers,
        decided_at=decided_at,
        travel=travel_times(load_settings(data=data)),
        seed=referral,
    )
    decision = decide_visit(weighed, joined=joined, decided=decided)
    if record_to is not None:
        _record(record_to, decision, directory, numbers)
    if as_json:
        typer.echo(canonical(match_document(decision)).decode())
        return
    for line in _lines(decision):
        typer.echo(line)


def _numbers(policy: Path | None) -> Policy | None:
    return None if policy is None else parse_policy(policy.read_text("utf-8"))


def _weighed(codes: list[str], vehicle: VehicleKind, status: str, lang: str) -> Weighed:
    try:
        faults = [ObservedFault(code=parse_code(text), ecu="", status=status) for text in codes]
    except MalformedCodeError as error:
        raise typer.BadParameter(str(error)) from error
    return weigh(faults, vehicle=vehicle, knowledge=Knowledge.load(), lang=lang)


def _read(file: Path, credentials: Path | None, country: str | None) -> Directory:
    """The directory in a file; as with an import, all of it or nothing."""
    found = read_sites(file, country=country)
    findings, sites = [*found.findings], found.sites
    beside = file.with_name(file.name.partition(".")[0] + ".credentials.csv")
    if credentials is None and beside.is_file():
        credentials = beside
    if credentials is not None:
        held = read_credentials(credentials, known_sites={site.site_id for site in sites})
        findings += held.findings
        sites = with_people(sites, held.people)
    refused = [str(each) for each in findings if each.verdict is Verdict.REFUSED]
    if refused:
        raise RefusedRowsError(file.name, refused)
    return Directory(sites, file.name)


async def _fetch(url: str) -> Directory:
    async with open_pool(url, size_max=1) as pool:
        return await PostgresDirectoryStore(pool).fetch_directory()


def _record(file: Path, decision: Decision, directory: Directory, policy: Policy) -> None:
    try:
        with file.open("ab") as out:
            out.write(record(decision, directory, policy) + b"\n")
    except OSError as error:
        raise RecordingError(f"cannot write {file}: {error.strerror}") from error


def _lines(decision: Decision) -> Iterator[str]:
    case, texts = decision.case, load_texts(decision.case.lang)
    for fault in case.faults:
        yield f"{fault.code}  {fault.text}"
    yield f"  urgency   {case.urgency}"
    yield f"  driver    {case.driver_action}"
    yield f"  need      {case.need}"
    for place, offer in enumerate(decision.offers, start=1):
        yield f"{place}. {offer.site.name} ({offer.site.site_id}), {offer.score:g} points"
        for term in offer.terms:
            yield f"     {term.name:<10}{term.points:g} points for {term.value:g}"
        for why in texts.tell_all(offer.why):
            yield f"   + {why}"
    for offer in decision.free_choice:
        yield f"o  {offer.site.name} ({offer.site.site_id}), {offer.score:g} points"
        for why in texts.tell_all(offer.why):
            yield f"   + {why}"
    for one in decision.excluded:
        distance, why = texts.distance(one.distance_m), texts.tell(one.why)
        yield f"- {one.site.name} ({one.site.site_id}), {distance}: {why}"
    for notice in texts.tell_all(decision.notices):
        yield f"! {notice}"
