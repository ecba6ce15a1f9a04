"""A process of ours from its start to its end: signals, logs, the banner, and draining.

first signal   stop: claim no more, let jobs end within the grace period, give back the rest
second signal  end at once, with exit code 130; others will be given our jobs

What comes within a second of the first is the first once more: `timeout` signals a process and then
its group, and a wrapper passes on what the terminal has sent to everybody.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from types import FrameType
from typing import Any

from rich.text import Text

from onbeat import __version__
from onbeat.app.doctor.settings import unknown_words
from onbeat.app.onbeat import Onbeat
from onbeat.app.processes import Parts
from onbeat.cli.absent import named_where_absent
from onbeat.cli.invocation import Invocation
from onbeat.cli.output.colours import HEADING, QUIET
from onbeat.cli.output.words import many
from onbeat.cli.probing import Probes, probed
from onbeat.cli.serving import NotServed, Serving
from onbeat.cli.supervisor import Supervisor
from onbeat.domain.durations import format_duration
from onbeat.domain.events import Event, JobEnded, JobStarted
from onbeat.domain.url_passwords import hide_passwords
from onbeat.runtime.lost_errors import log_lost_error
from onbeat.settings import Settings
from onbeat.store.delays import has_scheduler
from onbeat.telemetry.happenings import ENDINGS
from onbeat.telemetry.logs import start_logging
from onbeat.timing import within

STOPPERS = (signal.SIGTERM, signal.SIGINT)
AT_ONCE = 130
ONE_SIGNAL = 1.0
"""Seconds from the first signal in which others are taken for the same wish."""
SLOT = "onbeat-slot"


@dataclass(frozen=True)
class Plan:
    """What to run, as which settings say, and for how long."""

    parts: Parts
    settings: Settings
    limit: timedelta | None
    remark: str | None = None
    api: Serving | NotServed | None = None
    """None where a process of its kind has no API."""
    probes: Probes | None = None
    """None where no probes are answered but the API's."""

    @property
    def whole(self) -> Parts:
        """The parts, the API among them."""
        if isinstance(self.api, Serving):
            return replace(self.parts, more=(self.api.make,))
        return self.parts


class Tally:
    """Counts what a process did, for its last words."""

    def __init__(self) -> None:
        """Start at nothing."""
        self.running = 0
        self.ended: Counter[str] = Counter()

    def hear(self, event: Event) -> None:
        """Count a job."""
        if type(event) is JobStarted:
            self.running += 1
        elif type(event) is JobEnded:
            self.running -= 1
            self.ended[ENDINGS[event.move][1].removeprefix("job.")] += 1

    def __str__(self) -> str:
        counts = [f"{count:,} {word}" for word, count in self.ended.most_common()]
        return ", ".join(counts) or "no jobs"


def _unheeded(ob: Onbeat, parts: Parts) -> list[str]:
    """A sentence on each variable that may be meant for this process, and changes nothing."""
    return [*unknown_words(), *(ob.schedules.passed_over if parts.scheduler else ())]


async def run_until_told(asked: Invocation, ob: Onbeat, plan: Plan) -> None:
    """Run, until a signal or the end of the time that was given. Raises StoreError."""
    told = asyncio.Event()
    tally = Tally()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(log_lost_error)
    supervisor = Supervisor.of(os.environ)
    with _listening(loop, told):
        await _find_database(asked, ob, plan.parts)
        for words in _unheeded(ob, plan.parts):
            asked.out.note(words)
        style = "json" if asked.json else plan.settings.log_format
        write = start_logging(style, plan.settings.log_level, colours=_has_colours())

        def emit(event: Event) -> None:
            tally.hear(event)
            write(event)

        if sys.stderr.isatty() and not asked.json:
            asked.out.remark(_banner(asked, ob, plan))
        try:
            async with (
                supervisor.watching(),
                named_where_absent(ob),
                probed(plan.probes),
                ob.running(emit=emit, parts=plan.whole) as manager,
            ):
                if plan.remark is not None:
                    asked.out.note(plan.remark)
                await _note_without_scheduler(asked, ob, plan)
                _note_missing_ui(asked, plan)
                link = await _note_first_link(asked, ob, plan)
                if asked.json:
                    asked.out.data({"ready": _ready(ob, plan, link)})
                elif plan.api is not None and style != "json":
                    asked.out.remark([Text(f"ready: {_where(plan.api)}", HEADING)])
                supervisor.tell("READY=1", "STATUS=running")
                if plan.probes is not None:
                    plan.probes.manager = manager
                await _wait(told, plan.limit)
                supervisor.tell("STOPPING=1", "STATUS=letting jobs end")
                _say_goodbye(plan, tally)
        finally:
            await ob.close()
    _report(asked, tally)
    _end_in_spite_of_stubborn_jobs()


async def _find_database(asked: Invocation, ob: Onbeat, parts: Parts) -> None:
    """Refuse, or announce, a SQLite file that is not there: one process of several makes none of
    an environment, which the others may not be in.
    """
    is_alone = parts.worker and parts.scheduler
    async with named_where_absent(ob):
        asked.check_file(ob.url, creates=is_alone or ob.environment is None)


async def _note_without_scheduler(asked: Invocation, ob: Onbeat, plan: Plan) -> None:
    """Say that what the code schedules waits for a scheduler, where none is there yet."""
    declared = len(ob.schedules.declared)
    if plan.parts.scheduler or not declared:
        return
    if not await (await ob.store()).read(has_scheduler):
        waiting = many(declared, "schedule")
        asked.out.note(
            f"no scheduler is there for {waiting} in the code: run `onbeat scheduler` too"
        )


