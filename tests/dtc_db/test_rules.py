from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtc_db.codes import J1939Dtc, J2012Dtc, parse_code
from dtc_db.errors import MalformedRuleError
from dtc_db.knowledge import Knowledge
from dtc_db.own_rules import Effect, OwnRule, rules_digest
from dtc_db.rules import Judgement, Role, Rules, Sign, Spoken, apply
from dtc_db.urgency import RANK, Urgency
from dtc_db.vehicle import Powertrain, VehicleKind

AT = datetime(2026, 5, 4, 12, tzinfo=UTC)
RULES = Rules.load()
KNOWLEDGE = Knowledge.load()
SYMPTOMS = {symptom.name for symptom in RULES.tables.symptoms}


def own(effect: str, pattern: str, **fields: str) -> OwnRule:
    urgency = fields.pop("to", "")
    return OwnRule(
        effect=Effect(effect),
        pattern=pattern,
        by=fields.pop("by", "a fleet manager"),
        at=AT,
        urgency=Urgency(urgency) if urgency else None,
        **fields,
    )


def judge(
    *codes: str,
    rules: Rules = RULES,
    make: str | None = None,
    powertrain: str = "unknown",
    unit: str = "",
    fleet: str = "",
    symptoms: tuple[str, ...] = (),
) -> Judgement:
    vehicle = VehicleKind(make=make, powertrain=Powertrain(powertrain))
    signs = [
        Sign(code, KNOWLEDGE.assess(code, vehicle).urgency, AT) for code in map(parse_code, codes)
    ]
    return apply(signs, vehicle, rules, unit=unit, fleet=fleet, symptoms=symptoms)


def roles(judgement: Judgement) -> str:
    return " ".join(f"{fault.code}:{fault.role}".replace(" ", "_") for fault in judgement.faults)


@pytest.mark.parametrize(
    ("codes", "finding", "causes", "follows"),
    [
        ("P0300 P0171 P0174", "intake_leak", "P0171 P0174", "P0300"),
        ("P0171 P0174", "intake_leak", "P0171 P0174", ""),
        (
            "U0100 U0101 U0121 U0140 P0562",
            "communication_storm",
            "P0562",
            "U0100 U0101 U0121 U0140",
        ),
        (
            "609/9 51/9 190/9 639/19 168/1",
            "communication_storm",
            "168/1",
            "609/9 51/9 190/9 639/19",
        ),
        ("U0001 U0100 U0121", "bus_down", "U0001", "U0100 U0121"),
        ("P0A94 P0562 U0100", "dcdc_down", "P0A94", "P0562 U0100"),
        ("P0302 P0420", "misfire_before_catalyst", "P0302", "P0420"),
        ("P0651 P0122 P2127", "sensor_supply", "P0651", "P0122 P2127"),
        ("P0700 P0733", "gearbox_points_elsewhere", "P0733", "P0700"),
        ("C0031 U0415 P0500", "wheel_speed_spreads", "C0031", "U0415 P0500"),
        ("U0126 U0416", "steering_angle_spreads", "U0126", "U0416"),
        ("U3511 P0AA2", "interlock_opens_contactors", "U3511", "P0AA2"),
        ("P204F P20EE", "reductant_before_catalyst", "P204F", "P20EE"),
    ],
)
def test_faults_that_belong_together_are_one_finding(
    codes: str, finding: str, causes: str, follows: str
) -> None:
    judgement = judge(*codes.split())
    (found,) = judgement.findings
    assert found.name == finding
    place = {str(fault.code): index for index, fault in enumerate(judgement.faults)}
    assert found.causes == tuple(place[str(parse_code(text))] for text in causes.split())
    assert found.follows == tuple(place[str(parse_code(text))] for text in follows.split())
    assert {str(f.code) for f in judgement.faults if f.role is Role.FOLLOWS} == {
        str(parse_code(text)) for text in follows.split()
    }


@pytest.mark.parametrize(
    "codes",
    [
        "P0300 P0171",  # one lean bank is no common leak
        "U0100 U0101 U0121 P0562",  # three may have a cable of their own to blame
        "U0100 U0101 U0121 U0140",  # nothing says that the voltage fell
        "609/9 51/9 190/9 639/19 168/0",  # too high is not too low
        "P0700",
        "P0420",
        "P0641",
    ],
)
def test_what_is_not_complete_is_not_combined(codes: str) -> None:
    judgement = judge(*codes.split())
    assert judgement.findings == ()
    assert {fault.role for fault in judgement.faults} == {Role.CAUSE}


