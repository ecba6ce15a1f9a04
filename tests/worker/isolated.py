"""Tasks that are run in processes of their own; a child imports them from here."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from contextvars import ContextVar, copy_context
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

from onbeat import (
    Cancel,
    Onbeat,
    Permanent,
    RateLimited,
    Run,
    Secret,
    Settings,
    Snooze,
    Transient,
)

ob = Onbeat("sqlite:///:memory:", settings=Settings())

FOREVER = 600.0

seen: ContextVar[str] = ContextVar("seen", default="nothing")


class BankClosed(Exception):
    """An error with a wait of its own."""

    retry_after = 0.0


@ob.task
def double(number: int) -> int:
    """Return twice the number."""
    return number * 2


@ob.task
async def double_later(number: int) -> int:
    """The same as a coroutine."""
    await asyncio.sleep(0)
    return number * 2


@ob.task
def own_pid() -> int:
    """Say which process this is."""
    return os.getpid()


@ob.task
def fail(message: str) -> NoReturn:
    """Raise."""
    raise KeyError(message)


@ob.task
def find_bank_closed(message: str) -> NoReturn:
    """Raise an error of a class of our own."""
    raise BankClosed(message)


@ob.task
def snooze(run: Run) -> str:
    """Snooze the first time."""
    marker = Path(os.environ["ONBEAT_TEST_FOLDER"]) / run.job
    if marker.exists():
        return "rested"
    marker.touch()
    raise Snooze(timedelta(), "tired")


@ob.task
def cancel() -> NoReturn:
    """Give up for good."""
    raise Cancel("nothing to do")


@ob.task
def exit_politely() -> NoReturn:
    """End as a program would."""
    sys.exit(3)


@ob.task
def exit_rudely() -> NoReturn:
    """End without unwinding."""
    os._exit(3)


@ob.task
def be_killed() -> None:
    """Die as the kernel's out-of-memory killer would have it."""
    os.kill(os.getpid(), signal.SIGKILL)


@ob.task
def sleep_with_child(path: str) -> None:
    """Start a process, note both pids, and sleep."""
    child = subprocess.Popen(["/bin/sleep", str(FOREVER)])
    note = Path(path)
    note.with_suffix(".part").write_text(f"{os.getpid()} {child.pid}")
    note.with_suffix(".part").rename(note)
    time.sleep(FOREVER)


@ob.task
def tidy_up(path: str) -> None:
    """Note that it began, sleep, and note that it has put away its things."""
    note = Path(path)
    note.touch()
    try:
        time.sleep(FOREVER)
    finally:
        note.with_suffix(".tidy").touch()


@ob.task
async def tidy_up_soon(path: str) -> None:
    """The same as a coroutine, which needs its loop for it."""
    note = Path(path)
    note.touch()  # noqa: ASYNC240 - a file in memory
    try:
        await asyncio.sleep(FOREVER)
    finally:
        await asyncio.sleep(0.01)
        note.with_suffix(".tidy").touch()


@ob.task
def not_heed(path: str) -> None:
    """Note its pid, and sleep, whoever asks it to end."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    note = Path(path)
    note.with_suffix(".part").write_text(str(os.getpid()))
    note.with_suffix(".part").rename(note)
    time.sleep(FOREVER)


@ob.task
def log(run: Run) -> None:
    """Write lines in both ways, from the thread and from another."""
    run.log.info("from the run", number=1)
    logging.getLogger("bank").warning("from logging %s", 2)
    run.progress(0.5, "half")
    context = copy_context()
    other = threading.Thread(target=lambda: context.run(run.log.info, "from a thread"))
    other.start()
    other.join()


@ob.task
def return_bytes_of(length: int) -> str:
    """Return that much text."""
    return "x" * length


@ob.task
def return_an_object() -> object:
    """Return what JSON does not know."""
    return object()


@ob.task
def tell_attempt(run: Run) -> dict[str, object]:
    """Return what a run knows of itself."""
    return {"attempt": run.attempt, "job": run.job, "max": run.max_attempts, "queue": run.queue}


@ob.task
def see(word: str) -> str:
    """Return what the context held, and change it."""
    before = seen.get()
    seen.set(word)
    return before


def triple(number: int) -> int:
    """A plain function; the task made of it is called otherwise."""
    return number * 3


tripled = ob.task(name="tripled")(triple)


@ob.task
def fail_as(kind: str) -> NoReturn:
    """Fail with an error of that class."""
    match kind:
        case "permanent":
            raise Permanent("no such account")
        case "rate limited":
            raise RateLimited("slow down", retry_after="1h")
        case _:
            raise Transient("no route")


def tell_secret(run: Run, word: Secret[str], how: str) -> object:
    """Tell a secret in every way a task has."""
    run.log.info(f"it is {word}", word=word, words={word: [word]})
    logging.getLogger("bank").warning("it is %s", word)
    run.log.info("x" * 8_180 + word)
    run.progress(0.5, f"it is {word}")
    match how:
        case "raise":
            raise KeyError(word)
        case "raise long":
            raise ValueError("x" * 4_090 + word)
        case "cancel":
            raise Cancel(f"it is {word}")
        case "snooze":
            raise Snooze(timedelta(hours=1), f"it is {word}")
        case "group":
            raise ExceptionGroup(f"of {word}", [ValueError(word), KeyError(word)])
        case _:
            return {"word": word, word: [f"it is {word}"]}


async def tell_secret_soon(run: Run, word: Secret[str], how: str) -> object:
    """The same in a coroutine."""
    return tell_secret(run, word, how)
