"""A task as the runtime knows it: a function, how to run it, and what its jobs carry."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from difflib import get_close_matches
from enum import StrEnum
from functools import cached_property
from typing import Any, Protocol, get_type_hints

import msgspec

from onbeat.domain.breakers import Breaker, Rule
from onbeat.domain.errors import InvalidTask, UnknownTask
from onbeat.domain.jobs import (
    DEFAULT_MAX_ATTEMPTS,
    DEFAULT_PRIORITY,
    DEFAULT_QUEUE,
    MAX_ARGUMENT_BYTES,
    check_name,
    check_priority,
)
from onbeat.domain.limits import Bounds, Limit
from onbeat.domain.retries import Retry, check_retry
from onbeat.domain.secrets import Path
from onbeat.domain.uniqueness import Keyer, Unique, check_unique
from onbeat.domain.user_schedules import FILLED_IN, JOBS, LONGEST_TASK
from onbeat.domain.webhooks import TASK as WEBHOOK
from onbeat.runtime.arguments import Arguments, parameters_of, read_result, returned_by
from onbeat.runtime.result_secrets import is_closed
from onbeat.runtime.run import Run
from onbeat.runtime.secret_places import secret_places

SHELL = "shell"
"""The name of the built-in task that runs commands; see runtime/shell."""

HTTP = "http"
"""The name of the built-in task that sends a request; see runtime/http_task.py."""

ENABLED_BY = {SHELL: "ONBEAT_SHELL=true", HTTP: "ONBEAT_HTTP_TASK=true"}
"""What makes a built-in task be there."""

_WHY = {SHELL: "it runs any command", HTTP: "it sends requests"}


Proceed = Callable[[], Awaitable[Any]]
"""Goes on with what is next: another thing around the task, or the task itself."""


class Around(Protocol):
    """What is run around tasks."""

    def run(self, run: Run, proceed: Proceed, /) -> Awaitable[Any]:
        """Run the task with `proceed`, and give its result."""
        ...


class RunsIn(StrEnum):
    """What a task's function is run in."""

    COROUTINE = "coroutine"
    THREAD = "thread"
    PROCESS = "process"


@dataclass(frozen=True)
class Definition:
    """A registered function and its options."""

    name: str
    function: Callable[..., Any]
    runs_in: RunsIn
    wants_run: bool
    queue: str
    priority: int
    timeout: timedelta | None
    retry: Retry
    limits: tuple[Limit, ...] = ()
    breakers: tuple[Breaker, ...] = ()
    aliases: tuple[str, ...] = ()
    """Names it had before: jobs and schedules stored under them are run by it."""
    max_payload: int = MAX_ARGUMENT_BYTES
    """How many bytes of JSON its arguments may have, and its result."""
    is_elsewhere: bool = False
    """Whether it is only known by name: nothing is known of its arguments."""
    region: str | None = None
    """Where its jobs are wanted."""
    unique: Unique | None = None
    """What makes two of its jobs the same."""
    start_within: timedelta | None = None
    """A job that has not begun so long after it might is called off."""
    tags: tuple[str, ...] = ()
    """What its jobs can be found by."""
    for_users: str | None = None
    """The argument that says whose a user's job is; None where users may not schedule it."""

    @cached_property
    def arguments(self) -> Arguments:
        """The codec of its arguments."""
        skip = 1 if self.wants_run else 0
        parameters = parameters_of(self.name, self.function, skip)
        return Arguments(self.name, parameters, self.max_payload)

    @cached_property
    def result_secrets(self) -> tuple[Path, ...]:
        """Where the secrets are in what it returns."""
        places = secret_places({"result": returned_by(self.function)})
        return tuple(place[1:] for place in places)

    @cached_property
    def result_is_plain(self) -> bool:
        """Whether what it returns is never an object, which might have secrets of its own."""
        return is_closed(returned_by(self.function))

    @cached_property
    def defaults(self) -> dict[str, Any]:
        """What its arguments are where they are not given."""
        return {
            parameter.name: parameter.default
            for parameter in inspect.signature(self.function).parameters.values()
            if parameter.default is not parameter.empty
        }

    def read_result(self, text: str) -> Any:
        """What the function returned, as the type it is annotated with where JSON can give it."""
        return read_result(self.function, text)

    @cached_property
    def is_plain(self) -> bool:
        """Whether its jobs have neither slots to get nor deadline, region, secrets or tags."""
        return (
            self.start_within is None
            and self.region is None
            and not self.limits
            and not self.breakers
            and not self.tags
            and not self.arguments.secrets
        )

    @cached_property
    def keyer(self) -> Keyer | None:
        """What makes its jobs' unique keys, if they have some."""
        return None if self.unique is None else self.keyer_of(self.unique, b"")

    def keyer_of(self, unique: Unique, args: bytes) -> Keyer:
        """What makes unique keys by `unique`; of a task that is only known by name, the key of just
        the job with these arguments. Raises InvalidInput where it has no such argument.
        """
        if self.is_elsewhere:
            given = msgspec.json.decode(args, type=dict[str, Any])
            check_unique(unique, self.name, given)
            return Keyer(self.name, unique, given, {})
        names = self.arguments.names
        check_unique(unique, self.name, names)
        secret = {path[0] for path in self.arguments.secrets}
        return Keyer(self.name, unique, names, self.arguments.defaults, secret)