def storm(*onsets_s: float | None) -> str:
    """The parts that control units play which lost each other so long after the voltage fell."""
    signs = [Sign(parse_code("P0562"), Urgency.SOON, AT)]
    for number, onset_s in enumerate(onsets_s):
        at = None if onset_s is None else AT + timedelta(seconds=onset_s)
        signs.append(Sign(parse_code(f"U01{number:02}"), Urgency.SOON, at))
    return " ".join(fault.role for fault in apply(signs, VehicleKind(), RULES).faults)


@pytest.mark.parametrize(
    ("code", "urgency", "speed_kmh", "expected"),
    [
        ("C0077", "soon", 90, "limp"),
        ("C0077", "soon", 59, "soon"),
        ("C0077", "soon", None, "soon"),
        ("C0077", "tow", 90, "tow"),
        ("SPN 146 FMI 1", "limp", 80, "stop_now"),
        ("C060F", "tow", 12, "stop_now"),
        ("C060F", "tow", 0, "tow"),
        ("P0420", "next_service", 200, "next_service"),
    ],
)
def test_some_faults_weigh_more_in_motion_and_none_less(
    code: str, urgency: str, speed_kmh: float | None, expected: str
) -> None:
    sign = Sign(parse_code(code), Urgency(urgency))
    (fault,) = apply([sign], VehicleKind(), RULES, speed_kmh=speed_kmh).faults
    assert fault.urgency == expected
    assert bool(fault.because) is (urgency != expected)


def test_what_was_lost_long_before_the_voltage_fell_does_not_follow_from_it() -> None:
    assert storm(0, 600, -600, 1, -601) == "cause follows follows follows follows cause"
    assert storm(0, 600, -600, -601) == "cause cause cause cause cause", "three are too few"


def test_nothing_follows_if_nobody_knows_when_it_came_on() -> None:
    assert storm(None, None, None, None) == "cause cause cause cause cause"


def test_codes_of_no_known_format_lose_nobody() -> None:
    raw = ("0xC10000", "0xC12100", "0xC14000", "0xC15500")
    assert {fault.role for fault in judge("P0562", *raw).faults} == {Role.CAUSE}


def test_an_order_of_work_may_be_told_without_setting_anything_aside() -> None:
    judgement = judge("P0299", "P2463")
    assert [finding.name for finding in judgement.findings] == ["soot_from_air_path"]
    assert roles(judgement) == "P0299:cause P2463:cause"


def test_what_follows_keeps_its_urgency() -> None:
    judgement = judge("P0420", "P0302", "U0100", "U0121", "U0001")
    assert judgement.urgency is Urgency.LIMP, "the engine's control unit is silent"
    assert judge("P0A0A", "P0AA2").urgency is Urgency.TOW


@pytest.mark.parametrize(
    ("code", "make", "role", "urgency"),
    [
        ("P1000", "Ford", Role.NOT_A_FAULT, Urgency.INFO),
        ("P1000", "kia", Role.CAUSE, Urgency.UNKNOWN),
        ("P1000", None, Role.CAUSE, Urgency.UNKNOWN),
        ("P1684", "JEEP", Role.NOT_A_FAULT, Urgency.INFO),
        ("P1684", "vw", Role.CAUSE, Urgency.UNKNOWN),
    ],
)
def test_a_code_that_is_no_fault_is_so_for_its_make_only(
    code: str, make: str | None, role: Role, urgency: Urgency
) -> None:
    (fault,) = judge(code, make=make).faults
    assert (fault.role, fault.urgency) == (role, urgency)


def test_what_a_unit_provokes_is_set_aside_for_units_of_its_kind() -> None:
    assert roles(judge("U0198", unit="retrofit-7")) == "U0198:induced"
    assert roles(judge("U0198", unit="box-7")) == "U0198:cause"


@pytest.mark.parametrize("urgency", [Urgency.STOP_NOW, Urgency.TOW, Urgency.LIMP, Urgency.UNKNOWN])
def test_a_grave_code_is_never_called_induced(urgency: Urgency) -> None:
    signs = [Sign(parse_code("U0198"), urgency)]
    (fault,) = apply(signs, VehicleKind(), RULES, unit="retrofit-7").faults
    assert fault.role is Role.CAUSE
    (control,) = apply(
        [Sign(parse_code("U0198"), Urgency.SOON)], VehicleKind(), RULES, unit="retrofit-7"
    ).faults
    assert control.role is Role.INDUCED


