"""Tags and owners: whichever way a job comes to be, it is found by what it was given."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from onbeat import InvalidInput, Onbeat, Task, Unique, every
from onbeat.domain.marks import LONGEST_OWNER, LONGEST_TAG, MOST_TAGS
from onbeat.store.schema import marks
from onbeat.store.verify.walk import verify

OWNER = "u-17"

AnyTask = Task[..., Any, Any]


async def rows(ob: Onbeat) -> set[tuple[str, str]]:
    """All marks on record, with their jobs."""
    query = select(marks.c.mark, marks.c.job)
    found = await (await ob.store()).read(lambda c, _: c.execute(query).all())
    return {(row.mark, row.job) for row in found}


def make_task(ob: Onbeat) -> AnyTask:
    @ob.task(name="bill", tags=("billing",))
    def bill(n: int = 0) -> None: ...

    return bill


async def singly(ob: Onbeat, bill: AnyTask) -> list[str]:
    return [(await bill.opts(tags=("vip",), owner=OWNER).enqueue(1)).id]


async def later(ob: Onbeat, bill: AnyTask) -> list[str]:
    return [(await bill.opts(tags=("vip",), owner=OWNER, delay="1h").enqueue(1)).id]


async def with_a_key(ob: Onbeat, bill: AnyTask) -> list[str]:
    call = bill.opts(tags=("vip",), owner=OWNER, unique=Unique(), start_within="1h")
    return [(await call.enqueue(1)).id]


async def in_place_of_another(ob: Onbeat, bill: AnyTask) -> list[str]:
    call = bill.opts(tags=("vip",), owner=OWNER, unique=Unique(on_conflict="replace"))
    first = await call.enqueue(1)
    return [first.id, (await call.enqueue(1)).id]


async def in_bulk(ob: Onbeat, bill: AnyTask) -> list[str]:
    marked = bill.opts(tags=("vip",), owner=OWNER)
    return [each.id for each in await ob.enqueue_many([marked.bind(n) for n in range(3)])]


async def by_name(ob: Onbeat, bill: AnyTask) -> list[str]:
    options = bill.opts(tags=("vip",), owner=OWNER).bind(1).options
    return [(await ob.jobs.enqueue("bill", '{"n": 1}', options)).id]


async def in_a_workflow(ob: Onbeat, bill: AnyTask) -> list[str]:
    marked = bill.opts(tags=("vip",), owner=OWNER)
    async with ob.workflow("flow") as flow:
        first = flow.add(marked.bind(1))
        flow.add(marked.bind(2), label="second", after=first)
    return [each.id for each in await ob.jobs.list()]


async def on_a_clock(ob: Onbeat, bill: AnyTask) -> list[str]:
    await ob.clocks.create("world", datetime(2030, 1, 1, tzinfo=UTC))
    marked = bill.opts(tags=("vip",), owner=OWNER, clock="world")
    later = bill.opts(tags=("vip",), owner=OWNER, clock="world", delay="1h")
    return [(await each.enqueue(1)).id for each in (marked, later)]


async def by_hand(ob: Onbeat, bill: AnyTask) -> list[str]:
    await ob.schedules.create("s", bill.bind(1), every("1h"), tags=("vip",), owner=OWNER)
    return [(await ob.schedules.trigger("s")).id]


WAYS = (
    singly, later, with_a_key, in_place_of_another, in_bulk, by_name, in_a_workflow, on_a_clock,
    by_hand,
)  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
async def test_a_job_has_the_tags_and_the_owner_it_was_given(
    ob: Onbeat, way: Callable[..., Awaitable[list[str]]]
) -> None:
    made = await way(ob, make_task(ob))

    assert made
    assert await rows(ob) == {
        (mark, job) for job in made for mark in ("tag:billing", "tag:vip", f"owner:{OWNER}")
    }
    found = [await ob.jobs.find(job) for job in made]
    assert {(each.tags, each.owner) for each in found} == {(("billing", "vip"), OWNER)}
    assert (await verify(await ob.store())).breaches == []


async def test_of_the_same_job_asked_for_twice_the_first_ones_marks_count(ob: Onbeat) -> None:
    bill = make_task(ob)
    first = await bill.opts(tags=("a",), unique=Unique()).enqueue(1)

    second = await bill.opts(tags=("b",), unique=Unique()).enqueue(1)

    assert second.id == first.id
    assert {mark for mark, _ in await rows(ob)} == {"tag:a", "tag:billing"}


async def test_a_job_without_tags_or_owner_has_no_rows(ob: Onbeat) -> None:
    @ob.task
    def plain() -> None: ...

    await plain.enqueue()
    await plain.opts(unique=Unique(), start_within="1h").enqueue()

    assert await rows(ob) == set()


async def test_a_schedule_shows_its_tags_and_its_owner_and_is_listed_by_that(ob: Onbeat) -> None:
    bill = make_task(ob)
    made = await ob.schedules.create("s", bill.bind(1), every("1h"), tags=("vip",), owner=OWNER)
    await ob.schedules.create("t", bill.bind(1), every("1h"))

    assert (made.tags, made.owner) == (("billing", "vip"), OWNER)
    assert [each.name for each in await ob.schedules.list(owner=OWNER)] == ["s"]
    assert [each.name for each in await ob.schedules.list()] == ["s", "t"]


async def test_a_declared_schedule_has_its_tags_and_its_task_s(ob: Onbeat) -> None:
    ob.schedule(every("1h"), name="hourly", tags=("vip",))(make_task(ob))

    await ob.schedules.reconcile()

    assert (await ob.schedules.find("hourly")).tags == ("billing", "vip")


@pytest.mark.parametrize(
    "owner",
    ['a "quoted" name', "back\\slash", "größe", 'slot:x"slot:y', "'; DROP TABLE jobs", "%_"],
)
async def test_an_owner_is_any_text_and_its_job_runs(ob: Onbeat, owner: str) -> None:
    @ob.task
    def plain() -> int:
        return 1

    async with ob.running():
        handle = await plain.opts(owner=owner).enqueue()
        assert await handle.result(timeout="30s") == 1

    assert (await ob.jobs.find(handle.id)).owner == owner
    assert await rows(ob) == {(f"owner:{owner}", handle.id)}
    assert (await verify(await ob.store())).breaches == []


BAD: list[tuple[str, Any, str]] = [
    ("tags", "vip", r"'vip' is one text; give a tuple: \('vip',\)"),
    ("tags", 7, "no tuple of tags"),
    ("tags", (7,), "no text; give 1 to 64 letters"),
    ("tags", ("",), "no tag; give 1 to 64 letters"),
    ("tags", ("a b",), "no tag"),
    ("tags", ('a"b',), "no tag"),
    ("tags", ("a\x00",), "no tag"),
    ("tags", ("a" * (LONGEST_TAG + 1),), "no tag"),
    ("tags", tuple(f"t{n}" for n in range(MOST_TAGS + 1)), "too many; give at most 16"),
    ("tags", tuple(f"t{n}" for n in range(MOST_TAGS)), "the task's own counted"),
    ("owner", "", "no owner; give 1 to 200 characters"),
    ("owner", "a\nb", "no owner"),
    ("owner", "\ud800", "no owner"),
    ("owner", "a" * (LONGEST_OWNER + 1), "no owner"),
    ("owner", 7, "no text; give 1 to 200"),
]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("field", "value", "told"), BAD)
async def test_what_nothing_can_be_found_by_is_refused(
    ob: Onbeat, field: str, value: Any, told: str
) -> None:
    with pytest.raises(InvalidInput, match=told) as caught:
        make_task(ob).opts(**{field: value})

    assert caught.value.field == field


async def test_the_most_tags_there_may_be_are_kept(ob: Onbeat) -> None:
    tags = tuple(f"t{n:02}" for n in range(MOST_TAGS - 1))

    handle = await make_task(ob).opts(tags=(*tags, *tags), owner="o" * LONGEST_OWNER).enqueue()

    assert (await ob.jobs.find(handle.id)).tags == ("billing", *tags)
