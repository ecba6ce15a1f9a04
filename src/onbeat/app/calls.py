"""A call of a task that is yet to be made: the task, its options, its arguments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Generic, TypeVar, Unpack

import msgspec

from onbeat.app.options import PLAIN, JobOptions, Options, change_options
from onbeat.app.results import ResultOf
from onbeat.domain.breakers import tie_of
from onbeat.domain.errors import InvalidArguments, InvalidInput
from onbeat.domain.jobs import JobId, NewJob
from onbeat.domain.limits import slot_of
from onbeat.domain.marks import marks
from onbeat.domain.ties import TieKind, tie
from onbeat.domain.uniqueness import UniqueKey
from onbeat.runtime.tasks import Definition

R = TypeVar("R")

NO_TIES: tuple[str, ...] = ()
INSTANT = timedelta(microseconds=1)


# A struct, because enqueue_many takes one for each job (see domain/jobs.py).
class Call(msgspec.Struct, Generic[R], frozen=True):
    """A task with its arguments, checked and encoded: ready to be enqueued or scheduled."""

    definition: Definition
    args: bytes
    options: Options = PLAIN
    results: tuple[tuple[str, ResultOf | tuple[ResultOf, ...]], ...] = ()
    """Its arguments that are results of other jobs of its workflow."""
    job: JobId | None = None
    """The id that its job will have, unless a unique one is there already: known to middleware."""

    def new_job(self, job: JobId) -> NewJob:
        """The job this call asks for. Raises InvalidArguments where it takes results of others."""
        if self.results:
            raise InvalidArguments(
                self.results[0][0], "it is the result of a job of a workflow, which only another "
                "job of it can take; add that with flow.add(task.bind(…))",
            )  # fmt: skip
        options, task = self.options, self.definition
        if options is PLAIN and task.is_plain:  # as most are: half of what the rest takes
            unique = None if task.keyer is None else task.keyer.key_of(self.args)
            return NewJob(
                id=job,
                task=task.name,
                args=self.args,
                queue=task.queue,
                priority=task.priority,
                max_attempts=task.retry.attempts,
                ties=NO_TIES if unique is None else (unique.tie,),
                unique=unique,
            )
        unique = self._unique()
        start_within = self._start_within()
        found_by = marks(self.tags, options.owner)
        is_told = () if options.owner is None else (tie(TieKind.ENDS),)
        return NewJob(
            id=job,
            task=task.name,
            args=self.args,
            queue=options.queue or task.queue,
            priority=task.priority if options.priority is None else options.priority,
            max_attempts=(options.retry or task.retry).attempts,
            timeout=options.timeout,
            retry=options.retry,
            delay=options.delay,
            due_at=options.at,
            grace=options.grace,
            ties=(*self._ties(unique, start_within), *found_by, *is_told),
            is_marked=bool(found_by),
            secrets=task.arguments.secrets,
            region=self.region,
            unique=unique,
            start_within=start_within,
            start_by=options.start_by,
            trace=options.trace or (),
        )

    def __repr__(self) -> str:
        """Show the task; the arguments may be secret."""
        return f"<Call {self.task}>"

    @property
    def task(self) -> str:
        """The name of its task."""
        return self.definition.name

    def arguments(self) -> dict[str, Any]:
        """Its arguments by name, as the task will get them; without those left to the defaults,
        and those that are results of other jobs.
        """
        if self.definition.is_elsewhere:
            plain: dict[str, Any] = msgspec.json.decode(self.args)
            return plain
        known = self.definition.arguments
        if self.results:
            known = known.without([name for name, _ in self.results])
        return known.decode(self.args)

    def opts(self, **options: Unpack[JobOptions]) -> Call[R]:
        """The same call with other options; those left out stay. Raises InvalidInput."""
        changed = change_options(self.definition, self.options, options)
        return msgspec.structs.replace(self, options=changed)

    def traced(self, headers: Mapping[str, str]) -> Call[R]:
        """The same call in the trace that these headers of W3C's Trace Context name; the run of its
        job has them as `run.trace`.
        """
        options = replace(self.options, trace=tuple(headers.items()))
        return msgspec.structs.replace(self, options=options)

    def identified(self, job: JobId) -> Call[R]:
        """The same call, whose job will have this id."""
        return msgspec.structs.replace(self, job=job)

    def member_job(self, job: JobId, own_tie: str) -> NewJob:
        """The job it asks for as one of a workflow. Raises InvalidInput."""
        asked = msgspec.structs.replace(self, results=()).new_job(job)
        if asked.unique is not None:
            self._check_member_key(asked.unique)
        if asked.start_within is not None or asked.start_by is not None:
            raise InvalidInput(
                "start_within", f"{self.task}: a job of a workflow begins when those before it "
                "have ended; give task.opts(start_within=False)",
            )  # fmt: skip
        results = tuple(
            (name, each.job if isinstance(each, ResultOf) else tuple(one.job for one in each))
            for name, each in self.results
        )
        return msgspec.structs.replace(asked, ties=(*asked.ties, own_tie), results=results)

    def _check_member_key(self, key: UniqueKey) -> None:
        """A key that ends with its time needs nobody to let it go, whatever becomes of the job."""
        if key.within is None or key.replaces:
            raise InvalidInput(
                "unique", f"{self.task}: a job of a workflow has a unique key for a time alone; "
                "give Unique(within=…), or task.opts(unique=False)",
            )  # fmt: skip
        unique = self.options.unique or self.definition.unique
        by = None if not unique or unique.key is not None else unique.by or self._names()
        for name in by or ():
            if any(name == result for result, _ in self.results):
                raise InvalidInput(
                    "unique", f"{self.task}: it is by {name!r}, a result that is not known yet; "
                    "name other arguments, or give a key",
                )  # fmt: skip

    def _names(self) -> tuple[str, ...]:
        return tuple(self.definition.arguments.names)

    def parents(self) -> Iterator[ResultOf]:
        """The results it takes, one by one."""
        for _, each in self.results:
            yield from (each,) if isinstance(each, ResultOf) else each

    @property
    def tags(self) -> tuple[str, ...]:
        """What its job can be found by: the task's tags and its own."""
        return tuple(dict.fromkeys((*self.definition.tags, *(self.options.tags or ()))))

    @property
    def region(self) -> str | None:
        """Where its job is wanted."""
        if self.options.region is not None:
            return self.options.region
        return self.definition.region if self.options.queue is None else None

    def _ties(self, unique: UniqueKey | None, start_within: timedelta | None) -> tuple[str, ...]:
        """Its unique key first, its deadline, and the slots it needs, those of breakers first."""
        ties: tuple[str, ...] = () if unique is None else (unique.tie,)
        if start_within is not None:
            ties = (*ties, tie(TieKind.EXPIRES, str(start_within // INSTANT)))
        elif self.options.start_by is not None:
            ties = (*ties, tie(TieKind.EXPIRES))
        ties = (*ties, *(tie_of(breaker.name) for breaker in self.definition.breakers))
        limits = self.definition.limits if self.options.limits is None else self.options.limits
        if not limits:
            return ties
        arguments = self.definition.defaults | msgspec.json.decode(self.args)
        return (*ties, *(slot_of(limit, arguments) for limit in limits))

    def _unique(self) -> UniqueKey | None:
        own, task = self.options.unique, self.definition
        if own is None:
            own, keyer = task.unique, task.keyer
        else:
            keyer = self.options.keyer
        if keyer is None and own:
            keyer = task.keyer_of(own, self.args)
        return None if keyer is None else keyer.key_of(self.args)

    def _start_within(self) -> timedelta | None:
        """The call's own, or the task's where the call says nothing of it; none by a clock."""
        options = self.options
        if options.start_within is not None or options.start_by is not None:
            return options.start_within or None
        return self.definition.start_within if options.clock is None else None


def check_calls(field: str, calls: Iterable[object]) -> None:
    """Raise InvalidInput for what is no call of a task."""
    for each in calls:
        if not isinstance(each, Call):
            raise InvalidInput(
                field, f"a {type(each).__name__} is no call; give task.bind(…), the task with its "
                "arguments",
            )  # fmt: skip