@pytest.mark.parametrize(
    ("rule", "code", "make", "role", "urgency"),
    [
        (own("ignore", "P0420"), "P0420-11", None, Role.IGNORED, "next_service"),
        (own("ignore", "P0420", make="vw"), "P0420", "Volkswagen", Role.IGNORED, "next_service"),
        (own("ignore", "P0420", make="vw"), "P0420", "audi", Role.CAUSE, "next_service"),
        (own("ignore", "P04*", fleet="north"), "P0420", None, Role.CAUSE, "next_service"),
        (own("raise", "P0420", to="soon"), "P0420", None, Role.CAUSE, "soon"),
        (own("raise", "P0420", to="info"), "P0420", None, Role.CAUSE, "next_service"),
        (
            own("lower", "P0300..P030C", to="next_service"),
            "P0301",
            None,
            Role.CAUSE,
            "next_service",
        ),
        (own("lower", "P0420", to="soon"), "P0420", None, Role.CAUSE, "next_service"),
        (own("lower", "P0AA6", to="info"), "P0AA6", None, Role.CAUSE, "tow"),
        (own("ignore", "P0AA6"), "P0AA6", None, Role.CAUSE, "tow"),
        (own("ignore", "P0524"), "P0524", None, Role.CAUSE, "stop_now"),
        (own("ignore", "SPN 520200 FMI *"), "520200/5", None, Role.IGNORED, "unknown"),
    ],
)
def test_a_customers_own_rule_changes_what_it_may(
    rule: OwnRule, code: str, make: str | None, role: Role, urgency: str
) -> None:
    (fault,) = judge(code, make=make, rules=RULES.with_own([rule])).faults
    assert (fault.role, fault.urgency) == (role, Urgency(urgency))
    assert bool(fault.because) == (make != "audi" and not rule.fleet)


def test_a_rule_that_may_not_speak_says_so() -> None:
    (fault,) = judge("P0AA6", rules=RULES.with_own([own("ignore", "P0AA6")])).faults
    assert "never talked down" in fault.because[0]
    assert "by a fleet manager on 2026-05-04" in fault.because[0]


def test_a_rule_is_told_whole_and_whether_it_was_applied() -> None:
    ignore, rename = own("ignore", "P0AA6"), own("rename", "P0AA6", text="insulation")
    (fault,) = judge("P0AA6", rules=RULES.with_own([ignore, rename])).faults
    assert set(fault.spoken) == {
        Spoken(ignore, is_applied=False),
        Spoken(rename, is_applied=True),
    }
    assert judge("P0420", rules=RULES.with_own([ignore])).faults[0].spoken == ()


def test_rules_have_the_same_digest_only_if_they_say_the_same() -> None:
    one, other = own("ignore", "P0420", rule_id="1"), own("ignore", "P0430", rule_id="2")
    assert rules_digest([one, other]) == rules_digest([other, one])
    assert rules_digest([one]) != rules_digest([one, other])
    for changed in (
        replace(one, by="another"),
        replace(one, because="x"),
        replace(one, make="kia"),
        replace(one, fleet="north"),
        replace(one, at=AT + timedelta(microseconds=1)),
    ):
        assert rules_digest([changed]) != rules_digest([one]), changed


def test_the_most_exact_rule_speaks_and_a_name_is_given_besides() -> None:
    rules = RULES.with_own(
        [
            own("ignore", "P04*"),
            own("raise", "P0420", to="limp", make="kia"),
            own("raise", "P0420", to="soon"),
            own("rename", "P04*", text="wide"),
            own("rename", "P0420", text="narrow"),
        ]
    )
    (fault,) = judge("P0420", make="kia", rules=rules).faults
    assert (fault.urgency, fault.text, fault.role) == (Urgency.LIMP, "narrow", Role.CAUSE)
    (fault,) = judge("P0420", rules=rules).faults
    assert fault.urgency is Urgency.SOON


def test_a_rule_of_one_fleet_does_not_reach_another() -> None:
    rules = RULES.with_own([own("ignore", "P0420", fleet="north")])
    assert roles(judge("P0420", rules=rules, fleet="north")) == "P0420:ignored"
    assert roles(judge("P0420", rules=rules, fleet="south")) == "P0420:cause"


