"""Sources, and messages that did not fit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.text import Text

from onbeat.app.sources import SeenSource
from onbeat.cli.output.colours import BAD, GOOD, WARNING
from onbeat.cli.output.tables import Cell, Column
from onbeat.cli.output.words import NONE, since
from onbeat.domain.durations import format_duration
from onbeat.domain.services import Status
from onbeat.domain.sources.listening import SetAside

COLUMNS = (
    Column("SOURCE", bends=True), Column("KIND"), Column("STATE"), Column("PROCESS"),
    Column("WAITING", right=True), Column("BEHIND", right=True), Column("TAKEN", right=True),
    Column("SET ASIDE", right=True), Column("LAST"), Column("ERROR", bends=True),
)  # fmt: skip
ASIDE = (
    Column("ID"), Column("SOURCE", bends=True), Column("WHEN"), Column("CHANNEL", bends=True),
    Column("REASON", bends=True), Column("MESSAGE", bends=True, spare=True),
)  # fmt: skip

LONGEST_BODY = 60


def source_rows(sources: Sequence[SeenSource], now: datetime) -> list[list[Cell]]:
    """The rows of a list."""
    return [_source_row(each, now) for each in sources]


def _source_row(source: SeenSource, now: datetime) -> list[Cell]:
    heard = source.listening
    if heard is None:
        return [source.name, NONE, _state(source), NONE, NONE, NONE, NONE, NONE, NONE, ""]
    behind = format_duration(heard.behind) if heard.waiting else NONE
    return [
        source.name, heard.kind, _state(source), source.process or NONE, f"{heard.waiting:,}",
        behind, f"{heard.taken:,}", f"{heard.set_aside:,}", since(heard.last_at, now),
        heard.error or "",
    ]  # fmt: skip


def _state(source: SeenSource) -> Text:
    if source.status is Status.PAUSED:
        return Text("paused", WARNING)
    if source.is_up:
        return Text("connected", GOOD)
    return Text("waiting" if source.listening else "nobody listens", BAD)


def set_aside_rows(messages: Sequence[SetAside], now: datetime) -> list[list[Cell]]:
    """The rows of a list."""
    return [
        [each.id, each.source, since(each.at, now), each.channel, each.reason,
         each.body[:LONGEST_BODY]]
        for each in messages
    ]  # fmt: skip
