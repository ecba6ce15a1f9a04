"""An event loop on which time passes at once, and several processes that share it.

When nothing is left to do now, the loop's clock jumps to the next timer: an hour of waiting takes
no time at all. All that runs belongs to a `Process`, by the context it was started in. Within a
process the order is asyncio's own; whose turn it is among processes is drawn from `order`, so that
a seed decides it. A process can stand still for a while, or end as if it had been killed.

There are no threads here: what another thread does takes no time that this loop knows of.
"""

from __future__ import annotations

import asyncio
import random
import selectors
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from contextvars import Context, ContextVar, copy_context
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, TypeVarTuple

from onbeat.timing import SystemTiming

T = TypeVar("T")
Args = TypeVarTuple("Args")

START = datetime(2030, 6, 15, 12, tzinfo=UTC)
"""When virtual time begins: a quiet noon, far from midnight, month's end and clock changes."""

TRIES_TO_END = 10
"""How often tasks are cancelled when the loop ends; one that goes on after that is let go of."""

PATIENCE = 3600.0
"""Virtual seconds between two of these."""


class NothingToWaitFor(RuntimeError):
    """Everybody waits, and no timer will ever wake anybody."""


class Process:
    """What lives and dies together, as all that runs in one process of a machine does."""

    def __init__(self, name: str) -> None:
        """Call it `name`; work is given to it by `VirtualLoop.start`."""
        self.name = name
        self.is_alive = True
        self.stands_still = False
        self.turns: deque[Turn] = deque()
        """What waits for its turn on the loop."""


class Turn:
    """One callback, and how to call it off."""

    __slots__ = ("args", "callback", "context", "handle")

    def __init__(
        self, callback: Callable[..., object], args: tuple[Any, ...], context: Context
    ) -> None:
        """Call `callback` in `context` when its turn comes."""
        self.callback = callback
        self.args = args
        self.context = context
        self.handle: asyncio.Handle | None = None

    def take(self) -> None:
        """Call it, unless it was called off."""
        if self.handle is not None and not self.handle.cancelled():
            self.context.run(self.callback, *self.args)


_outside = Process("outside")
_process: ContextVar[Process] = ContextVar("onbeat_process", default=_outside)
_NO_CONTEXT = Context()


