"""The one reader of a process: looks again and again at what changed, and tells each change once.

All that a look needs is read first and taken over last: a look that fails, or is done twice as its
connection was lost, has not happened.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from onbeat.api.live import telling
from onbeat.api.live.position import Position
from onbeat.api.live.remembering import Told
from onbeat.api.live.watching import Watch, Watched, told_lines, watch
from onbeat.domain.jobs import JobId, made_at
from onbeat.domain.lateness import FAR, Lateness
from onbeat.domain.live import News
from onbeat.store import changes
from onbeat.store.changes import (
    CLOCKS_DIFFER,
    Asked,
    Ended,
    Entry,
    Facts,
    Places,
    Running,
    Sight,
    Since,
)
from onbeat.store.store import Store

FILLS = tuple(timedelta(seconds=each) for each in (300, 60, 30))
"""How far back the first look reads, for who was told by another process until now: as far as can
be told.
"""

SWEEP_EVERY = timedelta(seconds=5)

LAGGING_EVERY = timedelta(seconds=10)
"""How often ids from clocks that lag are looked for."""

ACCESS = frozenset({"user", "token"})
"""What is changed by hand when it changes who may do what."""


@dataclass(frozen=True, slots=True)
class Look:
    """One look: when it began and was over, and what was new."""

    began: datetime
    ended: datetime
    position: Position
    news: tuple[News, ...]
    is_blind: bool = False
    """Whether something was too much to be told, or may have been passed over."""
    changes_access: bool = False
    """Whether users or tokens were changed."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What one look brings, before it is taken over."""

    sight: Sight
    ended_at: datetime
    asked: list[Asked]
    late: list[Asked]
    ended: list[Ended]
    begun: list[Running]
    gone: list[Running]
    entries: list[Entry]
    facts: Facts
    watch: Watch
    is_blind: bool


