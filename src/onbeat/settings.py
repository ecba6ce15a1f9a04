"""Settings from the environment and `onbeat.toml`: typed, checked at start, named when wrong.

A variable `ONBEAT_X` is `x` in the file; the variable wins. Some, as `REGION` and
`REDIS_URL`, are read without the prefix too.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from onbeat.domain.addresses import read_allowed
from onbeat.domain.durations import format_duration, parse_duration
from onbeat.domain.environments import check_environment
from onbeat.domain.errors import InvalidInput, InvalidSetting
from onbeat.domain.jobs import MAX_ARGUMENT_BYTES, MAX_PAYLOAD_LIMIT
from onbeat.domain.regions import Regions, read_regions
from onbeat.domain.retention import DEFAULT_RETENTION
from onbeat.domain.workers import DEFAULT_HEARTBEAT, DEFAULT_RESCUE_AFTER
from onbeat.sealing import HOW, SHORTEST_KEY

DEFAULT_DB = "sqlite:///onbeat.db"
LOG_FORMATS = ("console", "json")
FEWEST_SECRET_BYTES = 32
FEWEST_CRON_SECRET = 16
"""Characters; Vercel's own advice."""

REDIS_SCHEMES = ("redis", "rediss", "unix")
LOG_LEVELS = ("debug", "info", "warning", "error")


def _setting(
    default: Any, read: Callable[[str, str], Any], about: str, *bare: str, secret: bool = False
) -> Any:
    said = {"read": read, "about": about, "bare": bare}
    return field(default=default, repr=not secret, metadata=said)


def _text(name: str, value: str) -> str:
    if not value.strip():
        raise InvalidSetting(name, "it is empty; give a value or leave it out")
    return value.strip()


def _names(name: str, value: str) -> tuple[str, ...]:
    names = tuple(part.strip() for part in value.split(",") if part.strip())
    if not names:
        raise InvalidSetting(name, f"{value!r} names nothing; give names with commas between")
    return names


def read_count(name: str, value: str) -> int:
    """A whole number from 1 to 10,000. Raises InvalidSetting."""
    if not value.strip().isdecimal() or not 1 <= int(value) <= 10_000:
        raise InvalidSetting(name, f"{value!r} is not allowed; give a whole number from 1 to 10000")
    return int(value)


def _port(name: str, value: str) -> int:
    if not value.strip().isdecimal() or int(value) > 65_535:
        raise InvalidSetting(name, f"{value!r} is no port; give a number from 0 to 65535")
    return int(value)


def _secret(name: str, value: str) -> str:
    if len(value.strip().encode()) < FEWEST_SECRET_BYTES:
        raise InvalidSetting(
            name, f"it is under {FEWEST_SECRET_BYTES} bytes; give as many random ones, as from "
            "`openssl rand -hex 32`",
        )  # fmt: skip
    return value.strip()


def _cron_secret(name: str, value: str) -> str:
    if len(value.strip()) < FEWEST_CRON_SECRET:
        raise InvalidSetting(name, f"it is under {FEWEST_CRON_SECRET} characters; give more")
    return value.strip()


_UNITS = {"": 1, "b": 1, "k": 1024, "kib": 1024, "m": 1024**2, "mib": 1024**2}


def _size(name: str, value: str) -> int:
    """Bytes, also as "512 KiB" or "1 MiB"."""
    written = re.fullmatch(r"(\d{1,9}) ?([a-z]*)", value.strip().lower())
    size = 0 if written is None else int(written[1]) * _UNITS.get(written[2], 0)
    if not 1024 <= size <= MAX_PAYLOAD_LIMIT:
        raise InvalidSetting(name, f"{value!r} is not allowed; give 1 KiB to 16 MiB, as 512 KiB")
    return size


def read_duration(name: str, value: str) -> timedelta:
    """As "90s" or "1h30m". Raises InvalidSetting."""
    try:
        return parse_duration(value, name)
    except InvalidInput as error:
        raise InvalidSetting(name, str(error).partition(": ")[2]) from None


def _regions(name: str, value: str) -> Regions:
    try:
        return read_regions(value)
    except InvalidInput as error:
        raise InvalidSetting(name, str(error)) from None


