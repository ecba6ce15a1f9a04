"""What one who listens is told of, on both engines, by a server of its own."""

from __future__ import annotations

import asyncio
import time

from onbeat import Onbeat, Run, every
from onbeat.app.options import read_options
from onbeat.domain.access import Permission
from tests.api.asking import Client
from tests.api.live.listener import LATER, Frame, Listener, has_all, listening


def of_jobs(found: list[Frame], job: str) -> list[Frame]:
    """What is told of one job."""
    return [each for each in found if each.get("id") == job]


async def ask_without_end(ob: Onbeat) -> None:
    """Ask for job after job."""
    while True:
        await ob.jobs.enqueue("charge", must_be_known=False)


async def test_a_job_that_is_asked_for_is_told(ob: Onbeat, listener: Listener) -> None:
    await listener.follow("jobs")

    job = (await ob.jobs.enqueue("charge", must_be_known=False)).id

    assert of_jobs(await listener.told_of([job]), job) == [
        {"kind": "job", "id": job, "what": "asked", "task": "charge", "queue": "default"}
    ]


async def test_of_one_job_its_lines_and_progress_are_told(ob: Onbeat, listener: Listener) -> None:
    let_end = asyncio.Event()

    @ob.task
    async def charge(run: Run) -> None:
        run.log.info("calling", bank="acme")
        run.progress(0.5, note="half")
        await let_end.wait()
        run.log.info("called")

    job = (await ob.jobs.enqueue("charge", options=LATER)).id
    await listener.follow(f"job:{job}")
    async with ob.running(scheduler=False):
        await ob.jobs.retry(job)
        begun = await listener.changes(lambda found: has_all(found, "line", "progress"))
        let_end.set()
        ended = await listener.changes(lambda found: has_all(found, "line", "ended"))

    [line] = [each for each in begun if each["what"] == "line"]
    [progress] = [each for each in begun if each["what"] == "progress"]
    told = (line["attempt"], line["line"], line["level"], line["message"], line["fields"])
    assert told == (1, 1, "info", "calling", {"bank": "acme"})
    assert (progress["progress"], progress["note"]) == (0.5, "half")
    assert [each["message"] for each in ended if each["what"] == "line"] == ["called"]


async def test_no_progress_is_told_of_a_job_that_has_said_nothing_of_it(
    ob: Onbeat, listener: Listener
) -> None:
    let_end = asyncio.Event()

    @ob.task
    async def charge(run: Run) -> None:
        run.log.info("calling")
        await let_end.wait()

    job = (await ob.jobs.enqueue("charge", options=LATER)).id
    await listener.follow(f"job:{job}")
    async with ob.running(scheduler=False):
        await ob.jobs.retry(job)
        found = await listener.changes(lambda found: has_all(found, "line"))
        let_end.set()
        found += await listener.changes(lambda found: has_all(found, "ended"))

    assert "progress" not in {each["what"] for each in found}


async def test_lines_are_for_those_who_may_see_them(ob: Onbeat, address: str) -> None:
    @ob.task
    async def charge(run: Run) -> None:
        run.log.info("card 4111")

    some = await ob.tokens.create("some", frozenset({Permission.JOBS_READ}), by="test")
    job = (await ob.jobs.enqueue("charge", options=LATER)).id
    async with listening(address, some.text) as listener, ob.running(scheduler=False):
        await listener.follow(f"job:{job}", "jobs")
        await ob.jobs.retry(job)
        found = await listener.changes(lambda found: has_all(found, "ended"))
        mark = (await ob.jobs.enqueue("other", must_be_known=False)).id
        found += await listener.told_of([mark])

    assert "line" not in {each["what"] for each in found}


async def test_of_a_queue_and_a_task_their_own_jobs_alone_are_told(
    ob: Onbeat, listener: Listener
) -> None:
    await listener.follow("queue:mail", "task:charge")
    asked = [
        (await ob.jobs.enqueue(task, options=read_options(queue=queue), must_be_known=False)).id
        for task, queue in (("send", "mail"), ("send", "other"), ("charge", "other"))
    ]

    found = await listener.told_of([asked[0], asked[2]])

    assert {each["id"] for each in found} == {asked[0], asked[2]}


async def test_queues_that_jobs_move_in_and_that_are_paused_are_told(
    ob: Onbeat, listener: Listener, admin: Client
) -> None:
    await listener.follow("queues")
    await ob.jobs.enqueue("send", options=read_options(queue="mail"), must_be_known=False)
    touched = await listener.told_of(["mail"])

    await admin.told("POST", "/queues/bulk/pause")
    changed = await listener.told_of(["bulk"])

    assert [each["what"] for each in touched] == ["touched"]
    assert [(each["id"], each["what"]) for each in changed] == [("bulk", "changed")]


async def test_schedules_that_run_and_that_are_changed_are_told(
    ob: Onbeat, listener: Listener
) -> None:
    @ob.task
    async def report() -> None: ...

    await listener.follow("schedule:nightly")
    await ob.schedules.create("nightly", report.bind(), when=every("1h"))
    await ob.schedules.create("other", report.bind(), when=every("1h"))
    await ob.schedules.trigger("other", by="ann")
    await ob.schedules.trigger("nightly", by="ann")

    found = await listener.changes(lambda found: has_all(found, "touched"))

    assert {each["id"] for each in found} == {"nightly"}


async def test_workers_that_come_and_go_are_told(ob: Onbeat, listener: Listener) -> None:
    await listener.follow("workers")
    async with ob.running(scheduler=False):
        come = await listener.changes(bool)
        [worker] = await ob.workers.list()
    gone = await listener.changes(bool)

    assert {each["id"] for each in (*come, *gone)} == {worker.id}


async def test_of_the_audit_log_no_contents_are_told(listener: Listener, admin: Client) -> None:
    await listener.follow("audit")

    await admin.told("POST", "/queues/mail/pause")

    [entry] = await listener.changes(bool)
    assert set(entry) == {"kind", "id", "what", "subject_kind", "subject"}
    assert (entry["subject_kind"], entry["subject"]) == ("queue", "mail")


async def test_what_is_followed_no_more_is_told_no_more(ob: Onbeat, listener: Listener) -> None:
    await listener.follow("jobs", "queues")
    await listener.say(type="unsubscribe", topics=["jobs"])
    await listener.until("unsubscribed")

    await ob.jobs.enqueue("charge", must_be_known=False)
    found = await listener.told_of(["default"])

    assert {each["kind"] for each in found} == {"queue"}


async def test_at_most_four_frames_a_second_are_sent(ob: Onbeat, listener: Listener) -> None:
    """The fifth frame cannot come sooner than a second after the first."""
    await listener.follow("jobs")
    async with asyncio.TaskGroup() as tasks:
        asking = tasks.create_task(ask_without_end(ob))
        await listener.until("changes")
        began = time.monotonic()
        for _ in range(4):
            await listener.until("changes")
        took = time.monotonic() - began
        asking.cancel()

    assert took > 0.9
