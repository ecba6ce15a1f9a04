"""How breakers are shown."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from onbeat.app.facts.moments import absolute
from onbeat.cli.output.colours import WARNING
from onbeat.cli.output.tables import Cell, Column
from onbeat.cli.output.words import many, one_line
from onbeat.domain.breakers import BreakerStanding, BreakerState
from onbeat.domain.durations import format_duration

COLUMNS = (
    Column("BREAKER", bends=True),
    Column("STATE"),
    Column("UNTIL"),
    Column("WAITING", right=True),
    Column("WHY", bends=True),
)


def rows(breakers: Sequence[BreakerStanding]) -> list[list[Cell]]:
    """A row for each breaker."""
    return [
        [
            each.name, _state(each), absolute(each.standing.open_until) or "-",
            f"{each.waiting:,}", one_line(each.standing.reason or ""),
        ]
        for each in breakers
    ]  # fmt: skip


def _state(breaker: BreakerStanding) -> Text:
    is_closed = breaker.state is BreakerState.CLOSED
    return Text(breaker.state, "" if is_closed else WARNING)


def page(breaker: BreakerStanding) -> list[str]:
    """One breaker."""
    rule, standing = breaker.rule, breaker.standing
    lines = [
        f"{breaker.name} is {breaker.state}",
        f"opens after {rule.threshold} failures in a row, for {format_duration(rule.open_for)}; "
        f"then {rule.probes} at once may try",
    ]
    if standing.opened_at is None:
        return [*lines, f"{standing.counted} failures in a row so far"]
    told = f"open since {absolute(standing.opened_at)} until {absolute(standing.open_until)}"
    return [*lines, f"{told}: {standing.reason}", _waiting(breaker.waiting)]


def _waiting(count: int) -> str:
    return f"{many(count, 'job')} {'waits' if count == 1 else 'wait'} for it"
