"""A user's schedule fires by a job of its own, which makes the user's job once and hands over."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select

from onbeat import (
    InvalidInput,
    InvalidTask,
    Keep,
    NotFound,
    Onbeat,
    Permanent,
    Secret,
    State,
    every,
)
from onbeat.app.user_schedules import UserSchedule
from onbeat.domain.jobs import Job
from onbeat.domain.schedules import Schedule
from onbeat.domain.user_schedules import JOBS, QUEUE, TASK, fired_id
from onbeat.store import backfills, schema
from onbeat.store.cleaning import Walk, clean_rule
from onbeat.store.verify.walk import verify
from onbeat.testing.kit import Kit
from onbeat.testing.opening import Kits
from onbeat.testing.plugin import onbeat_kit

__all__ = ["onbeat_kit"]


@pytest.fixture
def app() -> Onbeat:
    """An application that lets users schedule three of its tasks."""
    ob = Onbeat("postgresql://nobody@production.invalid/shop")

    @ob.task(for_users=True, tags=("reminders",))
    async def remind(user_id: str, text: str = "") -> str:
        return f"{user_id}: {text}"

    @ob.task(for_users=True)
    async def fail(userId: str) -> None:
        raise Permanent(f"nothing for {userId}")

    @ob.task(for_users=True)
    async def sign(user_id: str, key: Secret[str]) -> None: ...

    @ob.task
    def close_day() -> None: ...

    return ob


async def create(ob: Onbeat, task: str = "remind", **given: Any) -> Schedule:
    data = given.pop("data", {"text": "tea"})
    return await ob.user_schedules.create("amy", task, data, every("1m"), **given)


def of(kit: Kit, task: str) -> list[Job]:
    return sorted(kit.jobs(task), key=lambda job: job.id)


async def test_a_firing_is_a_job_of_its_own_and_makes_the_user_s(
    onbeat_kit: Kits, app: Onbeat
) -> None:
    async with onbeat_kit(app) as kit:
        schedule = await create(app, limit=1)

        await kit.advance("5m")

        [firing], [job] = of(kit, TASK), of(kit, "remind")
        assert (firing.queue, job.queue) == (QUEUE, JOBS)
        assert (firing.owner, job.owner) == ("amy", "amy")
        assert (firing.tags, job.tags) == ((), ("reminders",))
        assert job.id == fired_id(firing.id)
        assert (job.schedule, job.occurrence_at) == (schedule.name, firing.occurrence_at)
        assert await app.jobs.handle(job.id, "remind").result() == "amy: tea"
        assert (await app.schedules.find(schedule.name)).made == 1


async def test_the_record_of_the_schedule_tells_of_the_user_s_jobs(
    onbeat_kit: Kits, app: Onbeat
) -> None:
    async with onbeat_kit(app) as kit:
        schedule = await create(app)

        await kit.advance("3m")

        rows = await app.schedules.occurrences(schedule.name)
        jobs = of(kit, "remind")
        assert len(jobs) == 3
        assert [job for _, job in reversed(rows)] == [job.id for job in jobs]
        assert (await app.schedules.find(schedule.name)).last_job == jobs[-1].id
        assert (await verify(await app.store())).breaches == []


async def test_a_firing_that_runs_again_makes_no_second_job(onbeat_kit: Kits, app: Onbeat) -> None:
    async with onbeat_kit(app) as kit:
        await create(app, limit=1)
        await kit.advance("2m")
        [firing] = of(kit, TASK)

        await app.jobs.retry(firing.id)
        await kit.drain()

        [job] = of(kit, "remind")
        made = await app.jobs.handle(firing.id, TASK).result()
        assert (made.job, made.is_new) == (job.id, False)


async def test_a_firing_that_runs_again_after_its_job_was_removed_makes_no_second_job(
    onbeat_kit: Kits, app: Onbeat, database_url: str
) -> None:
    async with onbeat_kit(app, url=database_url) as kit:
        await create(app, limit=2, keep=Keep(completed=0, failed=0))
        await kit.advance("3m")
        store = await app.store()
        for rule in await app.retention.list():
            await store.write(partial(clean_rule, state=rule, walk=Walk()))
        kept = of(kit, "remind")  # the last one stays, for its overlap policy

        for firing in of(kit, TASK):
            await app.jobs.retry(firing.id)
        await kit.drain()

        assert len(kept) == 1
        assert of(kit, "remind") == kept
        assert [job.state for job in of(kit, TASK)] == [State.COMPLETED] * 2


async def test_a_backfill_s_firing_that_runs_again_makes_no_second_job_either(
    onbeat_kit: Kits, app: Onbeat, database_url: str
) -> None:
    async with onbeat_kit(app, url=database_url) as kit:
        schedule = await create(app)
        await app.retention.set("task/remind", Keep(completed=0, failed=0), by="test")
        await kit.advance("2m")
        begin = kit.now - timedelta(minutes=2)
        await app.backfills.begin(schedule.name, begin, kit.now, again=True, at_once=9)
        await kit.advance("1s")
        store = await app.store()
        await store.write(partial(backfills.go_on, new_id=store.new_id))
        for rule in await app.retention.list():
            await store.write(partial(clean_rule, state=rule, walk=Walk()))
        kept = of(kit, "remind")

        for firing in of(kit, TASK):
            await app.jobs.retry(firing.id)
        await kit.drain()

        assert (len(of(kit, TASK)), len(kept)) == (4, 1)
        assert of(kit, "remind") == kept


async def test_a_firing_of_a_task_that_its_worker_does_not_know_is_left_to_others(
    onbeat_kit: Kits, app: Onbeat, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with onbeat_kit(app) as kit:
        await create(app, limit=1)
        registered = app._context.registry._definitions
        with monkeypatch.context() as elsewhere:
            elsewhere.delitem(registered, "remind")
            await kit.advance("2h")
        [firing] = of(kit, TASK)
        assert (firing.state, firing.attempt) == (State.SCHEDULED, 0)
        assert "has no task 'remind' for users" in str(firing.reason)

        await kit.advance("10m")

        [job] = of(kit, "remind")
        assert job.state is State.COMPLETED


async def test_what_is_kept_is_counted_by_the_user_s_jobs(onbeat_kit: Kits, app: Onbeat) -> None:
    async with onbeat_kit(app) as kit:
        await create(app, keep=Keep(completed=2, failed=1), limit=5)
        await create(app, "fail", data={}, keep=Keep(completed=2, failed=1), limit=3)

        await kit.advance("10m")

        store = await app.store()
        for rule in await app.retention.list():
            await store.write(partial(clean_rule, state=rule, walk=Walk()))
        assert len(of(kit, "remind")) == 2
        assert len(of(kit, "fail")) == 1
        assert (await verify(await app.store())).breaches == []


async def test_it_pauses_after_failures_of_the_user_s_jobs(onbeat_kit: Kits, app: Onbeat) -> None:
    async with onbeat_kit(app) as kit:
        schedule = await create(app, "fail", data={}, pause_after=2)

        await kit.advance("10m")

        assert [job.state for job in of(kit, "fail")] == [State.FAILED] * 2
        assert (await app.schedules.find(schedule.name)).paused_at is not None


async def test_one_that_is_triggered_by_hand_makes_the_user_s_job_too(
    onbeat_kit: Kits, app: Onbeat
) -> None:
    async with onbeat_kit(app) as kit:
        schedule = await create(app)

        await app.schedules.trigger(schedule.name)
        await kit.drain()

        [job] = of(kit, "remind")
        assert (job.state, job.schedule, job.occurrence_at) == (
            State.COMPLETED, schedule.name, None,
        )  # fmt: skip


async def test_a_backfill_waits_for_the_user_s_jobs(onbeat_kit: Kits, app: Onbeat) -> None:
    async with onbeat_kit(app) as kit:
        schedule = await create(app)
        await kit.advance("3m")
        begin = kit.now - timedelta(minutes=3)

        made = await app.backfills.begin(schedule.name, begin, kit.now, again=True, at_once=3)
        await kit.advance("1s")

        store = await app.store()
        await store.write(partial(backfills.go_on, new_id=store.new_id))
        done = await app.backfills.find(made.id)
        reruns = await store.read(lambda c, _: set(c.scalars(select(schema.reruns.c.job))))
        jobs = [job.id for job in of(kit, "remind")]
        assert (done.made, done.open, len(jobs)) == (3, 0, 6)
        assert reruns == set(jobs[3:])
        assert (await verify(store)).breaches == []


async def test_a_secret_is_shown_neither_in_the_firing_nor_in_the_schedule(
    onbeat_kit: Kits, app: Onbeat
) -> None:
    async with onbeat_kit(app) as kit:
        schedule = await create(app, "sign", data={"key": "hunter2"}, limit=1)
        await kit.advance("2m")

        [firing], [job] = of(kit, TASK), of(kit, "sign")
        assert job.state is State.COMPLETED
        found = await app.schedules.find(schedule.name)
        shown = (firing.args, job.args, found.shown_args)
        assert all("***" in each and "hunter2" not in each for each in shown), shown


@pytest.mark.parametrize("forged", [{"userId": "bob"}, {"user_id": "bob"}])
async def test_whose_it_is_cannot_be_forged(
    onbeat_kit: Kits, app: Onbeat, forged: dict[str, str]
) -> None:
    async with onbeat_kit(app) as kit:
        await create(app, data=forged, limit=1)
        await kit.advance("2m")

        [job] = of(kit, "remind")
        assert await app.jobs.handle(job.id, "remind").result() == "amy: "


async def test_a_firing_that_no_schedule_has_made_makes_nothing(
    onbeat_kit: Kits, app: Onbeat
) -> None:
    async with onbeat_kit(app) as kit:
        job = await app.jobs.enqueue(TASK, '{"task": "remind", "args": {"user_id": "bob"}}')
        await kit.advance("1h")

        assert (await app.jobs.find(job.id)).state is State.FAILED
        assert of(kit, "remind") == []


async def test_a_task_that_users_may_not_schedule_is_refused_with_what_they_may(
    onbeat_kit: Kits, app: Onbeat
) -> None:
    async with onbeat_kit(app):
        with pytest.raises(InvalidInput, match=r"^task: .*what can is: fail, remind, sign$"):
            await create(app, "close_day")


def test_a_task_for_users_has_an_argument_for_whose_the_job_is() -> None:
    with pytest.raises(InvalidTask, match="add user_id: str"):

        @Onbeat("sqlite:///nowhere.db").task(for_users=True)
        def remind(text: str) -> None: ...


async def test_every_one_is_another_and_seen_by_its_owner_alone(
    onbeat_kit: Kits, app: Onbeat
) -> None:
    async with onbeat_kit(app):
        first, second = await create(app), await create(app)
        await app.schedules.create("amy:own", app.jobs.bind("close_day"), every("1h"), owner="amy")

        def told(found: list[UserSchedule]) -> list[str]:
            return [each.schedule.name for each in found]

        assert first.name != second.name
        assert told(list(await app.user_schedules.list("amy"))) == sorted([first.name, second.name])
        assert await app.user_schedules.list("bob") == []
        for verb in (app.user_schedules.find, app.user_schedules.remove):
            with pytest.raises(NotFound):
                await verb(first.name, owner="bob")
            with pytest.raises(NotFound):
                await verb("amy:own", owner="amy")
        await app.user_schedules.remove(first.name, owner="amy")
        assert told(list(await app.user_schedules.list("amy"))) == [second.name]