def _public_url(name: str, value: str) -> str:
    """An address that others reach us under, without what would spoil a path put behind it."""
    read = urlsplit(value.strip())
    wrong = "it is no plain address; give http(s)://HOST, with a path if it is behind one"
    try:
        port = read.port
    except ValueError:
        raise InvalidSetting(name, wrong) from None
    is_plain = not (read.query or read.fragment or "@" in read.netloc or value.strip()[-1:] in "?#")
    is_address = read.scheme in ("http", "https") and read.hostname and port != 0
    if not (is_plain and is_address) or any(each.isspace() for each in value.strip()):
        raise InvalidSetting(name, wrong)
    return value.strip().rstrip("/")


def _environment(name: str, value: str) -> str:
    try:
        return check_environment(value.strip())
    except InvalidInput as error:
        raise InvalidSetting(name, str(error).partition(": ")[2]) from None


def _retention(name: str, value: str) -> timedelta:
    duration = read_duration(name, value)
    if duration < timedelta(hours=1):
        raise InvalidSetting(name, f"{value!r} is too short; give 1h or more")
    return duration


def _period(name: str, value: str) -> timedelta:
    duration = read_duration(name, value)
    if not timedelta(seconds=1) <= duration <= timedelta(days=1):
        raise InvalidSetting(name, f"{value!r} is out of range; give 1s to 1d")
    return duration


def read_switch(name: str, value: str) -> bool:
    """Whether it is on. Raises InvalidSetting."""
    words = {"true": True, "yes": True, "on": True, "1": True}
    words |= {"false": False, "no": False, "off": False, "0": False}
    if value.strip().lower() not in words:
        raise InvalidSetting(name, f"{value!r} is not allowed; give true or false")
    return words[value.strip().lower()]


def _secret_keys(name: str, value: str) -> tuple[str, ...]:
    """Keys with commas between; what is wrong with one is told without it."""
    keys = tuple(part.strip() for part in value.split(",") if part.strip())
    if not keys or any(len(key) < SHORTEST_KEY for key in keys):
        told = f"it is too short; give {SHORTEST_KEY} characters or more ({HOW})"
        raise InvalidSetting(name, told)
    return keys


def _hosts_and_networks(name: str, value: str) -> tuple[str, ...]:
    entries = _names(name, value)
    try:
        read_allowed(name, entries)
    except InvalidInput as error:
        raise InvalidSetting(name, str(error).partition(": ")[2]) from None
    return entries


def _redis_url(name: str, value: str) -> str:
    """What is wrong with it is told without it: it may hold a password."""
    try:
        url = urlsplit(value.strip())
        is_whole = url.path if url.scheme == "unix" else url.hostname and url.port != 0
    except ValueError:
        is_whole = False
    if not is_whole or url.scheme not in REDIS_SCHEMES:
        raise InvalidSetting(name, "it is no URL of a Redis; give redis://HOST:6379/0, rediss://…, "
                             "or unix:///FILE")  # fmt: skip
    return value.strip()