def test_what_is_ignored_explains_nothing() -> None:
    rules = RULES.with_own([own("ignore", "P0562")])
    assert judge("P0562", "U0100", "U0101", "U0121", "U0140", rules=rules).findings == ()


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"effect": "ignore", "pattern": "P*"}, "no pattern"),
        ({"effect": "raise", "pattern": "P0420"}, "need an urgency"),
        ({"effect": "ignore", "pattern": "P0420", "to": "soon"}, "nothing else takes one"),
        ({"effect": "lower", "pattern": "P0420", "to": "unknown"}, "no urgency to lower to"),
        ({"effect": "rename", "pattern": "P0420"}, "needs a text"),
        ({"effect": "ignore", "pattern": "P0420", "text": "x"}, "nothing else takes one"),
        ({"effect": "ignore", "pattern": "P0420", "by": " "}, "name of who made it"),
        ({"effect": "rename", "pattern": "P0420", "text": "x" * 400}, "at most 300"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(fields: dict[str, str], reason: str) -> None:
    with pytest.raises(MalformedRuleError, match=reason):
        own(**fields)


def test_a_rule_needs_a_time_with_its_zone() -> None:
    with pytest.raises(ValueError, match="zone"):
        OwnRule(effect=Effect.IGNORE, pattern="P0420", by="x", at=datetime(2026, 1, 1))  # noqa: DTZ001 - the mistake that is refused


@pytest.mark.parametrize(
    ("symptom", "powertrain", "skills", "urgency"),
    [
        ("brake_pedal_soft", "petrol", "brakes", "stop_now"),
        ("collision", "bev", "hv.live", "tow"),
        ("collision", "petrol", "srs.pyrotechnics", "tow"),
        ("flooded", "unknown", "hv.live", "tow"),
        ("smoke", "hybrid", "hv.live", "stop_now"),
        ("cabin_not_cooled", "petrol", "ac.refrigerant", "next_service"),
    ],
)
def test_what_a_person_notices_asks_for_work_of_its_own(
    symptom: str, powertrain: str, skills: str, urgency: str
) -> None:
    judgement = judge("P0420", powertrain=powertrain, symptoms=(symptom, "no such thing"))
    (finding,) = judgement.findings
    assert finding.urgency is Urgency(urgency)
    assert judgement.urgency is Urgency(urgency)
    vehicle = VehicleKind(powertrain=Powertrain(powertrain))
    assert skills in str(KNOWLEDGE.need_of(finding.trade, vehicle, finding.urgency))


def test_findings_are_told_in_three_languages() -> None:
    (finding,) = judge("P0171", "P0174").findings
    assert len({finding.text(lang) for lang in ("en", "fr", "de")}) == 3
    assert finding.text("xx") == finding.text("en")


@given(
    st.lists(
        st.builds(
            Sign,
            st.builds(J2012Dtc, st.integers(0, 0xFFFF), st.none() | st.integers(0, 0xFF))
            | st.builds(J1939Dtc, st.integers(0, 0x7FFFF), st.integers(0, 31)),
            st.sampled_from(Urgency),
            st.none() | st.just(AT) | st.just(AT + timedelta(days=1)),
        ),
        max_size=20,
    ),
    st.lists(st.sampled_from(sorted(SYMPTOMS)), max_size=3),
    st.text(max_size=5),
    st.none() | st.floats(0, 400),
)
def test_no_faults_raise_and_none_gets_lost_or_talked_down(
    signs: list[Sign], symptoms: list[str], text: str, speed_kmh: float | None
) -> None:
    rules = RULES.with_own([own("ignore", "P03*"), own("lower", "U0100..U02FF", to="info")])
    judgement = apply(
        signs,
        VehicleKind(make=text),
        rules,
        unit=text,
        fleet=text,
        symptoms=symptoms,
        speed_kmh=speed_kmh,
    )
    assert [fault.code for fault in judgement.faults] == [sign.code for sign in signs]
    for sign, fault in zip(signs, judgement.faults, strict=True):
        if sign.urgency in {Urgency.STOP_NOW, Urgency.TOW}:
            assert fault.role in {Role.CAUSE, Role.FOLLOWS}
            assert RANK[fault.urgency] <= RANK[sign.urgency]
    for finding in judgement.findings:
        for place in (*finding.causes, *finding.follows):
            assert 0 <= place < len(signs)
    grave = [sign.urgency for sign in signs if sign.urgency in {Urgency.STOP_NOW, Urgency.TOW}]
    if grave:
        assert RANK[judgement.urgency] <= min(RANK[urgency] for urgency in grave)


def test_a_revised_answer_says_what_to_do_for_its_new_urgency() -> None:
    vehicle = VehicleKind(powertrain=Powertrain.BEV)
    first = KNOWLEDGE.assess(parse_code("C0031"), vehicle, lang="de")
    revised = KNOWLEDGE.revise(
        first, vehicle, urgency=Urgency.TOW, text="Radsensor", because=["own rule"], lang="de"
    )
    assert (revised.text, revised.urgency) == ("Radsensor", Urgency.TOW)
    assert revised.driver_action != first.driver_action
    assert revised.need.recovery == {"tow.hv"}
    assert revised.need.skills == first.need.skills
    assert revised.why == (*first.why, "own rule")
    same = KNOWLEDGE.revise(first, vehicle, urgency=first.urgency, lang="de")
    assert same == first


def test_a_truck_parameter_is_revised_as_a_trucks() -> None:
    first = KNOWLEDGE.assess(parse_code("789/2"), VehicleKind())
    assert KNOWLEDGE.revise(first, VehicleKind(), urgency=first.urgency) == first
