"""Channels, and what they were told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from rich.text import Text

from onbeat.app.channels import Tested
from onbeat.cli.output.colours import BAD, GOOD, WARNING
from onbeat.cli.output.tables import Cell, Column
from onbeat.cli.output.words import NONE, both, lasting, many, one_line, since, visible
from onbeat.domain.channels import OPTIONS, Channel, Options
from onbeat.domain.notices import Notice, NoticeAttempt, NoticeState
from onbeat.store.notices import RuleStats

CHANNELS = (Column("NAME"), Column("KIND"), Column("TARGET", bends=True), Column("LEAST"),
            Column("WAITING", right=True), Column("STATE", bends=True))  # fmt: skip
NOTICES = (Column("ID"), Column("WHEN"), Column("CHANNEL"), Column("KIND"), Column("RULE"),
           Column("STATE"), Column("TRIES", right=True), Column("SAYS", bends=True))  # fmt: skip
STATS = (Column("CHANNEL"), Column("RULE"), Column("SENT", right=True),
         Column("FAILED", right=True), Column("DROPPED", right=True),
         Column("INCIDENTS", right=True), Column("SEEN TO", right=True))  # fmt: skip
COLOURS = {
    NoticeState.SENT: GOOD,
    NoticeState.FAILED: BAD,
    NoticeState.DROPPED: WARNING,
}


def channel_rows(channels: Sequence[Channel], waiting: Mapping[str, int]) -> list[list[Cell]]:
    """The rows of a list."""
    return [
        [each.name, str(each.kind), each.target, str(each.options.severity),
         str(waiting.get(each.id, 0)), _state(each)]
        for each in channels
    ]  # fmt: skip


def _state(channel: Channel) -> Text:
    if not channel.enabled:
        return Text(f"disabled: {one_line(channel.disabled_why or '')}", WARNING)
    if channel.fault is not None:
        return Text(one_line(channel.fault), BAD)
    return Text("ok", GOOD)


def channel_lines(channel: Channel, waiting: int | None, now: datetime) -> list[str]:
    """A page on one."""
    lines = [
        f"channel    {channel.name}",
        f"kind       {channel.kind}",
        f"target     {channel.target}",
        f"made       {both(channel.created_at, now)}",
    ]
    if waiting is not None:
        lines.append(f"waiting    {many(waiting, 'notice')}")
    plain = Options()
    for name in OPTIONS:
        value = getattr(channel.options, name)
        if value != getattr(plain, name) or name == "severity":
            shown = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
            lines.append(f"{name:<10} {one_line(shown)}")
    if not channel.enabled:
        told = f"disabled   {both(channel.disabled_at, now)}"
        lines.append(f"{told}: {one_line(channel.disabled_why or '')}")
    if channel.fault is not None:
        lines.append(f"fault      {both(channel.fault_at, now)}: {one_line(channel.fault)}")
    return lines


def test_lines(tested: Tested) -> list[str]:
    """What came of a test."""
    came = tested.came
    took = None if came.seconds is None else timedelta(seconds=came.seconds)
    lines = [
        "sent" if tested.is_sent else "not sent",
        f"status     {came.status or NONE}",
        f"took       {lasting(took)}",
        f"notice     {tested.notice}",
    ]
    lines += [f"error      {one_line(came.error)}"] if came.error else []
    lines += [f"but        {one_line(came.doubt)}"] if came.doubt else []
    return [*lines, *([f"answer     {visible(came.answer)[:500]}"] if came.answer else [])]


def notice_rows(
    notices: Sequence[Notice], names: Mapping[str, str], now: datetime
) -> list[list[Cell]]:
    """The rows of a list."""
    return [
        [each.id, since(each.made_at, now), names.get(each.channel, NONE), str(each.kind),
         each.rule, Text(str(each.state), COLOURS.get(each.state, "")), str(each.attempts),
         _says(each)]
        for each in notices
    ]  # fmt: skip


def _says(notice: Notice) -> str:
    if notice.why is not None:
        return one_line(notice.why)
    what = one_line(notice.items[0].facts.what) if notice.items else ""
    return what if notice.count <= 1 else f"{what} and {notice.count - 1:,} more"


def notice_lines(
    notice: Notice, attempts: Sequence[NoticeAttempt], names: Mapping[str, str], now: datetime
) -> list[str]:
    """A page on one."""
    lines = [
        f"notice     {notice.id}",
        f"channel    {names.get(notice.channel, notice.channel)}",
        f"kind       {notice.kind} ({many(notice.count, 'incident')}, rule {notice.rule})",
        f"state      {notice.state}",
        f"made       {both(notice.made_at, now)}",
        f"due        {both(notice.due_at, now)}",
    ]
    lines += [f"settled    {both(notice.settled_at, now)}"] if notice.settled_at else []
    lines += [f"why        {one_line(notice.why)}"] if notice.why else []
    lines += [
        f"incident   {each.incident} {each.tells}: {one_line(each.facts.what)}"
        for each in notice.items
    ]
    return [*lines, *(_attempt(each, now) for each in attempts)]


def _attempt(attempt: NoticeAttempt, now: datetime) -> str:
    came = one_line(attempt.error or attempt.answer or "")[:200]
    status = attempt.status or NONE
    took = lasting(attempt.latency)
    return f"try {attempt.number:<6} {both(attempt.at, now)}: {status} in {took} {came}".rstrip()


def stats_rows(stats: Sequence[RuleStats]) -> list[list[Cell]]:
    """The rows of a list."""
    return [
        [each.channel, each.rule, str(each.sent), str(each.failed), str(each.dropped),
         str(each.incidents), _seen(each)]
        for each in stats
    ]  # fmt: skip


def _seen(stats: RuleStats) -> Text:
    """Told often and seen to hardly ever: a rule that is noise."""
    if not stats.incidents:
        return Text(NONE)
    share = stats.seen / stats.incidents
    is_noise = stats.incidents >= 10 and share < 0.1
    return Text(f"{share:.0%}{' (noise?)' if is_noise else ''}", WARNING if is_noise else "")
