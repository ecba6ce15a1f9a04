"""Lines of the form NAME = value, read as Debian's cron reads them (load_env of its env.c).

The value is taken as it stands: nothing is expanded, and a # in it is no comment. Quotes keep
blanks at its ends. What is not of this form is an entry.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from onbeat.domain.errors import InvalidInput, InvalidRecurrence
from onbeat.domain.recurrence.zones import known_zone

ZONE = "CRON_TZ"
_ASSIGNMENT = re.compile(
    r"""(?: "(?P<double>[^"=]+)" | '(?P<single>[^'=]+)' | (?P<bare>[^\s="'][^\s=]*) )
        \s* = \s* (?P<value>.*)""",
    re.X,
)
_QUOTED = re.compile(r"""(?:"([^"]*)"|'([^']*)')\s*""")
_OVERRIDDEN = "LOGNAME"


def read_variable(text: str) -> tuple[str, str] | None:
    """Name and value of such a line; None where it is not of that form.

    Raises InvalidInput for a quote that is not closed, or is followed by more.
    """
    match = _ASSIGNMENT.fullmatch(text)
    if match is None:
        return None
    name = match["double"] or match["single"] or match["bare"]
    value = match["value"]
    if not value.startswith(('"', "'")):
        return name, value.rstrip()
    quoted = _QUOTED.fullmatch(value)
    if quoted is None:
        raise InvalidInput(
            name, "its quotes do not enclose the whole value; close them at its end, or leave them "
            "out (the entries below are read without this variable)",
        )  # fmt: skip
    return name, quoted[1] or quoted[2] or ""


def check_zone(value: str) -> None:
    """Raise InvalidInput where the value of CRON_TZ is no zone."""
    try:
        known_zone(value)
    except InvalidRecurrence as error:
        told = str(error).partition(": ")[2]
        raise InvalidInput(ZONE, f"{told} (the entries below are read without it)") from None


def is_set_by_cron(name: str) -> bool:
    """Whether cron sets it itself, whatever a crontab says."""
    return name == _OVERRIDDEN


def remarks_on(name: str, value: str) -> Iterator[str]:
    """What somebody who sets this variable may expect in vain. The value is never repeated."""
    told = {
        _OVERRIDDEN: "LOGNAME cannot be set, as in cron; the line has no effect",
        "MAILTO": "no mail is sent: the output of each run is kept with it; failures are shown by "
        "`onbeat jobs ls --state failed`",
        "TZ": "TZ is told to the command alone, as by cron; CRON_TZ or --tz moves the times",
        "RANDOM_DELAY": "RANDOM_DELAY has no effect: jobs start on time",
    }
    if name in told and (value or name != "MAILTO"):
        yield told[name]
    if "$" in value:
        yield f"{name} holds a $, which cron does not expand, and neither is it here"