class Reader:
    """Reads one store; `begin` first, then `look` as often as is wanted."""

    def __init__(self, store: Store) -> None:
        """Read `store`."""
        self._store = store
        self._name = store.new_id()[-8:]
        now = store.timing.now() - FILLS[0]
        self._lateness = Lateness.beginning(now, ())
        self._asked = Told[str](now)
        self._ended = Told[tuple[str, datetime]](now)
        self._entries = Told[str](now)
        self._running: Mapping[int, Running] = {}
        self._over: frozenset[int] = frozenset()
        self._workers: Mapping[str, str] = {}
        self._heard_at: datetime | None = None
        self._watched: Mapping[str, Watched] = {}
        self._lagging_at = self._swept_at = now
        self._again_at: datetime | None = None
        """When all are to read anew once more: by then what was under way has been committed."""
        self._waiting: tuple[News, ...] | None = None
        self.filled_since = now
        """From which moment on the first look has told all."""

    @property
    def watched(self) -> Mapping[str, Watched]:
        """What is known of the jobs that somebody looks at."""
        return self._watched

    async def begin(self) -> Look:
        """The first look: what changed in the last minutes, as far as that can be told."""
        for fill in FILLS:
            found = await self._store.read(
                partial(self._find, floor=_back(fill), wanted=(), is_due=True)
            )
            if not found.is_blind:
                break
        now = found.sight.at
        since = now if found.is_blind else found.sight.since
        self._lateness = Lateness.beginning(now, found.sight.writing)
        self._asked, self._ended, self._entries = Told(since), Told(since), Told(since)
        self._lagging_at = self._swept_at = now
        self._workers = found.sight.workers
        self.filled_since = since
        return self._take(found)

    async def look(self, wanted: Collection[str] = ()) -> Look:
        """The next look; at the jobs that are `wanted` closely."""
        is_due = self._store.timing.now() - self._lagging_at >= LAGGING_EVERY
        found = await self._store.read(
            partial(
                self._find, floor=self._lateness.since, wanted=wanted,
                is_due=is_due,
            )
        )  # fmt: skip
        sight = found.sight
        has_news = bool(found.asked or found.ended or found.entries)
        has_news = has_news or sight.heard_at != self._heard_at
        self._lateness = self._lateness.after(sight.at, sight.writing, has_news=has_news)
        if is_due:
            self._lagging_at = sight.at
        return self._take(found)

    async def waiting(self) -> tuple[News, ...] | None:
        """All jobs that wait for another attempt: who was told by another process may not know of
        some that they do. None where they are too many to tell.
        """
        if self._waiting is None:
            self._waiting = await self._store.read(self._find_waiting)
        return self._waiting

    async def lines(self, known: Mapping[str, Places]) -> list[News]:
        """Log lines of jobs that are looked at, beyond those that are known."""

        def find(connection: Connection, now: datetime) -> list[News]:
            there = {job: replace(self._watched.get(job, Watched()), lines=places)
                     for job, places in known.items()}  # fmt: skip
            found = changes.lines_beyond(connection, now, known)
            return told_lines(connection, now, found, there)

        return await self._store.read(find)

    def _find_waiting(self, connection: Connection, now: datetime) -> tuple[News, ...] | None:
        found = changes.waiting_again(connection, now)
        if found is None:
            return None
        facts = changes.facts(connection, now, found, (), ())
        gone = [Running(0, each.job, each.task, each.queue, 0) for each in facts.jobs.values()]
        return tuple(telling.of_waiting(gone, facts, now))

    def _find(
        self, connection: Connection, now: datetime, *,
        floor: Since, wanted: Collection[str],
        is_due: bool,
    ) -> _Found:  # fmt: skip
        stored_since = self._lagging_at - FAR if is_due else None
        sight = changes.see(connection, now, floor, stored_since)
        asked = [each for each in sight.asked or () if each.job not in self._asked]
        ended = [each for each in sight.ended or () if (each.job, each.at) not in self._ended]
        late = [each for each in sight.lagging if each.job not in self._asked]
        entries = [each for each in sight.entries or () if each.id not in self._entries]
        running = sight.running or {}
        begun = [each for token, each in running.items() if token not in self._running]
        gone = self._gone(sight, ended)
        subjects = [each.subject for each in entries if each.subject_kind == "job"]
        named = [each.subject for each in entries if each.subject_kind == "schedule"]
        jobs = [each.job for each in ended] + [each.job for each in (*begun, *gone)]
        facts = changes.facts(connection, now, [*jobs, *subjects], [*asked, *late], named)
        closely = watch(connection, now, self._watched, wanted)
        is_blind = None in (sight.asked, sight.ended, sight.running, sight.entries)
        is_blind = is_blind or self._has_forgotten(now, asked, ended)
        return _Found(
            sight, self._clock(connection), asked, late, ended, begun, gone, entries, facts,
            closely, is_blind,
        )  # fmt: skip

    def _gone(self, sight: Sight, ended: Collection[Ended]) -> list[Running]:
        """What ran, and does not, and has not ended: it waits again."""
        if sight.running is None:
            return []
        over = {each.job for each in ended}
        return [
            each
            for token, each in self._running.items()
            if token not in sight.running and token not in self._over and each.job not in over
        ]

    def _has_forgotten(
        self, now: datetime, asked: Collection[Asked], ended: Collection[Ended]
    ) -> bool:
        """Whether something lies where what was told is not remembered."""
        if self._again_at is not None:
            return False
        return any(made_at(JobId(each.job)) < self._asked.since for each in asked) or any(
            each.at < self._ended.since for each in ended
        )

    def _clock(self, connection: Connection) -> datetime:
        is_theirs = connection.dialect.name == "postgresql" and self._store.timing.is_real
        return changes.clock(connection) if is_theirs else self._store.timing.now()

    def _take(self, found: _Found) -> Look:
        """Take over what was found; the look."""
        now = found.sight.at
        news = tuple(self._tell(found, now))
        self._asked.add((each.job, made_at(JobId(each.job))) for each in found.asked)
        self._asked.add((each.job, now) for each in found.late)
        self._ended.add(((each.job, each.at), each.at) for each in found.ended)
        self._entries.add((each.id, made_at(JobId(each.id))) for each in found.entries)
        over = {each.job for each in found.ended}
        running = found.sight.running or {}
        self._over = frozenset(
            token for token, each in running.items() if token in self._over or each.job in over
        )
        self._running = running
        self._workers, self._heard_at = found.sight.workers, found.sight.heard_at
        self._watched = found.watch.jobs
        self._sweep(now)
        return Look(
            now, found.ended_at, self._position(now), news,
            self._is_blind(now, found), any(each.subject_kind in ACCESS for each in found.entries),
        )  # fmt: skip

    def _position(self, now: datetime) -> Position:
        lines = {job: each.lines for job, each in self._watched.items()}
        return Position(now, self._lateness.complete_before, self._name, lines)

    def _is_blind(self, now: datetime, found: _Found) -> bool:
        """Whether all are to read anew; once it was so, they do it once more a little later."""
        if found.is_blind:
            self._again_at = now + FAR
            return True
        if self._again_at is not None and now >= self._again_at:
            self._again_at = None
            return True
        return False

    def _tell(self, found: _Found, now: datetime) -> list[News]:
        facts = found.facts
        of_jobs = [
            *telling.of_asked(found.asked, facts),
            *telling.of_late(found.late, facts, now),
            *telling.of_begun(found.begun, facts, now),
            *telling.of_waiting(found.gone, facts, now),
            *telling.of_ended(found.ended, facts),
        ]
        return [
            *of_jobs,
            *telling.touched(of_jobs, facts),
            *telling.of_entries(found.entries, facts),
            *telling.of_workers(self._workers, found.sight.workers, now),
            *found.watch.news,
        ]

    def _sweep(self, now: datetime) -> None:
        """Forget now and then what no look will come upon again."""
        if now - self._swept_at < SWEEP_EVERY:
            return
        self._swept_at = now
        # Ids are read from a whole millisecond on.
        floor = self._lateness.complete_before - timedelta(milliseconds=1)
        self._asked.sweep(floor)
        self._ended.sweep(floor)
        self._entries.sweep(floor - CLOCKS_DIFFER)


def _back(by: timedelta) -> Since:
    """Read from so long ago on."""
    return lambda now, _: now - by
