"""Settings: from the environment and a file, checked at start, named when wrong."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from onbeat.domain.errors import InvalidSetting
from onbeat.runtime.worker.worker import WorkerOptions
from onbeat.settings import Settings, describe_settings, load_settings

NOWHERE = Path("/nowhere/onbeat.toml")


def read(**environ: str) -> Settings:
    """Settings from variables alone."""
    return load_settings(environ, NOWHERE)


def in_file(folder: Path, text: str) -> Path:
    """A settings file."""
    file = folder / "onbeat.toml"
    file.write_text(text)
    return file


def test_without_anything_every_setting_has_its_default() -> None:
    assert read() == Settings()


def test_a_worker_beats_every_5_seconds_and_is_rescued_after_15() -> None:
    assert (Settings().heartbeat, Settings().rescue_after) == (
        timedelta(seconds=5),
        timedelta(seconds=15),
    )


@pytest.mark.parametrize(
    ("variable", "text", "name", "value"),
    [
        ("ONBEAT_DB", "sqlite:///a.db", "db", "sqlite:///a.db"),
        ("ONBEAT_APP", "shop:ob", "app", "shop:ob"),
        ("ONBEAT_PROBE_PORT", "9267", "probe_port", 9267),
        ("ONBEAT_QUEUES", "a, b,,c", "queues", ("a", "b", "c")),
        ("ONBEAT_CONCURRENCY", "32", "concurrency", 32),
        ("ONBEAT_REGION", "eu", "region", "eu"),
        ("REGION", "us", "region", "us"),
        ("ONBEAT_INSTANCE_ID", "one", "instance_id", "one"),
        ("SCHEDULER_INSTANCE_ID", "two", "instance_id", "two"),
        ("ONBEAT_HEARTBEAT", "2s", "heartbeat", timedelta(seconds=2)),
        ("ONBEAT_RESCUE_AFTER", "1m", "rescue_after", timedelta(minutes=1)),
        ("ONBEAT_SHUTDOWN_GRACE", "PT2M", "shutdown_grace", timedelta(minutes=2)),
        ("ONBEAT_SECRET_KEY", "a" * 32 + ", " + "b" * 40, "secret_key", ("a" * 32, "b" * 40)),
        (
            "ONBEAT_OUTBOUND_ALLOW",
            "a.example, 10.0.0.0/8",
            "outbound_allow",
            ("a.example", "10.0.0.0/8"),
        ),
        ("ONBEAT_OUTBOUND_HTTP", "true", "outbound_http", True),
        ("ONBEAT_PUBLIC_URL", "http://localhost:9266", "public_url", "http://localhost:9266"),
        ("ONBEAT_PUBLIC_URL", "https://a.example/b/ ", "public_url", "https://a.example/b"),
        ("ONBEAT_LOG_FORMAT", "JSON", "log_format", "json"),
        ("ONBEAT_LOG_LEVEL", "debug", "log_level", "debug"),
    ],
)
def test_each_variable_is_read(variable: str, text: str, name: str, value: object) -> None:
    assert getattr(read(**{variable: text}), name) == value


@pytest.mark.parametrize(
    ("variable", "text", "message"),
    [
        ("ONBEAT_DB", " ", "it is empty; give a value or leave it out"),
        ("ONBEAT_APP", "", "it is empty; give a value or leave it out"),
        ("ONBEAT_QUEUES", ", ,", "', ,' names nothing; give names with commas between"),
        ("ONBEAT_CONCURRENCY", "many", "'many' is not allowed; give a whole number from 1 to"),
        ("ONBEAT_CONCURRENCY", "0", "'0' is not allowed; give a whole number from 1 to 10000"),
        ("ONBEAT_CONCURRENCY", "10001", "'10001' is not allowed; give a whole number from 1 to"),
        ("ONBEAT_REGION", "", "it is empty"),
        ("REGION", "", "it is empty"),
        ("SCHEDULER_INSTANCE_ID", " ", "it is empty"),
        ("ONBEAT_HEARTBEAT", "soon", "'soon' "),
        ("ONBEAT_RESCUE_AFTER", "1 month", "'1 month' "),
        ("ONBEAT_SHUTDOWN_GRACE", "-1s", "'-1s' "),
        ("ONBEAT_LOG_FORMAT", "xml", "'xml' is not known; give one of console, json"),
        ("ONBEAT_LOG_LEVEL", "loud", "'loud' is not known; give one of debug, info, warning"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(
    variable: str, text: str, message: str
) -> None:
    with pytest.raises(InvalidSetting) as caught:
        read(**{variable: text})

    assert str(caught.value).startswith(f"{variable}: {message}")


@pytest.mark.parametrize(
    "text",
    ["", "a.example", "ftp://a.example", "https://", "https:///b", "https://a.example?b=c",
     "https://a.example/?", "https://a.example#b", "https://ann:hunter2@a.example",
     "https://a.example:99999", "https://a.example/b c"],
)  # fmt: skip
def test_a_public_address_is_plain_and_what_is_not_is_not_repeated(text: str) -> None:
    with pytest.raises(InvalidSetting, match="ONBEAT_PUBLIC_URL: it is no plain addr") as caught:
        read(ONBEAT_PUBLIC_URL=text)

    assert "hunter2" not in str(caught.value)


def test_the_name_with_the_prefix_wins_over_the_bare_one() -> None:
    assert read(ONBEAT_REGION="eu", REGION="us").region == "eu"


def test_a_variable_that_is_not_ours_is_left_alone() -> None:
    assert read(DB="mysql://", QUEUES="a") == Settings()


def test_the_file_is_read(tmp_path: Path) -> None:
    file = in_file(tmp_path, 'queues = ["a", "b"]\nconcurrency = 4\nheartbeat = "1s"\n')

    settings = load_settings({}, file)

    assert (settings.queues, settings.concurrency) == (("a", "b"), 4)
    assert settings.heartbeat == timedelta(seconds=1)


def test_a_variable_wins_over_the_file(tmp_path: Path) -> None:
    file = in_file(tmp_path, 'region = "eu"\n')

    assert load_settings({"REGION": "us"}, file).region == "us"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("colour = 1", "colour: .* has no such setting; known: api, app, concurrency, "),
        ("outbound_alow = 1", "outbound_alow: .*; is outbound_allow meant\\?$"),
        ("concurrency = ", "onbeat.toml: it is not TOML"),
        ('heartbeat = "soon"', "heartbeat: 'soon' "),
        ("concurrency = 0", "concurrency: '0' is not allowed"),
        ("queues = []", "queues: '' names nothing"),
        ("concurrency = true", "concurrency: 'True' is not allowed"),
    ],
)
def test_what_is_wrong_in_the_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InvalidSetting, match=message):
        load_settings({}, in_file(tmp_path, text))


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    file = tmp_path / "onbeat.toml"
    file.write_bytes(b'region = "\xff"\n')

    with pytest.raises(InvalidSetting, match=r"onbeat.toml: it is not TOML"):
        load_settings({}, file)


def test_every_setting_is_described_with_its_variable() -> None:
    described = {variable: about for variable, _, about in describe_settings()}

    assert set(described) == {f"ONBEAT_{name.upper()}" for name in Settings.__dataclass_fields__}
    assert all(described.values())


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"slots": 0}, "concurrency"),
        ({"queues": ()}, "queues"),
        ({"heartbeat": timedelta(seconds=8)}, "rescue_after"),
        ({"heartbeat": timedelta()}, "heartbeat"),
    ],
)
def test_a_worker_that_could_not_work_is_refused(fields: dict[str, object], name: str) -> None:
    with pytest.raises(InvalidSetting) as caught:
        WorkerOptions(**fields)  # type: ignore[arg-type]

    assert caught.value.field == name


@pytest.mark.parametrize("key", ["hunter2hunter2", "a" * 32 + ",hunter2hunter2", " , "])
def test_a_secret_key_that_is_too_short_is_told_without_it(key: str) -> None:
    with pytest.raises(InvalidSetting, match=r"^ONBEAT_SECRET_KEY: .*give 32 characters") as caught:
        read(ONBEAT_SECRET_KEY=key)

    assert "hunter2" not in str(caught.value)


def test_a_secret_key_is_not_shown_with_the_settings() -> None:
    assert "hunter2" not in repr(Settings(secret_key=("hunter2" * 5,)))


@pytest.mark.parametrize("allowed", ["10.0.0.1/8", "a b", "https://a.example"])
def test_what_is_neither_host_nor_network_is_refused(allowed: str) -> None:
    with pytest.raises(InvalidSetting, match=r"^ONBEAT_OUTBOUND_ALLOW: .*give"):
        read(ONBEAT_OUTBOUND_ALLOW=allowed)
