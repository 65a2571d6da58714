"""`rightbay match`: who may mend this, who may not, and why; nothing is stored."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import typer

from dtc_db.vehicle import Powertrain, VehicleClass
from gateway.model import Status
from rightbay.commands import match_options
from rightbay.commands.match_batch import Share, run_batch
from rightbay.commands.match_case import Asked, decide_asked
from rightbay.commands.match_grounds import Grounds, fetch_directory, read_directory
from rightbay.commands.match_replay import parse_gain, run_replay, run_what_if
from rightbay.commands.options import (
    DataOption,
    JsonOption,
    LangOption,
    MakeOption,
    PowertrainOption,
    VehicleClassOption,
    YearOption,
    kind_of,
)
from rightbay.errors import RecordingError
from rightbay.roads import travel_times
from rightbay.settings import load_settings
from rightbay.supervision.instance import database_url
from routing.canonical import canonical
from routing.decision import Decision
from routing.matching.policy import Policy, load_policy, parse_policy
from routing.matching.principal import parse_principal
from routing.matching.texts import load_texts
from routing.referral import match_document
from routing.replay import record


def match(
    *,
    code: match_options.Code = None,
    at: match_options.At = None,
    when: match_options.When = None,
    vehicle_class: VehicleClassOption = VehicleClass.UNKNOWN,
    powertrain: PowertrainOption = Powertrain.UNKNOWN,
    make: MakeOption = None,
    year: YearOption = None,
    soc: match_options.Soc = None,
    status: match_options.Seen = Status.CONFIRMED,
    policy: match_options.Policy = None,
    repairers: match_options.Repairers = None,
    credentials: match_options.Credentials = None,
    country: match_options.Country = None,
    principal: match_options.Principal = None,
    warranty_until: match_options.WarrantyUntil = None,
    referral: match_options.Referral = "",
    lang: LangOption = "en",
    record_to: match_options.Record = None,
    replay_file: match_options.Replay = None,
    gain: match_options.Gain = None,
    batch: match_options.Batch = None,
    share: match_options.Sharing = Share.ASSIGNED,
    capacity: match_options.Capacity = 1,
    days: match_options.Days = 1,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Rank the repairers who may mend a fault, with a reason for everyone who was weighed."""
    if replay_file is not None:
        _decide_again(replay_file, policy, gain or [])
        return
    if not code and batch is None:
        raise typer.BadParameter(
            "expected --code, such as --code P0AA6, --batch FILE or --replay FILE"
        )
    if credentials is not None and repairers is None:
        raise typer.BadParameter("--credentials belongs to --repairers FILE")
    settings = load_settings(data=data)
    grounds = Grounds(
        principal=None if principal is None else parse_principal(principal.read_text("utf-8")),
        policy=_numbers(policy) or load_policy(),
        directory=read_directory(repairers, credentials, country)
        if repairers is not None
        else asyncio.run(fetch_directory(database_url(settings))),
        decided_at=when or datetime.now(UTC),
    )
    if batch is not None:
        run_batch(batch, grounds, share=share, capacity=capacity, days=days)
        return
    asked = Asked(
        codes=code or [],
        status=status.value,
        vehicle=kind_of(vehicle_class, powertrain, make, year),
        position=at,
        soc_pct=soc,
        warranty_until=warranty_until,
        lang=lang,
        seed=referral,
    )
    decision = decide_asked(asked, grounds, travel_times(settings))
    if record_to is not None:
        _record(record_to, decision, grounds)
    _tell(decision, as_json=as_json)


def _decide_again(file: Path, policy: Path | None, gain: list[str]) -> None:
    if policy is None and not gain:
        run_replay(file)
    else:
        run_what_if(file, _numbers(policy), [parse_gain(text) for text in gain])


def _numbers(policy: Path | None) -> Policy | None:
    return None if policy is None else parse_policy(policy.read_text("utf-8"))


def _record(file: Path, decision: Decision, grounds: Grounds) -> None:
    try:
        with file.open("ab") as out:
            out.write(record(decision, grounds.directory, grounds.policy) + b"\n")
    except OSError as error:
        raise RecordingError(f"cannot write {file}: {error.strerror}") from error


def _tell(decision: Decision, *, as_json: bool) -> None:
    if as_json:
        typer.echo(canonical(match_document(decision)).decode())
        return
    for line in _lines(decision):
        typer.echo(line)


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