def current_process() -> Process:
    """The process that what runs now belongs to."""
    return _process.get()


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time jumps over every wait."""

    def __init__(self, order: random.Random | None = None) -> None:
        """Draw from `order` which process comes next; without it the first that can."""
        self._seconds = 0.0
        self._order = order
        self._able: list[Process] = []
        """Processes with something to do now."""
        self._is_seen_to = False
        self._tasks: dict[asyncio.Task[Any], Process] = {}
        super().__init__(_Jump(self._jump))

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._seconds

    def start(self, process: Process, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run `work` as a task of `process`; so is all that it starts."""
        return self.create_task(work, context=inside(process))

    def create_task(self, coro: Any, **options: Any) -> asyncio.Task[Any]:
        """Start a task, and keep it until it is done."""
        task = super().create_task(coro, **options)
        context = options.get("context")
        self._tasks[task] = _process.get() if context is None else context[_process]
        task.add_done_callback(self._tasks.pop, context=_NO_CONTEXT)
        return task

    def call_soon(
        self, callback: Callable[[*Args], object], *args: *Args, context: Context | None = None
    ) -> asyncio.Handle:
        """Call back in the turn of the process that the context belongs to."""
        turn = Turn(callback, args, context or copy_context())
        turn.handle = asyncio.Handle(callback, args, self, turn.context)
        self._put(turn)
        return turn.handle

    def call_at(
        self,
        when: float,
        callback: Callable[[*Args], object],
        *args: *Args,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Call back when that moment has come and it is its process's turn."""
        turn = Turn(callback, args, context or copy_context())
        timer = super().call_at(when, self._put, turn, context=_NO_CONTEXT)
        turn.handle = timer
        return timer

    def halt(self, process: Process) -> None:
        """Let `process` stand still, as SIGSTOP does: its timers run on, it does not."""
        process.stands_still = True
        if process in self._able:
            self._able.remove(process)

    def go_on(self, process: Process) -> None:
        """Let a process that stood still go on with what has come up meanwhile."""
        if not (process.stands_still and process.is_alive):
            return
        process.stands_still = False
        if process.turns:
            self._able.append(process)
            self._see_to_turns()

    def kill(self, process: Process) -> None:
        """End `process` as SIGKILL does: nothing of it is called any more, no clean-up either.

        Its tasks are kept until the loop ends: let go of, Python would run their clean-up.
        """
        self.halt(process)
        process.is_alive = False

    def end(self) -> None:
        """Cancel all tasks, those of killed processes too, let them clean up, and close."""
        for process in list(self._tasks.values()):
            process.is_alive = True
            self.go_on(process)
        try:
            for _ in range(TRIES_TO_END):
                if not self._tasks:
                    break
                self.run_until_complete(self._cancel_all())
        finally:
            self.close()

    async def _cancel_all(self) -> None:
        mine = asyncio.current_task()
        left = [task for task in self._tasks if task is not mine]
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=PATIENCE)

    def _put(self, turn: Turn) -> None:
        process = turn.context.get(_process, _outside)
        process.turns.append(turn)
        if process.stands_still:
            return
        if len(process.turns) == 1:
            self._able.append(process)
        self._see_to_turns()

    def _see_to_turns(self) -> None:
        if not self._is_seen_to:
            self._is_seen_to = True
            super().call_soon(self._take_turns, context=_NO_CONTEXT)

    def _take_turns(self) -> None:
        """As many turns as wait now; what they bring about comes after timers that are over now."""
        self._is_seen_to = False
        try:
            for _ in range(sum(len(process.turns) for process in self._able)):
                if not self._able:  # who had turns left stands still now
                    return
                self._take_turn()
        finally:
            if self._able:
                self._see_to_turns()

    def _take_turn(self) -> None:
        place = 0
        if self._order is not None and len(self._able) > 1:
            place = int(self._order.random() * len(self._able))
        process = self._able[place]
        turn = process.turns.popleft()
        if not process.turns:
            del self._able[place]
        try:
            turn.take()
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:
            message = f"{turn.callback!r} of process {process.name!r} failed"
            self.call_exception_handler({"message": message, "exception": error})

    def _jump(self, seconds: float) -> None:
        self._seconds += seconds


def inside(process: Process) -> Context:
    """A context of `process`, else as the one of now."""
    context = copy_context()
    context.run(_process.set, process)
    return context


class _Jump(selectors.BaseSelector):
    """Waits for nothing: it moves the clock by as long as it should have waited."""

    def __init__(self, jump: Callable[[float], None]) -> None:
        self._jump = jump
        self._keys: dict[Any, selectors.SelectorKey] = {}

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise NothingToWaitFor("all tasks wait, and no timer is set that would wake one")
        if timeout > 0:
            self._jump(timeout)
        return []

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = selectors.SelectorKey(fileobj, 0, events, data)
        self._keys[fileobj] = key
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._keys.pop(fileobj)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._keys


class VirtualTiming(SystemTiming):
    """The clocks of one machine on a `VirtualLoop`: its wall clock may be wrong, and be set."""

    is_real = False

    def __init__(
        self, loop: VirtualLoop, start: datetime = START, *, ahead: timedelta | None = None
    ) -> None:
        """Begin at `start`; the wall clock is `ahead` of the others' by so much."""
        self._loop = loop
        self._start = start
        self.ahead = ahead or timedelta()

    def now(self) -> datetime:
        """The wall clock."""
        return self._start + timedelta(seconds=self._loop.time()) + self.ahead

    def monotonic(self) -> float:
        """Virtual seconds, whatever the wall clock was set to."""
        return self._loop.time()

    def boottime(self) -> float:
        """The same: what is halted here is a process, not the machine."""
        return self._loop.time()

    def step(self, by: timedelta) -> None:
        """Set the wall clock forward, or back."""
        self.ahead += by
