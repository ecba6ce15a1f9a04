"""What the demo looks like: a live table in a terminal, a line now and then elsewhere."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from examples.monitors.board import View, by_gravity
from examples.monitors.importing import Told

COLOURS = {"up": "green", "slow": "yellow", "down": "red", "late": "magenta", "new": "bright_black"}
SHOWN = ("up", "slow", "down", "new", "late")
BAR = ("up", "slow", "down", "new")
REGIONS_SHOWN = 4
ROWS_AROUND_WORST = 19
"""Lines of the screen that are not of the table of what is down."""

PLAIN_EVERY = 3.0
REDRAW_EVERY = 0.5


class Depth(Protocol):
    """What of a queue is shown."""

    @property
    def pending(self) -> int: ...
    @property
    def running(self) -> int: ...
    @property
    def delayed(self) -> int: ...


class Screen(Protocol):
    """Shows the board as it changes."""

    every: float
    """Seconds from one showing to the next."""

    def show(self, view: View, depth: Depth | None, elapsed: float) -> None: ...


class PlainScreen:
    """A line each time: for logs and pipes."""

    every = PLAIN_EVERY

    def __init__(self, console: Console) -> None:
        self._console = console

    def show(self, view: View, depth: Depth | None, elapsed: float) -> None:
        """Print a line."""
        counts = "  ".join(f"{name} {view.total[name]}" for name in SHOWN)
        line = (
            f"{clock(elapsed)}  {counts}  |  {view.per_second:.1f} checks/s  "
            f"p50 {short(view.p50)}  p99 {short(view.p99)}  |  ticks late {short(view.tick_worst)}"
        )
        if depth is not None:
            line += (
                f"  |  pending {depth.pending}  running {depth.running}  to retry {depth.delayed}"
            )
        self._console.print(line, highlight=False, soft_wrap=True, markup=False)


class LiveScreen:
    """The whole terminal, redrawn in place."""

    every = REDRAW_EVERY

    def __init__(self, live: Live, place: str, seconds: float | None, above: Sequence[str]) -> None:
        self._live = live
        self._above = above
        self._place = place
        self._seconds = seconds

    def show(self, view: View, depth: Depth | None, elapsed: float) -> None:
        """Draw anew."""
        width, height = self._live.console.size
        rows = max(1, height - ROWS_AROUND_WORST)
        of = "" if self._seconds is None else f" of {clock(self._seconds)}"
        picture = Group(
            *(Text(each, "bold cyan") for each in self._above),
            _both_ends(
                Text(f"Onbeat  {sum(view.total[name] for name in BAR):,} monitors", "bold"),
                Text(f"{self._place}  {clock(elapsed)}{of}", "bright_black"),
            ),
            Text(),
            _counters(view.total),
            _bar(view.total, width),
            Text(),
            _groups(view),
            Text(),
            *_engine(view, depth),
            Text(),
            _worst(view, rows),
        )
        self._live.update(picture, refresh=True)


@contextlib.contextmanager
def screen_on(
    console: Console, place: str, seconds: float | None, above: Sequence[str] = ()
) -> Iterator[Screen]:
    """The screen that fits where `console` writes; a live one tells `above` all the time."""
    if not console.is_terminal:
        yield PlainScreen(console)
        return
    with Live(console=console, screen=True, auto_refresh=False) as live:
        yield LiveScreen(live, place, seconds, above)


@contextlib.contextmanager
def progress_on(console: Console) -> Iterator[Told]:
    """A bar for the import; nothing where nobody watches."""
    columns = (TextColumn("Scheduling"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("Scheduling")
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _both_ends(left: Text, right: Text) -> RenderableType:
    grid = Table.grid(expand=True)
    grid.add_column(no_wrap=True)
    grid.add_column(justify="right", no_wrap=True, overflow="ellipsis")
    grid.add_row(left, right)
    return grid


def _counters(total: Counter[str]) -> Text:
    text = Text()
    for name in SHOWN:
        colour = COLOURS[name] if total[name] else "bright_black"
        label = "not checked yet" if name == "new" else name
        text.append(f"{total[name]:,}", f"bold {colour}").append(f" {label}    ", colour)
    return text


def _bar(total: Counter[str], width: int) -> Text:
    """All monitors as one line: each verdict its share, and none that is there without a cell."""
    whole = sum(total[name] for name in BAR) or 1
    cells = {name: max(1, total[name] * width // whole) if total[name] else 0 for name in BAR}
    widest = max(cells, key=lambda name: cells[name])
    cells[widest] += width - sum(cells.values())
    text = Text()
    for name in BAR:
        text.append("━" * cells[name], COLOURS[name])
    return text


def _groups(view: View) -> RenderableType:
    grid = Table.grid(expand=True, padding=(0, 4, 0, 0))
    grid.add_column(ratio=1)
    grid.add_column(ratio=1)
    regions = sorted(view.by_region, key=lambda name: -sum(view.by_region[name].values()))
    grid.add_row(
        _group("region", {name: view.by_region[name] for name in regions[:REGIONS_SHOWN]}),
        _group(
            "criticality",
            {name: view.by_criticality[name] for name in by_gravity(view.by_criticality)},
        ),
    )
    return grid


def _group(title: str, counted: dict[str, Counter[str]]) -> Table:
    table = _table()
    table.add_column(title, no_wrap=True, ratio=1)
    for name in SHOWN:
        table.add_column(name, justify="right", width=4)
    for word, counter in counted.items():
        table.add_row(word, *(_cell(counter[name], name) for name in SHOWN))
    return table


def _cell(count: int, name: str) -> Text:
    quiet = count == 0 or name == "new"
    return Text(str(count), "bright_black" if quiet else COLOURS[name] if name != "up" else "")


def _engine(view: View, depth: Depth | None) -> tuple[RenderableType, RenderableType]:
    checks = (
        f"Checks  {view.per_second:.1f}/s   p50 {short(view.p50)}   p99 {short(view.p99)}"
        f"        Ticks  {short(view.tick_p50)} late, at worst {short(view.tick_worst)}"
    )
    if depth is None:
        return Text(checks), Text()
    queue = f"Queue   {depth.pending} pending   {depth.running} running   {depth.delayed} to retry"
    return Text(checks), Text(queue)


def _worst(view: View, rows: int) -> Table:
    table = _table(gap=2)
    table.add_column(f"down or late: {len(view.worst)}", no_wrap=True, overflow="ellipsis", ratio=3)
    table.add_column("region", no_wrap=True, width=8)
    table.add_column("criticality", no_wrap=True, width=11)
    table.add_column("for", justify="right", no_wrap=True, width=6)
    table.add_column("reason", no_wrap=True, overflow="ellipsis", ratio=5)
    now = time.monotonic()
    for standing, is_late in view.worst[:rows]:
        monitor = standing.monitor
        lasting = lasted(now - standing.since) if standing.since else ""
        reason = Text("no check when one was due ", COLOURS["late"]) if is_late else Text()
        table.add_row(
            monitor.name, monitor.region, monitor.criticality, lasting,
            reason.append(standing.reason, "" if is_late else COLOURS["down"]),
        )  # fmt: skip
    return table


def _table(gap: int = 1) -> Table:
    return Table(box=None, expand=True, padding=(0, gap, 0, 0), header_style="bright_black")


def clock(seconds: float) -> str:
    """Minutes and seconds."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def lasted(seconds: float) -> str:
    """A length of time in whole units."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def short(seconds: float) -> str:
    """A time in few characters."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