def define(  # noqa: PLR0913 - a task has that many options
    function: Callable[..., Any],
    *,
    name: str,
    queue: str,
    priority: int,
    timeout: timedelta | None,
    retry: Retry,
    isolate: str | None,
    limits: tuple[Limit, ...] = (),
    breakers: tuple[Breaker, ...] = (),
    aliases: Sequence[str] = (),
    max_payload: int = MAX_ARGUMENT_BYTES,
    unique: Unique | None = None,
    start_within: timedelta | None = None,
    tags: tuple[str, ...] = (),
    for_users: bool = False,
) -> Definition:
    """Check the function and its options, and make a definition.

    Raises InvalidTask, InvalidInput.
    """
    if timeout is not None and timeout <= timedelta():
        raise InvalidTask(
            "timeout", f"{timeout} is out of range; give more than 0, or leave it out"
        )
    check_retry("retry", retry)
    definition = Definition(
        name=check_name("task", name),
        function=function,
        runs_in=_runs_in(name, function, isolate),
        wants_run=_wants_run(name, function),
        queue=check_name("queue", queue),
        priority=check_priority(priority),
        timeout=timeout,
        retry=retry,
        limits=limits,
        breakers=breakers,
        aliases=_check_aliases(name, aliases),
        max_payload=max_payload,
        unique=unique,
        start_within=start_within,
        tags=tags,
    )
    check_limits(definition, limits)
    _ = definition.keyer
    return replace(definition, for_users=_filled_in(definition)) if for_users else definition


def _filled_in(definition: Definition) -> str:
    """The argument of a task for users that the server fills in."""
    name = definition.name
    if len(name) > LONGEST_TASK:
        raise InvalidTask("for_users", f"{name}: the name is too long; give name=… of up to "
                          f"{LONGEST_TASK} characters")  # fmt: skip
    for each in FILLED_IN:
        if each in definition.arguments.names:
            return each
    raise InvalidTask("for_users", f"{name}: it has no argument for whose its job is; add "
                      "user_id: str, which users cannot give")  # fmt: skip


def _check_aliases(name: str, aliases: Sequence[str]) -> tuple[str, ...]:
    if isinstance(aliases, str):
        raise InvalidTask("aliases", f"{aliases!r} is one text; give a tuple: ({aliases!r},)")
    if not isinstance(aliases, Iterable):
        raise InvalidTask("aliases", f"{aliases!r} is no tuple of names; give ('charge',)")
    checked = tuple(check_name("aliases", alias) for alias in aliases)
    if name in checked or len(set(checked)) < len(checked):
        raise InvalidTask("aliases", f"{name}: a name is given twice; give its former names, once")
    return checked


