"""Where a setting's value comes from: the environment, the file, or its default."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import Field, dataclass, fields
from datetime import timedelta
from pathlib import Path
from typing import Any

from onbeat.domain.durations import format_duration
from onbeat.domain.errors import InvalidSetting
from onbeat.domain.secrets import HIDDEN
from onbeat.domain.url_passwords import hide_passwords
from onbeat.settings import Settings, read_setting, unknown_variables

FILE = Path("onbeat.toml")
DEFAULT = "default"
GIVEN = "given"
"""By whoever started the process, in code or as an option."""


def source_of(name: str) -> str:
    """The variable or file that `name` was read from, in the order that settings are."""
    field = next(each for each in fields(Settings) if each.name == name)
    for variable in (f"ONBEAT_{name.upper()}", *field.metadata["bare"]):
        if variable in os.environ:
            return str(variable)
    return str(FILE) if name in _in_file() else DEFAULT


def unknown_words() -> list[str]:
    """A sentence on each variable that looks like a setting and is none."""
    return [
        f"{name} is no setting; " + (f"is {meant} meant?" if meant else "`onbeat doctor` lists all")
        for name, meant in unknown_variables()
    ]


def _in_file() -> dict[str, Any]:
    """What the file says; one that cannot be read is told of where settings are checked."""
    try:
        return tomllib.loads(FILE.read_text())
    except (OSError, tomllib.TOMLDecodeError):
        return {}


SECRET = ("secret", "password", "token", "dsn", "key", "webhook", "deadman_url")
"""A setting with one of these in its name is never shown."""


@dataclass(frozen=True, slots=True)
class SettingRow:
    """A setting as it stands, fit to be shown."""

    name: str
    variable: str
    value: str
    source: str
    about: str


def setting_rows(given: Mapping[str, str | None]) -> list[SettingRow]:
    """Every setting with its value and source, options as given; one that is wrong says so."""
    return [
        _row(each.name, each.metadata["about"], given.get(each.name)) for each in fields(Settings)
    ]


def rows_of(settings: Settings, url: str, environment: str | None) -> list[SettingRow]:
    """The settings that a running application has, with where it lives.

    Where one differs from what the process would read by itself, it was given by who started it.
    """
    has = {each.name: getattr(settings, each.name) for each in fields(Settings)}
    has |= {"db": url, "environment": environment}
    return [_row_of(each, has[each.name]) for each in fields(Settings)]


def _row_of(field: Field[Any], value: object) -> SettingRow:
    try:
        is_read = read_setting(field.name, os.environ) == value
    except InvalidSetting:
        is_read = False
    shown = HIDDEN if value is not None and _is_secret(field) else _shown(value)
    return SettingRow(
        field.name, f"ONBEAT_{field.name.upper()}", shown,
        source_of(field.name) if is_read else GIVEN, field.metadata["about"],
    )  # fmt: skip


def _is_secret(field: Field[Any]) -> bool:
    return not field.repr or any(word in field.name for word in SECRET)


def _row(name: str, about: str, option: str | None) -> SettingRow:
    variable = f"ONBEAT_{name.upper()}"
    if option is not None:
        return SettingRow(name, variable, hide_passwords(option), f"--{name}", about)
    source = source_of(name)
    return SettingRow(name, variable, _value(name), source, about)


def _value(name: str) -> str:
    """The value alone, so that another setting's being wrong does not hide it."""
    bare = next(each for each in fields(Settings) if each.name == name).metadata["bare"]
    own = {key: os.environ[key] for key in (f"ONBEAT_{name.upper()}", *bare) if key in os.environ}
    try:
        value = read_setting(name, own)
    except InvalidSetting as error:
        if error.field not in (name, *own):
            return "not read, for the file has a mistake"
        return f"wrong: {hide_passwords(str(error))}"
    if value is not None and any(word in name for word in SECRET):
        return HIDDEN
    return _shown(value)


def _shown(value: object) -> str:
    match value:
        case None:
            return "-"
        case tuple():
            return ",".join(map(str, value))
        case timedelta():
            return format_duration(value)
        case _:
            return hide_passwords(str(value))
