"""The name of this machine's time zone, which is what cron runs in: told, or asked for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from onbeat.domain.errors import InvalidInput, InvalidRecurrence
from onbeat.domain.recurrence.zones import known_zone

FOLDER = "zoneinfo/"


def local_zone(environ: Mapping[str, str] | None = None, etc: Path = Path("/etc")) -> str:
    """The zone of TZ, of the link /etc/localtime, or of /etc/timezone, in this order.

    A machine without any of them is in UTC, as for the C library. Raises InvalidInput where a zone
    is set, but cannot be named.
    """
    given = (os.environ if environ is None else environ).get("TZ", "")
    if given:
        return _named(given.removeprefix(":"), "TZ")
    link = etc / "localtime"
    if link.is_symlink():
        return _named(str(link.readlink()), str(link))
    named = etc / "timezone"
    if named.is_file():
        return _named(named.read_text().strip(), str(named))
    if link.exists():
        raise _untold(f"{link} is a copy that has no name")
    return "UTC"


def _named(text: str, place: str) -> str:
    name = text.rpartition(FOLDER)[2].removeprefix("posix/")
    try:
        return known_zone(name)
    except InvalidRecurrence:
        raise _untold(f"{place} says {text!r}, which is no zone's name") from None


def _untold(why: str) -> InvalidInput:
    return InvalidInput(
        "tz", f"{why}, so this machine's zone cannot be told; give --tz, such as --tz Europe/Paris"
    )
