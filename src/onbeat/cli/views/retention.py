"""How retention is shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from onbeat.app.facts.retention import kept_data
from onbeat.cli.output.tables import Cell, Column
from onbeat.domain.durations import format_duration
from onbeat.domain.retention import Rule, RuleState, kept_text, within

COLUMNS = (
    Column("SUBJECT", bends=True),
    Column("COMPLETED"),
    Column("FAILED"),
    Column("SET BY", bends=True),
)


def rows(states: Sequence[RuleState], of_all: timedelta) -> list[list[Cell]]:
    """A row for each rule, as it works where all are kept for so long."""
    return [
        [str(each.subject), *_cells(each.rule, of_all), each.changed_by if each.by_hand else "code"]
        for each in states
    ]


def _cells(rule: Rule, of_all: timedelta) -> Iterator[str]:
    in_effect = kept_data(within(rule, of_all))
    for name, kept in kept_data(rule).items():
        yield _readable(in_effect[name]) or (
            "as all" if kept is None else f"{format_duration(of_all)}, as all"
        )


def _readable(kept: str | None) -> str | None:
    """What is kept as it reads best: "100,30d" is 100, and 30d."""
    return None if kept is None else kept.replace(",", ", and ")


def told(state: RuleState, of_all: timedelta) -> str:
    """One rule in a sentence, as it works where all are kept for so long."""
    in_effect, said = kept_data(within(state.rule, of_all)), []
    for name, kept in kept_data(state.rule).items():
        if in_effect[name] is not None:
            said.append(f"{_readable(in_effect[name])} {name}")
        elif kept is not None:
            said.append(f"{format_duration(of_all)} {name}, as all")
    return f"of {state.subject} is kept: {'; '.join(said)}"


def remarks(state: RuleState, of_all: timedelta) -> Iterator[str]:
    """What of a rule has no effect, and what would change that."""
    in_effect = within(state.rule, of_all)
    for name in ("completed", "failed"):
        age = getattr(state.rule, f"{name}_for")
        if age is not None and getattr(in_effect, f"{name}_for") is None:
            yield (
                f"{name}: {kept_text(age, None)} has no effect: ONBEAT_RETENTION is "
                f"{format_duration(of_all)} here, and nothing is kept longer; give the processes "
                "that run workers and schedulers a longer one to change that"
            )
