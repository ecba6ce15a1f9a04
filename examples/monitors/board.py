"""What is known of every monitor, from what the engine and the checks say; knows no screen.

up        the last attempt was answered
slow      the same, but it took half a second or more
down      the last attempt failed, whether or not another follows
new       not checked yet
late      beside the above: nothing has happened for 2 s longer than it should have taken,
          counted from the last check (its interval), a failed attempt (the wait before the
          next) or an attempt begun (its timeout)
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

from examples.monitors.rows import PRIORITIES, Monitor

SLOW_SECONDS = 0.5
GRACE_SECONDS = 2.0
WINDOW_SECONDS = 10.0
"""How far back rates and percentiles look."""

KEPT_TICKS = 10_000
ENDING_MOVES = {"complete", "bury", "stop"}


class Verdict(StrEnum):
    """What the last attempt says of a page."""

    UP = "up"
    SLOW = "slow"
    DOWN = "down"
    NEW = "new"


@dataclass(slots=True)
class Standing:
    """A monitor as it stands."""

    monitor: Monitor
    interval: float
    expected_at: float
    """By when something is to happen with it."""
    verdict: Verdict = Verdict.NEW
    since: float = 0.0
    reason: str = ""

    def is_late(self, now: float) -> bool:
        """Whether what was expected is overdue."""
        return now > self.expected_at + GRACE_SECONDS


@dataclass(slots=True)
class Counts:
    """What has happened since the start."""

    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0
    retried: int = 0
    given_back: int = 0
    fired: int = 0
    skipped: int = 0
    broken: list[str] = field(default_factory=list)

    @property
    def ended(self) -> int:
        """Checks that came to an end; a retried one is not there yet."""
        return self.succeeded + self.failed + self.cancelled


@dataclass(frozen=True, slots=True)
class View:
    """The board at one moment."""

    total: Counter[str]
    by_region: dict[str, Counter[str]]
    by_criticality: dict[str, Counter[str]]
    worst: list[tuple[Standing, bool]]
    """Those down or late, the gravest first, and whether each is late."""
    per_second: float
    p50: float
    p99: float
    tick_p50: float
    tick_worst: float


class Board:
    """Hears what happens and keeps what follows from it. All times are monotonic seconds."""

    def __init__(self, task: str) -> None:
        """Of the checks alone, which are jobs of `task`."""
        self._task = task
        self.counts = Counts()
        self.ticks: deque[float] = deque(maxlen=KEPT_TICKS)
        self.ever_late: set[str] = set()
        self._standings: dict[str, Standing] = {}
        self._running: dict[str, str] = {}
        self._attempts: deque[tuple[float, float]] = deque()
        self._recent_ticks: deque[tuple[float, float]] = deque()
        self._started = 0.0
        self._timeout = 0.0

    def open(self, intervals: Iterable[tuple[Monitor, float]], timeout: float, now: float) -> None:
        """Begin with these monitors and their intervals; an attempt takes at most `timeout`."""
        self._started, self._timeout = now, timeout
        self._standings = {
            monitor.name: Standing(monitor, interval, now + interval)
            for monitor, interval in intervals
        }

    def began(self, job: str, monitor: str, now: float) -> None:
        """Note that an attempt of `job` looks at `monitor`."""
        self._running[job] = monitor
        if monitor in self._standings:
            self._standings[monitor].expected_at = now + self._timeout

    def hear(self, event: Any, now: float) -> None:
        """Note an event of the engine, which are told apart by name."""
        match type(event).__name__:
            case "JobEnded" if event.task == self._task:
                self._count_end(event)
                self._attempts.append((now, event.duration.total_seconds()))
                self._judge(event, now)
            case "Ticked":
                self._note_tick(event, now)
            case "ScheduleBroken":
                self.counts.broken.append(f"{event.schedule}: {event.reason}")

    def view(self, now: float) -> View:
        """How it all stands now."""
        self._forget(now)
        late = {name for name, each in self._standings.items() if each.is_late(now)}
        self.ever_late |= late
        times = sorted(seconds for _, seconds in self._attempts)
        ticks = sorted(seconds for _, seconds in self._recent_ticks)
        window = max(1.0, min(WINDOW_SECONDS, now - self._started))
        return View(
            total=self._tally(lambda _: "", late).get("", Counter()),
            by_region=self._tally(lambda monitor: monitor.region, late),
            by_criticality=self._tally(lambda monitor: monitor.criticality, late),
            worst=self._worst(late),
            per_second=len(times) / window,
            p50=quantile(times, 0.50),
            p99=quantile(times, 0.99),
            tick_p50=quantile(ticks, 0.50),
            tick_worst=ticks[-1] if ticks else 0.0,
        )

    def down(self) -> list[Standing]:
        """Those whose last attempt failed."""
        return [each for each in self._standings.values() if each.verdict is Verdict.DOWN]

    def regions(self) -> list[str]:
        """Where there are monitors."""
        return sorted({each.monitor.region for each in self._standings.values()})

    def standing_in(self, region: str) -> Counter[str]:
        """How many of a region are up, slow, down, and not checked yet."""
        return Counter(
            each.verdict for each in self._standings.values() if each.monitor.region == region
        )

    def _count_end(self, event: Any) -> None:
        match event.move:
            case "complete":
                self.counts.succeeded += 1
            case "bury":
                self.counts.failed += 1
            case "stop":
                self.counts.cancelled += 1
            case "retry":
                self.counts.retried += 1
            case _:
                self.counts.given_back += 1

    def _judge(self, event: Any, now: float) -> None:
        standing = self._standings.get(self._running.pop(event.job, ""))
        if standing is None:
            return
        is_over = event.move in ENDING_MOVES
        wait = standing.interval if is_over else (event.retry_in or timedelta()).total_seconds()
        standing.expected_at = now + wait
        if event.move not in ("complete", "bury", "retry"):
            return
        verdict = _verdict(event)
        if verdict is not standing.verdict:
            standing.verdict, standing.since = verdict, now
        standing.reason = _plain(event.reason or "")

    def _note_tick(self, event: Any, now: float) -> None:
        self.counts.fired += event.fired
        self.counts.skipped += event.skipped
        lateness = event.lateness.total_seconds()
        # What came due while nobody ran is made up for at once, and is no tick's lateness.
        if (event.fired or event.skipped) and lateness < now - self._started:
            self.ticks.append(lateness)
            self._recent_ticks.append((now, lateness))

    def _forget(self, now: float) -> None:
        for seen in (self._attempts, self._recent_ticks):
            while seen and seen[0][0] < now - WINDOW_SECONDS:
                seen.popleft()

    def _tally(self, key: Callable[[Monitor], str], late: set[str]) -> dict[str, Counter[str]]:
        tally: dict[str, Counter[str]] = {}
        for name, standing in self._standings.items():
            counter = tally.setdefault(key(standing.monitor), Counter())
            counter[standing.verdict] += 1
            counter["late"] += name in late
        return tally

    def _worst(self, late: set[str]) -> list[tuple[Standing, bool]]:
        worst = [
            (standing, name in late)
            for name, standing in self._standings.items()
            if standing.verdict is Verdict.DOWN or name in late
        ]
        return sorted(worst, key=lambda each: (-each[0].monitor.priority, each[0].since))


def by_gravity(criticalities: Iterable[str]) -> list[str]:
    """The gravest first."""
    return sorted(criticalities, key=lambda word: -PRIORITIES[word])


def quantile(ordered: list[float], share: float) -> float:
    """The value below which `share` of `ordered` lies; 0 when there is none."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def _verdict(event: Any) -> Verdict:
    if event.outcome != "succeeded":
        return Verdict.DOWN
    return Verdict.SLOW if event.duration.total_seconds() >= SLOW_SECONDS else Verdict.UP


def _plain(reason: str) -> str:
    """A reason without the class of its error."""
    kind, colon, rest = reason.partition(": ")
    return rest if colon and kind.isidentifier() else reason