def check_limits(definition: Definition, limits: Sequence[Limit]) -> None:
    """Raise InvalidTask for a limit by an argument that the task has not."""
    names = definition.arguments.names
    for limit in limits:
        for name in limit.arguments:
            if name not in names:
                raise InvalidTask(
                    "limits", f"{definition.name}: limit {limit.name!r} is by {name!r}, which is "
                    f"no argument of it; it takes ({', '.join(sorted(names))})",
                )  # fmt: skip
            if any(place[0] == name for place in definition.arguments.secrets):
                raise InvalidTask(
                    "limits", f"{definition.name}: limit {limit.name!r} is by {name!r}, which is "
                    "secret, and keys of limits are shown; limit by another argument",
                )  # fmt: skip


def _runs_in(name: str, function: Callable[..., Any], isolate: str | None) -> RunsIn:
    if isolate not in (None, "process"):
        raise InvalidTask("isolate", f"{isolate!r} is not known; give 'process' or leave it out")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise InvalidTask("task", f"{name}: a generator cannot be a task; return the result")
    if isolate == "process":
        if "<locals>" in function.__qualname__:
            raise InvalidTask(
                "isolate", f"{name}: a function inside a function cannot be found by another "
                "process; move it to the top of its module",
            )  # fmt: skip
        return RunsIn.PROCESS
    return RunsIn.COROUTINE if inspect.iscoroutinefunction(function) else RunsIn.THREAD


def _wants_run(name: str, function: Callable[..., Any]) -> bool:
    """Whether the first parameter is a Run. Refuse what could be meant as one but is not.

    A first parameter that is unannotated, Any or object would fit the typed overload for a Run,
    and so lose its place in the signature of enqueue.
    """
    parameters = list(inspect.signature(function).parameters.values())
    if not parameters:
        return False
    hints = _safe_hints(function)
    for parameter in parameters[1:]:
        if hints.get(parameter.name) is Run or parameter.name == "run":
            raise InvalidTask(parameter.name, f"{name}: the run must be the first parameter")
    first = parameters[0]
    kind = hints.get(first.name, first.annotation)
    if kind is Run:
        return True
    if kind in (inspect.Parameter.empty, Any, object):
        raise InvalidTask(
            first.name, f"{name}: annotate the first parameter with its type, or as `run: Run`"
        )
    return False


