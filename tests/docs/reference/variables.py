"""docs/reference/settings.md, from the settings themselves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from datetime import timedelta
from typing import Any

from onbeat.domain.durations import format_duration
from onbeat.settings import Settings
from tests.docs.reference.rows import code, table


def variables() -> Iterator[str]:
    """The page."""
    yield "# Settings"
    yield ""
    yield (
        "Variables of the environment, or the name without `ONBEAT_`, in lower case, in "
        "`onbeat.toml`. A variable wins over the file. How they are read, and what a wrong one "
        "does: [Running it](../operations.md#settings). `onbeat doctor` shows the values that "
        "hold, and where each is from; it never shows a secret."
    )
    yield ""
    yield from table(
        "variable", "default", "meaning", "read too as", "secret",
        rows=(_row(each) for each in fields(Settings)),
    )  # fmt: skip


def _row(field: Any) -> tuple[str, ...]:
    default = shown(getattr(Settings(), field.name))
    also = ", ".join(code(each) for each in field.metadata["bare"])
    return (
        code(f"ONBEAT_{field.name.upper()}"),
        default,
        field.metadata["about"],
        also,
        "" if field.repr else "yes",
    )


def shown(default: object) -> str:
    """A default as it would be written."""
    match default:
        case None:
            return "–"  # noqa: RUF001 - as tables have it
        case bool():
            return f"`{str(default).lower()}`"
        case timedelta():
            return f"`{format_duration(default)}`"
        case tuple():
            return f"`{','.join(default)}`"
        case _:
            return f"`{default}`"