def _note_missing_ui(asked: Invocation, plan: Plan) -> None:
    """Say how the web UI comes, where the API is served without it."""
    if isinstance(plan.api, Serving) and plan.api.ui_is_missing is not None:
        asked.out.note(plan.api.ui_is_missing)


async def _note_first_link(asked: Invocation, ob: Onbeat, plan: Plan) -> str | None:
    """Say where the first admin is made, if nobody can sign in yet; the link."""
    link = await plan.api.first_link(ob) if isinstance(plan.api, Serving) else None
    if link is not None:
        ui = plan.api.ui if isinstance(plan.api, Serving) else None
        leads = "" if ui is None else f" (it leads into the web UI at {ui})"
        asked.out.note(
            f"nobody can sign in yet; within 24 hours make the first admin at {link}{leads}"
        )
    return link


def _end_in_spite_of_stubborn_jobs() -> None:
    """End here when a job swallows every cancel: the loop would wait for it for ever.

    By now its outcome is stored, its lease is over, and the store is closed.
    """
    if any(task.get_name().startswith(SLOT) for task in asyncio.all_tasks()):
        sys.stdout.flush()
        os.write(2, b"note: a job that would not end was left behind\n")
        os._exit(0)


@contextmanager
def _listening(loop: asyncio.AbstractEventLoop, told: asyncio.Event) -> Iterator[None]:
    """Take signals in the handler itself: a job that holds the loop must not hold them back."""
    first: float | None = None  # the event alone would not do: the loop may be too busy to set it

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal first
        if first is None:
            first = loop.time()
            loop.call_soon_threadsafe(told.set)
        elif loop.time() - first >= ONE_SIGNAL:
            os.write(2, b"ended at once by a second signal\n")
            os._exit(AT_ONCE)

    before = {each: signal.signal(each, stop) for each in STOPPERS}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


async def _wait(told: asyncio.Event, limit: timedelta | None) -> None:
    try:
        async with within(None if limit is None else limit.total_seconds()):
            await told.wait()
    except TimeoutError:
        return


def _has_colours() -> bool:
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR")


def _ready(ob: Onbeat, plan: Plan, link: str | None) -> dict[str, Any]:
    """What a program that started us waits for: we run, and this is what."""
    options = plan.parts.options
    return {
        "pid": os.getpid(),
        "version": __version__,
        "database": hide_passwords(ob.url),
        "environment": ob.environment,
        "ui": plan.api.ui if isinstance(plan.api, Serving) else None,
        "api": plan.api.address if isinstance(plan.api, Serving) else None,
        "reference": plan.api.reference if isinstance(plan.api, Serving) else None,
        "api_not_served": plan.api.why if isinstance(plan.api, NotServed) else None,
        "probes": None if plan.probes is None else plan.probes.address,
        "setup": link,
        "scheduler": plan.parts.scheduler,
        "worker": plan.parts.worker,
        "services": list(plan.parts.own or ()),
        "queues": list(options.queues) if plan.parts.worker else [],
        "concurrency": options.slots if plan.parts.worker else 0,
        "grace_s": options.grace.total_seconds(),
    }


def _where(api: Serving | NotServed) -> str:
    """Where the API is, and the page on which it is tried; or why it is not there."""
    if isinstance(api, NotServed):
        return f"the API is not served: {api.why}"
    told = f"the API is at {api.address}, read and tried at {api.reference}"
    return told if api.ui is None else f"the web UI is at {api.ui}; {told}"


def _banner(asked: Invocation, ob: Onbeat, plan: Plan) -> Iterator[Text]:
    options = plan.parts.options
    facts = [("database", hide_passwords(ob.url))]
    if ob.environment is not None:
        facts.append(("environment", ob.environment))
    if asked.has_app:
        app = f"{asked.settings.app} ({many(len(ob.definitions), 'task')})"
        facts.append(("app", app))
    if plan.parts.worker:
        facts.append(("worker", f"{options.slots} at once from {', '.join(options.queues)}"))
    facts.extend(_addresses(plan))
    if plan.parts.own is not None:
        facts.append(("services", ", ".join(plan.parts.own)))
    if plan.parts.scheduler:
        facts.append(("scheduler", f"{many(len(ob.schedules.declared), 'schedule')} in code"))
    yield Text(f"onbeat {__version__}", HEADING)
    for name, value in facts:
        yield Text.assemble((f"  {name:<11}", QUIET), value)
    grace = format_duration(options.grace)
    yield Text(f"  Ctrl-C stops it; running jobs then have {grace} to end", QUIET)


def _addresses(plan: Plan) -> Iterator[tuple[str, str]]:
    """What can be reached where."""
    if isinstance(plan.api, Serving):
        yield ("web UI" if plan.api.ui else "api", plan.api.ui or plan.api.address)
    if plan.probes is not None:
        yield ("probes", plan.probes.address)


def _say_goodbye(plan: Plan, tally: Tally) -> None:
    if sys.stderr.isatty() and plan.parts.worker and tally.running:
        grace = format_duration(plan.parts.options.grace)
        sys.stderr.write(
            f"stopping: {many(tally.running, 'job')} may go on for {grace}; "
            "Ctrl-C again ends it at once\n"
        )


def _report(asked: Invocation, tally: Tally) -> None:
    if asked.json:
        asked.out.data({"stopped": {"ended": dict(tally.ended)}})
    elif sys.stderr.isatty():
        sys.stderr.write(f"stopped: {tally}\n")