def _safe_hints(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return get_type_hints(function)
    except NameError:
        return {"__unresolved__": None} | {
            key: Run if value in ("Run", "onbeat.Run") else value
            for key, value in getattr(function, "__annotations__", {}).items()
        }


def unknown_task(
    name: str,
    queue: str = DEFAULT_QUEUE,
    priority: int = DEFAULT_PRIORITY,
    max_attempts: int = DEFAULT_MAX_ATTEMPTS,
) -> Definition:
    """A task only known by name: its jobs can be asked for here, and run by who knows it."""

    def elsewhere() -> None:
        raise UnknownTask(f"no task {name!r} is registered here")

    return Definition(
        name=check_name("task", name),
        function=elsewhere,
        runs_in=RunsIn.THREAD,
        wants_run=False,
        queue=queue,
        priority=priority,
        timeout=None,
        retry=Retry(max_attempts),
        is_elsewhere=True,
    )


def enabling(name: str) -> str:
    """What to add where a task is not known: how the built-in one comes to be."""
    if name == WEBHOOK:
        return ", for it signs with what is sealed: set ONBEAT_SECRET_KEY"
    if name not in ENABLED_BY:
        return ""
    return f", for {_WHY[name]}: enable it with {ENABLED_BY[name]}"


class Registry:
    """The tasks a process knows, by name."""

    def __init__(self) -> None:
        """Start with none."""
        self._definitions: dict[str, Definition] = {}
        self._aliases: dict[str, Definition] = {}
        self._limits_of_calls: dict[str, Bounds] = {}
        self._breakers_of_clients: dict[str, Rule] = {}
        self.around: tuple[Around, ...] = ()
        """What is run around every task, the outermost first."""

    def add(self, definition: Definition) -> None:
        """Register it. Raises InvalidTask when a name of it is another task's, now or before."""
        for name in (definition.name, *definition.aliases):
            known = self.get(name)
            if known is not None and (
                known.name != definition.name or _place(known) != _place(definition)
            ):
                raise _taken(name, known, definition)
        _refuse_two_meanings("limits", self.limits(), definition.limits)
        _refuse_two_meanings("breakers", self.breakers(), definition.breakers)
        self._definitions[definition.name] = definition
        self._aliases |= dict.fromkeys(definition.aliases, definition)

    def note_limits(self, limits: Sequence[Limit]) -> None:
        """Declare limits that calls name. Raises InvalidTask for one that is declared otherwise."""
        _refuse_two_meanings("limits", self.limits(), limits)
        self._limits_of_calls |= {limit.name: limit.bounds for limit in limits}

    def note_breaker(self, breaker: Breaker) -> None:
        """Declare one that a client has. Raises InvalidTask for one that is declared otherwise."""
        _refuse_two_meanings("breakers", self.breakers(), [breaker])
        self._breakers_of_clients[breaker.name] = breaker.rule

    def limits(self) -> dict[str, Bounds]:
        """What all limits of its tasks and of their calls allow, by name."""
        return self._limits_of_calls | self.task_limits()

    def task_limits(self) -> dict[str, Bounds]:
        """What the limits of its tasks allow, by name."""
        return {limit.name: limit.bounds for each in self for limit in each.limits}

    def breakers(self) -> dict[str, Rule]:
        """What all breakers of its tasks and of clients say, by name."""
        of_tasks = {breaker.name: breaker.rule for each in self for breaker in each.breakers}
        return self._breakers_of_clients | of_tasks

    def get(self, name: str) -> Definition | None:
        """The task of that name, or that had it before, if this process knows it."""
        return self._definitions.get(name) or self._aliases.get(name)

    def queues(self) -> set[str]:
        """Where jobs of its tasks come, also those that users schedule."""
        return {each.queue for each in self} | {JOBS for each in self if each.for_users}

    def names(self) -> list[str]:
        """All names it knows tasks by, former ones too."""
        return [*self._definitions, *self._aliases]

    def check_own(self, definition: Definition) -> None:
        """Raise InvalidTask when the task is another application's, whose workers are elsewhere."""
        if self._definitions.get(definition.name) is not definition:
            raise InvalidTask(
                "task",
                f"{definition.name!r} belongs to another application; ask for its jobs there",
            )

    def find(self, name: str) -> Definition:
        """The task of that name. Raises UnknownTask."""
        found = self.get(name)
        if found is None:
            known = ", ".join(sorted(self._definitions)) or "none"
            close = get_close_matches(name, self.names(), n=1)
            meant = f" (is {close[0]} meant?)" if close else ""
            too = ", here too and not in its workers alone" if name in ENABLED_BY else ""
            here = f"is registered here{enabling(name)}{too}{meant}"
            raise UnknownTask(f"no task {name!r} {here}; known are: {known}")
        return found

    def __iter__(self) -> Iterator[Definition]:
        """All tasks in order of name."""
        return iter(self._definitions[name] for name in sorted(self._definitions))


def _taken(name: str, known: Definition, definition: Definition) -> InvalidTask:
    by = f"{_place(known)}, task {known.name!r}" if name != known.name else _place(known)
    if name in definition.aliases:
        told = f"{definition.name}: {name!r} is taken by {by}; leave it out, or rename that one"
        return InvalidTask("aliases", told)
    former = "a former name of " if name != known.name else ""
    return InvalidTask("task", f"{name!r} is {former or 'taken by '}{by}; give name=… to one")


def _refuse_two_meanings(
    field: str, known: Mapping[str, object], declared: Sequence[Limit | Breaker]
) -> None:
    """Raise InvalidTask where one says something else than another of its name."""
    for each in declared:
        own = each.bounds if isinstance(each, Limit) else each.rule
        if known.get(each.name, own) != own:
            raise InvalidTask(
                field, f"{each.name!r} is declared twice and differs; "
                "make one and give it to both tasks",
            )  # fmt: skip


def _place(definition: Definition) -> str:
    return f"{definition.function.__module__}.{definition.function.__qualname__}"
