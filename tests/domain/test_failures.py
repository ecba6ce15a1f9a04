"""Failures that are the same, by real tracebacks."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import traceback
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from onbeat.domain.attempts import Failure
from onbeat.domain.failures import (
    Fingerprint,
    Grouping,
    SeenFailure,
    fingerprint,
    normalised,
    place_of,
    raised_at,
)
from onbeat.domain.jobs import JobId

HERE = "domain/test_failures.py in "
NOON = datetime(2027, 1, 4, 12, tzinfo=UTC)


def kept(work: Callable[[], object]) -> Failure:
    """What is kept of the error that the work ends in."""
    try:
        work()
    except Exception as error:
        told = "".join(traceback.format_exception(error, limit=-20))
        return Failure(type=type(error).__name__, message=str(error), traceback=told)
    raise AssertionError("it did not fail")


def divide(by: int) -> float:
    return 1 / by


def charge(order: int) -> None:
    raise ValueError(f"order {order} is not paid")


def wrapped() -> None:
    try:
        divide(0)
    except ZeroDivisionError as error:
        raise RuntimeError("no rate") from error


def shown() -> None:
    try:
        divide(0)
    except ZeroDivisionError:
        charge(1)


def parsed() -> None:
    json.loads("{")


async def grouped() -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.to_thread(divide, 0))


def quoting() -> None:
    raise ValueError('it said:\n  File "/srv/evil.py", line 1, in elsewhere\nTraceback')


@pytest.mark.parametrize(
    ("work", "function"),
    [
        (lambda: divide(0), "divide"),
        (wrapped, "wrapped"),
        (shown, "charge"),
        (parsed, "parsed"),
        (lambda: asyncio.run(grouped()), "grouped"),
        (quoting, "quoting"),
    ],
    ids=["raised", "from another", "while handling", "in the library", "group", "quotes one"],
)
def test_the_place_is_the_innermost_own_frame(work: Callable[[], object], function: str) -> None:
    assert place_of(kept(work).traceback) == HERE + function


def test_where_to_look_first_is_the_own_line_that_led_there_or_else_the_innermost() -> None:
    def reads() -> str:
        return Path("/there/is/none").read_text()

    line = reads.__code__.co_firstlineno + 1
    assert raised_at(kept(reads).traceback) == f"{__file__}:{line} in reads"
    told = (
        "Traceback (most recent call last):\n"
        '  File "/usr/lib/python3.11/json/decoder.py", line 355, in raw_decode\n    obj\n'
        "json.decoder.JSONDecodeError: none\n"
    )
    assert raised_at(told) == "/usr/lib/python3.11/json/decoder.py:355 in raw_decode"
    assert raised_at("no traceback") is None


def test_an_error_of_another_process_is_placed_where_it_was_seen() -> None:
    def in_process() -> None:
        with ProcessPoolExecutor(1) as pool:
            pool.submit(divide, 0).result()

    assert place_of(kept(in_process).traceback) == HERE + "in_process"


def test_the_place_is_found_in_what_is_left_of_a_long_traceback() -> None:
    def dive(depth: int) -> None:
        if depth:
            dive(depth - 1)
        divide(0)

    told = kept(lambda: dive(15)).traceback

    assert place_of(told[-400:]) == HERE + "divide"


def test_python_itself_agrees_on_what_a_traceback_is(tmp_path: Path) -> None:
    program = tmp_path / "shop" / "tasks.py"
    program.parent.mkdir()
    program.write_text("def send():\n    int('x')\n\nsend()\n")

    ran = subprocess.run(
        [sys.executable, program], capture_output=True, text=True, timeout=60, check=False
    )

    assert place_of(ran.stderr) == "shop/tasks.py in send"


@pytest.mark.parametrize(
    "file",
    [
        "/usr/lib/python3.12/json/decoder.py",
        "/venv/lib/python3.12/site-packages/requests/api.py",
        "/usr/lib/python3/dist-packages/apt/cache.py",
        "C:\\Python312\\Lib\\asyncio\\tasks.py",
        "/srv/src/onbeat/runtime/worker/executor.py",
        "<frozen importlib._bootstrap>",
    ],
)
def test_files_of_others_are_no_place(file: str) -> None:
    told = f'Traceback (most recent call last):\n  File "{file}", line 3, in f\nValueError: no\n'

    assert place_of(told) is None


def test_on_windows_the_place_is_the_same() -> None:
    told = 'Traceback (most recent call last):\n  File "C:\\srv\\shop\\tasks.py", line 3, in f\n'

    assert place_of(told) == "shop/tasks.py in f"


def test_what_is_said_does_not_matter_where_there_is_a_place() -> None:
    assert fingerprint(kept(lambda: charge(1))) == fingerprint(kept(lambda: charge(22)))
    assert fingerprint(kept(lambda: charge(1))) != fingerprint(kept(lambda: divide(0)))


@pytest.mark.parametrize(
    ("said", "normal"),
    [
        ("exit status 137 after 2.5s", "exit status <n> after <n>s"),
        ("no order 'A-1' of \"acme\"", "no order '…' of '…'"),
        ("job 0192f0c1-7a3b-7c4d-8e5f-0123456789ab died", "job <uuid> died"),
        ("at 0x7f3a9c, blob deadbeef42", "at <hex>, blob <hex>"),
        ("  a facade  \nand more", "a facade  "),
        ("", ""),
        ("x" * 300, "x" * 200),
    ],
)
def test_what_differs_from_job_to_job_is_taken_out(said: str, normal: str) -> None:
    assert normalised(said) == normal


def test_without_a_place_what_is_said_counts() -> None:
    refused, timed_out = (
        fingerprint(Failure(type="DeliveryFailed", message=said))
        for said in ("answered 500 in 12 ms", "no answer in 30 s")
    )

    assert refused == Fingerprint("DeliveryFailed", None, "answered <n> in <n> ms")
    assert refused != timed_out


def test_the_id_of_a_fingerprint_never_changes() -> None:
    assert Fingerprint("ValueError", "shop/tasks.py in send", None).id == "37a4bd6391035ced"


def failure(seconds: int, task: str, error: Failure | None, **said: object) -> SeenFailure:
    """One so long before noon."""
    values = {"outcome": "failed", "reason": None, "is_final": False} | said
    return SeenFailure(
        job=JobId(f"{seconds:032x}"), task=task, at=NOON - timedelta(seconds=seconds), error=error,
        **values,  # type: ignore[arg-type] # some of them
    )  # fmt: skip


def test_those_that_are_the_same_are_counted_together() -> None:
    grouping = Grouping()

    grouping.add([
        failure(1, "charge", kept(lambda: charge(1)), is_final=True),
        failure(2, "refund", kept(lambda: charge(2))),
        failure(3, "charge", kept(lambda: divide(0))),
        failure(4, "charge", kept(lambda: charge(4))),
        failure(5, "send", None, outcome="timed out", reason="timed out after 30s"),
    ])  # fmt: skip

    most, *others = grouping.groups()
    assert (most.number, most.final, most.tasks) == (3, 1, {"charge": 2, "refund": 1})
    assert (most.first_at, most.last_at) == (
        NOON - timedelta(seconds=4),
        NOON - timedelta(seconds=1),
    )
    assert (most.example, most.text) == (f"{1:032x}", "ValueError: order 1 is not paid")
    assert {each.fingerprint.type for each in others} == {"ZeroDivisionError", "timed out"}
    assert (grouping.looked_at, grouping.oldest_at) == (5, NOON - timedelta(seconds=5))