def _one_of(*allowed: str) -> Callable[[str, str], str]:
    def read(name: str, value: str) -> str:
        if value.strip().lower() not in allowed:
            raise InvalidSetting(name, f"{value!r} is not known; give one of {', '.join(allowed)}")
        return value.strip().lower()

    return read


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting, with its default."""

    db: str = _setting(DEFAULT_DB, _text, "database URL: sqlite:///FILE or postgresql://…")
    environment: str | None = _setting(
        None, _environment, "what keeps applications in one database apart"
    )
    app: str | None = _setting(None, _text, "where the tasks are: package.module:name")
    queues: tuple[str, ...] = _setting(("default",), _names, "queues a worker takes jobs from")
    concurrency: int = _setting(10, read_count, "jobs a worker runs at once")
    region: str | None = _setting(None, _text, "where this process runs", "REGION")
    regions: Regions | None = _setting(
        None, _regions, "the queue of each region: us=checks-us,eu=checks-eu, or more as JSON"
    )
    instance_id: str | None = _setting(
        None, _text, "this process's own name", "SCHEDULER_INSTANCE_ID"
    )
    scheduler_enabled: bool = _setting(
        True, read_switch, "whether a scheduler runs in `onbeat up`, or in a process of yours",
        "SCHEDULER_ENABLED",
    )  # fmt: skip
    scheduler_auto_restart: bool = _setting(
        True, read_switch, "whether services of your own are restarted after a failure",
        "SCHEDULER_AUTO_RESTART",
    )  # fmt: skip
    heartbeat: timedelta = _setting(
        DEFAULT_HEARTBEAT, read_duration, "how often a worker says that it lives"
    )
    rescue_after: timedelta = _setting(
        DEFAULT_RESCUE_AFTER,
        read_duration,
        "silence after which a worker's jobs are given to others",
    )
    shutdown_grace: timedelta = _setting(
        timedelta(seconds=30), read_duration, "how long a stopping worker lets its jobs run"
    )
    retention: timedelta = _setting(
        DEFAULT_RETENTION, _retention, "how long jobs that have ended are kept"
    )
    shell: bool = _setting(
        False, read_switch, "whether the task `shell` is there, which runs commands"
    )
    http_task: bool = _setting(
        False, read_switch, "whether the task `http` is there, which sends requests"
    )
    max_payload: int = _setting(
        MAX_ARGUMENT_BYTES, _size, "most bytes of JSON in a job's arguments, and in its result"
    )
    api: bool = _setting(
        True, read_switch, "whether `onbeat up` serves the API, where it is installed"
    )
    host: str = _setting(
        "127.0.0.1", _text, "address the API and the probes listen on; 0.0.0.0 for all"
    )
    port: int = _setting(9266, _port, "port the API listens on", "PORT")
    probe_port: int | None = _setting(
        None, _port, "port that answers probes where a process serves no API"
    )
    proxies: str = _setting(
        "127.0.0.1", _text, "addresses of proxies that are believed about who asks"
    )
    public_url: str | None = _setting(
        None,
        _public_url,
        "address people reach the API under; links in what they are told lead there",
    )
    metrics: str = _setting(
        "open", _one_of("open", "closed"), "whether /metrics is open, or takes a token: closed"
    )
    live_clients: int = _setting(
        1000, read_count, "clients that may listen to live updates in one process"
    )
    cron_secret: str | None = _setting(
        None,
        _cron_secret,
        "what a cron of others sends to have a cycle run",
        "CRON_SECRET",
        secret=True,
    )
    jwt_secret: str | None = _setting(
        None,
        _secret,
        "secret shared with another issuer, whose tokens (JWT) are believed",
        secret=True,
    )
    jwks: str | None = _setting(
        None, _text, "file of another issuer's public keys, whose tokens (JWT) are believed"
    )
    jwt_issuer: str | None = _setting(None, _text, "what the claim `iss` of such tokens must be")
    jwt_audience: str | None = _setting(None, _text, "what their claim `aud` must be")
    secret_key: tuple[str, ...] | None = _setting(
        None, _secret_keys, "what seals secrets that must be had back; the first of several seals",
        secret=True,
    )  # fmt: skip
    outbound_allow: tuple[str, ...] | None = _setting(
        None, _hosts_and_networks, "inner hosts and networks that webhooks may reach all the same"
    )
    outbound_http: bool = _setting(
        False,
        read_switch,
        "whether webhooks may go to http:// too, where everyone between can read",
    )
    smtp: str | None = _setting(
        None, _text, "server that takes e-mail: smtp://USER:PASSWORD@HOST:587, smtps://…",
        secret=True,
    )  # fmt: skip
    smtp_from: str | None = _setting(
        None, _text, "who sends e-mail, as Onbeat <onbeat@example.com>"
    )
    deadman_url: str | None = _setting(
        None, _text, "dead man's switch: where a request goes each period while all is well",
        secret=True,
    )  # fmt: skip
    deadman_period: timedelta = _setting(
        timedelta(minutes=1), _period, "how often the dead man's switch is pressed"
    )
    redis_url: str | None = _setting(
        None, _redis_url, "Redis that processes share answers in, and that sources listen to: redis://HOST:6379/0",
        "REDIS_URL", secret=True,
    )  # fmt: skip
    log_format: str = _setting("console", _one_of(*LOG_FORMATS), "console or json")
    log_level: str = _setting("info", _one_of(*LOG_LEVELS), "debug, info, warning or error")


def load_settings(environ: Mapping[str, str] | None = None, file: Path | None = None) -> Settings:
    """Read the environment and `onbeat.toml`. Raises InvalidSetting naming what is wrong."""
    settings, shown = _read(environ, file)
    if settings.rescue_after < 2 * settings.heartbeat:
        raise InvalidSetting(
            shown.get("heartbeat") or shown["rescue_after"],
            f"two heartbeats of {format_duration(settings.heartbeat)} must fit into a rescue_after "
            f"of {format_duration(settings.rescue_after)}; beat more often, or rescue later",
        )
    return settings


def read_setting(name: str, environ: Mapping[str, str]) -> Any:
    """One setting's value, whether or not it goes with the others. Raises InvalidSetting."""
    return getattr(_read(environ, None)[0], name)


