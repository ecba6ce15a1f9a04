"""A worker that falls silent and comes back, played on a store in a time of the picture's own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from onbeat.domain.jobs import ClaimedJob
from onbeat.domain.workers import Session
from onbeat.store import workers
from onbeat.store.opening import open_store
from onbeat.store.schema_state import migrate
from onbeat.store.store import Store
from tests import factories
from tests.contract.rescue import rescue
from tests.docs.pictures.shapes import BLUE, GREEN, QUIET, RED, page, text
from tests.timing import START, ManualTiming

TERM = timedelta(seconds=15)
BEATS, SILENT_FROM, BACK, ENDS, UNTIL = 5, 7, 26, 32, 36
"""Seconds: between heartbeats, after which none comes, when the first worker speaks again, when
the second is done, and the end of the picture.
"""


@dataclass
class Played:
    """What came of it: moments in seconds, tokens as the store gave them."""

    beats: list[int]
    first: int
    rescued: int
    second: int
    is_refused: bool
    is_applied: bool


async def _played(store: Store, timing: ManualTiming) -> Played:
    silent, other = [await _begun(store) for _ in range(2)]
    await store.enqueue([factories.job()])
    first = await _claimed(store, silent)
    beats, rescued, second = [], 0, None
    is_refused = is_applied = False
    for second_now in range(UNTIL):
        if second_now % BEATS == 0 and second_now:
            await store.heartbeat(other.id, TERM)
            if second_now < SILENT_FROM:
                await store.heartbeat(silent.id, TERM)
                beats.append(second_now)
        if second is None and await rescue(store):
            rescued, second = second_now, await _claimed(store, other)
        if second_now == BACK:
            is_refused = not await store.ack([factories.ack(first)])
        if second_now == ENDS and second is not None:
            is_applied = bool(await store.ack([factories.ack(second)]))
        timing.advance(by=timedelta(seconds=1))
    assert second is not None
    return Played(beats, first.token, rescued, second.token, is_refused, is_applied)


async def _begun(store: Store) -> Session:
    session = factories.session()
    await store.write(partial(workers.begin, session=session, expires_in=TERM))
    return session


async def _claimed(store: Store, session: Session) -> ClaimedJob:
    [claimed] = await store.claim(session.id, ["default"], 1)
    return claimed


async def fencing() -> str:
    """The picture."""
    with TemporaryDirectory() as folder:
        timing = ManualTiming(START)
        store = open_store(f"sqlite:///{Path(folder) / 'fence.db'}", timing=timing)
        await store.write(migrate)
        await store.open()
        try:
            played = await _played(store, timing)
        finally:
            await store.close()
    title = "A worker falls silent and comes back: its word is not taken"
    return page(title, 1000, 262, _parts(played))


def _x(second: float) -> float:
    return 130 + second * 23


def _parts(played: Played) -> Iterator[str]:
    for second in range(0, UNTIL + 1, 5):
        yield text(_x(second), 54, f"{second} s", anchor="middle", quiet=True)
        yield f'<line x1="{_x(second)}" y1="62" x2="{_x(second)}" y2="244" stroke="#e3e7eb"/>'
    for y, name in ((98, "worker A"), (158, "the lease"), (218, "worker B")):
        yield text(16, y + 4, name)
        if name != "the lease":
            yield f'<line x1="{_x(0)}" y1="{y}" x2="{_x(UNTIL)}" y2="{y}" stroke="#9aa4ae"/>'
    yield from _of_the_first(played)
    yield from _lease(0, played.rescued, played.first, QUIET)
    yield from _lease(played.rescued, ENDS, played.second, BLUE)
    yield _said(played.rescued, 218, BLUE, "claims", below=True)
    yield _said(ENDS, 218, GREEN, "done: taken" if played.is_applied else "?", below=True)


def _of_the_first(played: Played) -> Iterator[str]:
    yield _said(0, 98, QUIET, "claims")
    for second in played.beats:
        yield f'<circle cx="{_x(second)}" cy="98" r="4" fill="{GREEN}"/>'
    silent, back = _x(SILENT_FROM), _x(BACK)
    yield (
        f'<rect x="{silent}" y="88" width="{back - silent}" height="20" fill="#fdecea"/>'
        + text((silent + back) / 2, 102, "frozen, or cut off", anchor="middle", quiet=True)
    )
    said = f"done: refused, token {played.first} is gone" if played.is_refused else "?"
    yield _said(BACK, 98, RED, said)


def _lease(begin: int, end: int, token: int, colour: str) -> Iterator[str]:
    width = _x(end) - _x(begin) - 2
    yield (
        f'<rect x="{_x(begin)}" y="147" width="{width}" height="22" rx="3" fill="{colour}" '
        'opacity="0.25"/>'
    )
    yield text((_x(begin) + _x(end)) / 2, 163, f"token {token}", anchor="middle")


def _said(second: float, y: float, colour: str, said: str, *, below: bool = False) -> str:
    x = _x(second)
    mark = f'<circle cx="{x}" cy="{y}" r="6" fill="{colour}"/>'
    return mark + text(x + 2, y + 24 if below else y - 14, said, quiet=True)
