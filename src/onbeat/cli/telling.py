"""Options of commands that say where a channel leads, and what it is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import typer

from onbeat.domain.channels import PATTERNS, Tells
from onbeat.domain.errors import InvalidInput
from onbeat.domain.incidents import Severity

LISTS = (*PATTERNS, "changes")
NONE = "none"
"""What takes an option back to its default."""


def _patterns(of: str) -> Any:
    return typer.Option(metavar="A,B", help=f"Only {of} that fit: `*` is anything, `!` takes away.")


@dataclass(frozen=True, kw_only=True)
class Where:
    """Where a channel leads."""

    url: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="Of Slack's webhook, of a receiver, or of apprise; - asks."
        ),
    ] = None
    to: Annotated[str | None, typer.Option(metavar="A,B", help="Addresses of e-mail.")] = None
    key: Annotated[
        str | None, typer.Option(metavar="KEY", help="PagerDuty's integration key; - asks for it.")
    ] = None
    secret: Annotated[
        str | None,
        typer.Option(metavar="WHSEC", help="What a webhook is signed with; else one is made."),
    ] = None

    def given(self) -> dict[str, Any]:
        """What was given, what is asked for among it."""
        said: dict[str, Any] = {"url": self.url, "key": self.key, "secret": self.secret}
        asked: dict[str, Any] = {}
        asked |= {name: _asked(name, value) for name, value in said.items() if value is not None}
        if self.to is not None:
            asked["to"] = [each.strip() for each in self.to.split(",") if each.strip()]
        return asked


def _asked(name: str, value: str) -> str:
    """The value itself, or what is typed, or comes on standard input, for a dash."""
    if value != "-":
        return value
    return str(typer.prompt(name, hide_input=True, err=True))


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a channel is told, and how; `none` takes an option back to its default."""

    severity: Annotated[
        str | None,
        typer.Option(metavar="LEAST", help=f"Nothing below: {', '.join(Severity)}."),
    ] = None
    rules: Annotated[str | None, _patterns("rules")] = None
    kinds: Annotated[str | None, _patterns("kinds (task, schedule, queue …)")] = None
    names: Annotated[str | None, _patterns("names of what it is about")] = None
    queues: Annotated[str | None, _patterns("queues")] = None
    tasks: Annotated[str | None, _patterns("tasks")] = None
    tags: Annotated[str | None, _patterns("tags")] = None
    changes: Annotated[
        str | None, typer.Option(metavar="A,B", help=f"Only these: {', '.join(Tells)}.")
    ] = None
    group_wait: Annotated[
        str | None, typer.Option(metavar="TIME", help="How long to wait for others of a rule: 30s.")
    ] = None
    group_interval: Annotated[
        str | None, typer.Option(metavar="TIME", help="Between two notices of a rule: 5m.")
    ] = None
    repeat: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Again while nobody sees to it: 4h; 0s: never."),
    ] = None
    cooldown: Annotated[
        str | None, typer.Option(metavar="TIME", help="Not again so soon after a notice: 5m.")
    ] = None
    gap: Annotated[
        str | None, typer.Option(metavar="TIME", help="Least time between two sendings: 1s.")
    ] = None
    daily: Annotated[
        str | None, typer.Option(metavar="N", help="Most notices in a day (UTC): 300.")
    ] = None
    escalate_after: Annotated[
        str | None, typer.Option(metavar="TIME", help="Tell another too, if nobody sees to it.")
    ] = None
    escalate_to: Annotated[
        str | None, typer.Option(metavar="CHANNEL", help="Which: of critical incidents alone.")
    ] = None
    quiet: Annotated[
        str | None,
        typer.Option(metavar="HOURS", help='Only what is critical: "22:00-07:00 Europe/Paris".'),
    ] = None
    title: Annotated[
        str | None, typer.Option(metavar="TEMPLATE", help='As "{severity}: {what}".')
    ] = None
    text: Annotated[
        str | None, typer.Option(metavar="TEMPLATE", help="All of the text; see docs/channels.md.")
    ] = None

    def given(self) -> dict[str, Any]:
        """What was given, as options are read."""
        said = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {name: _read(name, text) for name, text in said.items() if text is not None}


def _read(name: str, text: str) -> Any:
    if text == NONE:
        return None
    if name in LISTS:
        return [each.strip() for each in text.split(",") if each.strip()]
    if name == "daily":
        if not text.isdecimal():
            raise InvalidInput("daily", f"{text!r} is no whole number")
        return int(text)
    return text
