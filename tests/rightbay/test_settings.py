from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.registry import FOREIGN
from rightbay.errors import SettingsError
from rightbay.settings import (
    DIALECTS,
    VARIABLES,
    LogLevel,
    Settings,
    default_data_folder,
    load_settings,
    masked_url,
)

HOME = {"XDG_DATA_HOME": "/somewhere/data"}


def check(environ: dict[str, str], expected: Settings) -> None:
    assert load_settings({**HOME, **environ}) == expected


def check_refused(environ: dict[str, str], *words: str) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings({**HOME, **environ})
    message = str(caught.value)
    for word in (*environ, *words, "docs/settings.md"):
        assert word in message
    return message


def test_nothing_set_means_everything_embedded_on_this_machine() -> None:
    check({}, Settings(data=Path("/somewhere/data/rightbay")))


def test_every_value_reaches_its_field() -> None:
    check(
        {
            "RIGHTBAY_DATA": "/srv/a b",
            "RIGHTBAY_DATABASE_URL": "postgresql://u:p@db:5432/x",
            "RIGHTBAY_BROKER_URL": "mqtts://u:p@mq:8883",
            "RIGHTBAY_API_HOST": "::1",
            "RIGHTBAY_API_PORT": "1",
            "RIGHTBAY_BROKER_PORT": "65535",
            "RIGHTBAY_TOPIC_PREFIX": "a/b-c/2",
            "RIGHTBAY_DIALECTS": "traccar,wican",
            "RIGHTBAY_SIGNALS": "/",
            "RIGHTBAY_GATEWAY_ID": "g-2",
            "RIGHTBAY_LOG_LEVEL": "error",
            "RIGHTBAY_ROADS": "/srv/roads",
            "RIGHTBAY_RETENTION_DAYS": "30",
            "RIGHTBAY_TRUST": "/srv/trust",
        },
        Settings(
            data=Path("/srv/a b"),
            database_url="postgresql://u:p@db:5432/x",
            broker_url="mqtts://u:p@mq:8883",
            api_host="::1",
            api_port=1,
            broker_port=65535,
            topic_prefix="a/b-c/2",
            dialects=("traccar", "wican"),
            signals=Path("/"),
            gateway_id="g-2",
            log_level=LogLevel.ERROR,
            roads="/srv/roads",
            retention_days=30,
            trust=Path("/srv/trust"),
        ),
    )


def test_an_empty_value_counts_as_not_set() -> None:
    check({"RIGHTBAY_API_PORT": "", "RIGHTBAY_TYPO": ""}, load_settings(HOME))


def test_the_command_line_wins_over_the_environment() -> None:
    settings = load_settings({"RIGHTBAY_DATA": "/one"}, data=Path("/two"))
    assert settings.data == Path("/two")


def test_the_data_folder_is_absolute() -> None:
    assert load_settings({"RIGHTBAY_DATA": "here"}).data == Path.cwd() / "here"


def test_a_relative_xdg_folder_is_ignored() -> None:
    assert default_data_folder({"XDG_DATA_HOME": "share"}) == default_data_folder({})


@pytest.mark.parametrize("port", ["0", "65536", "-1", "8o8o", "1.5", "٣", " 1"])
def test_a_wrong_port_names_its_variable_and_the_form(port: str) -> None:
    check_refused({"RIGHTBAY_API_PORT": port}, "1 to 65535")


@pytest.mark.parametrize("prefix", ["rb/", "/rb", "rb//1", "rb/+", "#", "rb/$x", "rb 1"])
def test_a_topic_prefix_cannot_hold_wildcards_or_empty_levels(prefix: str) -> None:
    check_refused({"RIGHTBAY_TOPIC_PREFIX": prefix})


@pytest.mark.parametrize("level", ["INFO", "loud"])
def test_a_wrong_log_level_lists_the_right_ones(level: str) -> None:
    check_refused({"RIGHTBAY_LOG_LEVEL": level}, "debug, info, warning, error")


@pytest.mark.parametrize(
    "url",
    ["mysql://u:secret@h/x", "u:secret@h", "postgresql://", "postgresql://u:secret@h:99999/x"],
)
def test_a_wrong_url_is_refused_without_repeating_its_password(url: str) -> None:
    assert "secret" not in check_refused({"RIGHTBAY_DATABASE_URL": url}, "postgresql://")


def test_a_typing_error_in_a_name_is_refused_with_the_near_one() -> None:
    check_refused({"RIGHTBAY_DATABSE_URL": "postgresql://h/x"}, "RIGHTBAY_DATABASE_URL")


def test_the_addresses_stand_in_no_repr() -> None:
    settings = Settings(database_url="postgresql://u:secret@h/x", broker_url="mqtt://u:secret@h")
    assert "secret" not in repr(settings)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:secret@h:1/x", "postgresql://u:***@h:1/x"),
        ("postgresql://h/x", "postgresql://h/x"),
        ("postgresql://u@/x?host=/a&password=secret", "postgresql://u@/x?host=/a&password=***"),
        ("postgresql://h/x?sslpassword=secret&a=b", "postgresql://h/x?sslpassword=***&a=b"),
        ("mqtts://u:se@cret@h", "mqtts://u:***@h"),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, shown: str) -> None:
    assert masked_url(url) == shown


@given(
    st.builds(
        Settings,
        data=st.just(Path("/x y/z")),
        database_url=st.none() | st.just("postgresql://u:p@h/x"),
        broker_url=st.none() | st.just("mqtt://h"),
        roads=st.none() | st.just("/srv/roads") | st.just("http://u:p@h:5000/osrm"),
        api_port=st.none() | st.integers(1, 65535),
        broker_port=st.none() | st.integers(1, 65535),
        topic_prefix=st.from_regex(r"[a-z0-9]{1,3}(/[a-z0-9]{1,3}){0,2}", fullmatch=True),
        dialects=st.lists(st.sampled_from(sorted(DIALECTS)), unique=True).map(tuple),
        signals=st.none() | st.just(Path("/")),
        log_level=st.sampled_from(LogLevel),
    )
)
def test_a_child_reads_the_settings_its_parent_had(settings: Settings) -> None:
    assert load_settings(settings.environment()) == settings


def test_the_dialects_are_those_that_the_gateway_knows() -> None:
    assert frozenset(FOREIGN) == DIALECTS
    assert load_settings({"RIGHTBAY_DIALECTS": "wican,ovms,wican"}).dialects == ("wican", "ovms")
    check_refused({"RIGHTBAY_DIALECTS": "wican,other"}, "traccar")


def test_a_folder_of_signals_that_is_not_there_stops_the_start() -> None:
    check_refused({"RIGHTBAY_SIGNALS": "/nowhere at all"}, "a folder that is there")


def test_every_setting_is_documented_and_nothing_else() -> None:
    page = Path(__file__).parents[2] / "docs" / "settings.md"
    rows = [
        line
        for line in page.read_text(encoding="utf-8").splitlines()
        if line.startswith("| `RIGHTBAY_")
    ]
    assert tuple(row.split("`")[1] for row in rows) == VARIABLES
