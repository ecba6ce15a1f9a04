"""What a user may not write; each line marked with `# error` is refused by every type checker."""

from __future__ import annotations

from onbeat import Middleware, Onbeat, RateLimited, Retry, Run, Secret, every

ob = Onbeat()


@ob.task
async def charge(run: Run, order: int, *, tenant: str = "acme") -> str:
    """A coroutine with a run."""
    return tenant


@ob.task(queue=5)  # error: a queue is a name
def count(words: list[str]) -> int:
    """A plain function with options."""
    return len(words)


@ob.task(aliases=5)  # error: names are wanted
async def renamed() -> None:
    """A task with a wrong alias."""


@ob.task(retry=Retry(rules={5: "transient"}))  # error: an exception is wanted
async def ruled(password: Secret[str]) -> None:
    """A task with a secret."""


Retry(never=("KeyError",))  # error: the class is wanted, not its name


class Around(Middleware):
    """A verb with the wrong shape."""

    async def run(self, run: Run) -> str:  # error: it is given what goes on
        """Cannot go on."""
        return run.task


ob.middleware(Around)  # error: an object is wanted
ob.middleware(print)  # error: middleware is wanted


async def use_ruled() -> None:
    """Secrets with values that do not fit."""
    await ruled.enqueue(5)  # error: it is text
    raise RateLimited("slow down", retry_after=b"30")  # error: seconds or text


async def use(run: Run) -> None:
    """Verbs with arguments that do not fit."""
    await charge.enqueue()  # error: missing
    await charge.enqueue("42")  # error: wrong type
    await charge.enqueue(42, "acme")  # error: by name only
    await charge.enqueue(42, colour="red")  # error: no such argument
    await charge.enqueue(run, 42)  # error: the run is given by the worker
    await charge.opts(queue="mail").enqueue("42")  # error: wrong type
    await charge.opts(colour="red").enqueue(42)  # error: no such option
    charge.bind(order="42")  # error: wrong type
    await ob.schedules.create("report", charge, every("15m"))  # error: a call is wanted
    await ob.schedules.create("report", charge.bind(1), "15m")  # error: a recurrence is wanted
    charge(42)  # error: called directly, it wants its run
    job = await charge.enqueue(42)
    number: int = await job.result()  # error: it is text
    del number


def use_blocking() -> None:
    """The same from code without an event loop."""
    charge.enqueue_blocking("42")  # error: wrong type
    number: str = charge.enqueue_blocking(42).result_blocking(5)  # error: a duration is wanted
    del number


@ob.task
async def measure(words: list[str]) -> int:
    """Returns a number."""
    return len(words)


async def use_workflow() -> None:
    """Results that do not fit what takes them."""
    async with ob.workflow("nightly") as flow:
        measured = flow.add(measure.bind(["a"]))
        charged = flow.add(charge.bind(measured.result))
        flow.add(charge.bind(charged.result))  # error: it is text, a number is wanted
        flow.add(measure.bind([measured.result]))  # error: a list of numbers
        flow.add(charge.bind(measured))  # error: the step is not its result
        flow.add(charge.bind(1, tenant=measured.result))  # error: it is a number
        flow.add(charge)  # error: a call is wanted
        flow.add(charge.bind(1), on="never")  # error: success or end
        flow.add(charge.bind(1), after=5)  # error: a step or a label
    ob.workflow("nightly", on_failure="stop")  # error: continue or end


async def use_options() -> None:
    """Options that switch nothing off."""
    await charge.opts(start_within=True).enqueue(42)  # error: False or a time
    await charge.opts(unique=True).enqueue(42)  # error: False or a Unique
    await charge.opts(limits=False).enqueue(42)  # error: none is ()