def _read(environ: Mapping[str, str] | None, file: Path | None) -> tuple[Settings, dict[str, str]]:
    """Each value by itself, and under which name each one was given."""
    environ = os.environ if environ is None else environ
    from_file = _read_file(file or Path("onbeat.toml"))
    values: dict[str, Any] = {}
    names: dict[str, str] = {}
    for each in fields(Settings):
        found = _find(each.name, each.metadata["bare"], environ, from_file)
        if found is not None:
            names[each.name], text = found
            values[each.name] = each.metadata["read"](names[each.name], text)
    return Settings(**values), names


def describe_settings() -> list[tuple[str, str, str]]:
    """Each setting's variable, default and meaning."""
    return [
        (f"ONBEAT_{each.name.upper()}", str(each.default), each.metadata["about"])
        for each in fields(Settings)
    ]


PREFIX = "ONBEAT_"
OTHERS = ("ONBEAT_DEBUG", "ONBEAT_HEART_DB")
"""Variables that are no settings: for tracebacks, and from a worker to its heart."""

NOT_OURS = ("ONBEAT_TEST_", "ONBEAT_SERVICE_", "ONBEAT_PORT")
"""How variables begin that are for tests, or that Kubernetes sets where a service is `onbeat`."""

OF_ONE = (
    "_CRON", "_INTERVAL", "_TIMEOUT", "_ENABLED", "_AUTO_RESTART", "_RETRIES", "_CONCURRENCY",
)  # fmt: skip
"""How variables end that are of one service or schedule of the application."""

OF_CLIENTS = (
    "_URL", "_SERVICE_ACCOUNT_TOKEN", "_REQUEST_TIMEOUT_MS", "_CIRCUIT_BREAKER_THRESHOLD",
    "_CIRCUIT_BREAKER_DURATION_MS",
)  # fmt: skip
"""How variables end that are of a client of an API."""


def unknown_variables(environ: Mapping[str, str] | None = None) -> list[tuple[str, str | None]]:
    """Variables that look like settings and are none, each with the one that may be meant."""
    known = {variable.removeprefix(PREFIX): variable for variable, _, _ in describe_settings()}
    meant = {
        name: next((known[each] for each in _close(name.removeprefix(PREFIX), known)), None)
        for name in sorted(os.environ if environ is None else environ)
        if name.startswith(PREFIX)
        and name not in (*known.values(), *OTHERS)
        and not name.startswith(NOT_OURS)
    }
    return [each for each in meant.items() if each[1] or not each[0].endswith(OF_ONE + OF_CLIENTS)]


def _close(word: str, known: Iterable[str]) -> list[str]:
    return get_close_matches(word, known, n=1, cutoff=0.75)


def _find(
    name: str, bare: tuple[str, ...], environ: Mapping[str, str], from_file: Mapping[str, Any]
) -> tuple[str, str] | None:
    for variable in (f"ONBEAT_{name.upper()}", *bare):
        if variable in environ:
            return variable, environ[variable]
    if name in from_file:
        value = from_file[name]
        if isinstance(value, dict):
            return name, msgspec.json.encode(value).decode()
        return name, ",".join(map(str, value)) if isinstance(value, list) else str(value)
    return None


def _read_file(file: Path) -> dict[str, Any]:
    if not file.is_file():
        return {}
    try:
        values = tomllib.loads(file.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidSetting(str(file), f"it is not TOML: {error}") from None
    known = {each.name for each in fields(Settings)}
    for name in values:
        if name not in known:
            close = _close(name, known)
            meant = f"is {close[0]} meant?" if close else f"known: {', '.join(sorted(known))}"
            raise InvalidSetting(name, f"{file} has no such setting; {meant}")
    return values
