"""Does what a message asks for, once; what does not fit is set aside with the reason.

What a message asks for is stored together with a key made of its id: the same message, sent again
by a source or tried again after an outage, finds its key taken and changes nothing. What was set
aside has not taken that key: sent again when it fits, it is carried out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any, assert_never

import msgspec

from onbeat.app.calls import Call
from onbeat.app.clocks import Clocks
from onbeat.app.context import Context
from onbeat.app.enqueueing import enqueue_calls
from onbeat.app.options import PLAIN, change_options
from onbeat.app.request_keys import under_key, write_once
from onbeat.app.schedules import Schedules
from onbeat.domain.clocks import target
from onbeat.domain.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    OnbeatError,
    StoreError,
    StoreRefused,
    StoreUnavailable,
)
from onbeat.domain.request_keys import KeyedRequest, KeyTaken, keyed_message, taken_together
from onbeat.domain.sources.actions import Advance, Enqueue, Pause, Resume, Trigger
from onbeat.domain.sources.listening import BODY_KEPT, TEXT_KEPT, Carried, Reception, SetAside
from onbeat.domain.sources.mappings import Mapped, names_of
from onbeat.domain.sources.messages import DoesNotFit, Message, kind_of
from onbeat.domain.sources.readings import duration_of, moment_of
from onbeat.domain.uniqueness import Unique
from onbeat.domain.words import one_line
from onbeat.runtime.tasks import Definition, unknown_task
from onbeat.store import set_aside


class Carrier:
    """Carries out what the mappings of one source say."""

    def __init__(self, context: Context, schedules: Schedules, clocks: Clocks, source: str) -> None:
        """For the messages of `source`."""
        self._context, self._schedules, self._clocks = context, schedules, clocks
        self._source = source
        self._goals: dict[tuple[str, str], datetime] = {}
        """Where clocks are moved by durations that are not done yet."""
        self.mappings: tuple[Mapped, ...] = ()
        self._named: tuple[tuple[str, Mapped], ...] = ()

    def add(self, mapped: Mapped) -> None:
        """Add a mapping, after the others. Raises UnknownTask."""
        if isinstance(mapped.action, Enqueue):
            self._context.registry.find(str(mapped.action.task))
        self.mappings = (*self.mappings, mapped)
        self._named = tuple(zip(names_of(self.mappings), self.mappings, strict=True))

    async def carry(self, messages: Sequence[Message]) -> list[Carried]:
        """Do what each mapping says: for the first of the messages, or for several of them at once
        where all they ask for are jobs; what came of so many. Raises StoreError, and then it may be
        done again.
        """
        together = self._together(messages)
        if len(together) < 2:
            return [await self.carry_alone(messages[0])]
        asked = [each for wanted in together for each in wanted]
        try:
            if asked:
                with under_key(taken_together([request for request, _ in asked])):
                    await enqueue_calls(self._context, [call for _, call in asked])
        except StoreUnavailable:
            raise
        except Exception:  # which of them it was is found by asking for each alone
            return [await self.carry_alone(each) for each in messages[: len(together)]]
        return [
            Carried(Reception.TAKEN if wanted else Reception.PASSED_OVER) for wanted in together
        ]

    def _together(self, messages: Sequence[Message]) -> list[list[tuple[KeyedRequest, Call[Any]]]]:
        """What the first of the messages ask for, up to one that asks for other than jobs, or does
        not fit.
        """
        found: list[list[tuple[KeyedRequest, Call[Any]]]] = []
        for message in messages:
            wanted = []
            try:
                for name, mapped in self._named:
                    if mapped.is_for(message):
                        action = mapped.fill(message)
                        if not isinstance(action, Enqueue):
                            return found
                        call = self._call(action, has_key=_has_key(mapped))
                        wanted.append((keyed_message(self._source, message.id, name), call))
            except Exception:  # it is told when its turn comes
                return found
            found.append(wanted)
        return found

    async def carry_alone(self, message: Message) -> Carried:
        """Do what each mapping says for one message. Raises StoreError."""
        came = [await self._carry_one(name, mapped, message) for name, mapped in self._named]
        for wanted in (Reception.SET_ASIDE, Reception.TAKEN):
            for each in came:
                if each.came is wanted:
                    return each
        return Carried(Reception.PASSED_OVER)

    async def _carry_one(self, name: str, mapped: Mapped, message: Message) -> Carried:
        request = keyed_message(self._source, message.id, name)
        try:
            if not mapped.is_for(message):
                return Carried(Reception.PASSED_OVER)
            action = mapped.fill(message)
            if isinstance(action, Advance):  # it is done once whoever does it again
                await self._advance(action, (message.id, name))
            else:
                with under_key(request):
                    await self._do(action, has_key=_has_key(mapped))
        except KeyTaken:
            return Carried(Reception.TAKEN)
        except StoreRefused as error:
            refused: Exception = error
        except StoreError:
            raise
        except Exception as error:
            refused = error
        else:
            return Carried(Reception.TAKEN)
        reason = _reason(refused)
        # Under another key: what is mended is done when the message comes again.
        with under_key(keyed_message(self._source, message.id, f"{name}/aside")):
            await self._set_aside(message, reason)
        return Carried(Reception.SET_ASIDE, reason)

    async def _set_aside(self, message: Message, reason: str) -> None:
        store = await self._context.store()
        kept = SetAside(
            id=str(store.new_id()), source=self._source, channel=message.channel,
            message=message.id, reason=reason, at=store.timing.now(),
            body=message.body[: 4 * BODY_KEPT].decode(errors="replace")[:BODY_KEPT],
        )  # fmt: skip
        try:
            await write_once(
                store, partial(set_aside.keep, found=kept), ("message", message.id[:200])
            )
        except KeyTaken:
            return

    async def _do(self, action: Enqueue | Trigger | Pause | Resume, *, has_key: bool) -> None:
        by = f"source:{self._source}"
        match action:
            case Enqueue():
                await enqueue_calls(self._context, [self._call(action, has_key=has_key)])
            case Trigger(schedule, args):
                await self._schedules.trigger(
                    schedule, by=by, args=None if args is None else await self._args(action)
                )
            case Pause(schedule, why, until):
                told = None if why is None else str(why)
                moment = None if until is None else moment_of(until)
                await self._schedules.pause(schedule, by, why=told, until=moment)
            case Resume(schedule):
                await self._schedules.resume(schedule)
            case _:
                assert_never(action)

    def _call(self, action: Enqueue, *, has_key: bool) -> Call[Any]:
        definition = self._context.registry.find(str(action.task))
        options: dict[str, Any] = {
            "priority": action.priority, "queue": action.queue,
            "owner": None if action.owner is None else str(action.owner),
        }  # fmt: skip
        if has_key:
            if not isinstance(action.key, str | int):
                raise DoesNotFit(
                    f"its key is {kind_of(action.key)}, neither text nor a whole number"
                )
            options["unique"] = Unique(key=str(action.key), within=action.within)
        changed = change_options(definition, PLAIN, options)  # type: ignore[arg-type] # as a user's
        return Call(definition, _encoded(definition, action.args), changed)

    async def _args(self, action: Trigger) -> str:
        task = (await self._schedules.find(action.schedule)).task
        definition = self._context.registry.get(task) or unknown_task(task)
        return _encoded(definition, action.args).decode()

    async def _advance(self, action: Advance, key: tuple[str, str]) -> None:
        """Move the clock, unless it stands there or later already."""
        if (goal := self._goals.get(key)) is None:
            goal = await self._goal(action)
            if action.by is not None:
                self._goals[key] = goal
        try:
            if action.create:
                await self._create(action.clock, goal)
            while (await self._clocks.now(action.clock)) < goal:
                await self._move(action.clock, goal)
        except StoreError:
            raise  # it is tried again, and leads to where it led before
        except BaseException:
            self._goals.pop(key, None)
            raise
        self._goals.pop(key, None)

    async def _goal(self, action: Advance) -> datetime:
        if action.to is not None:
            return moment_of(action.to)
        now = await self._clocks.now(action.clock)
        return target(now, to=None, by=duration_of(action.by))

    async def _create(self, name: str, at: datetime) -> None:
        try:
            await self._clocks.find(name)
        except NotFound:
            try:
                await self._clocks.create(name, at)
            except Conflict:
                return

    async def _move(self, name: str, goal: datetime) -> None:
        """As far as it goes at once. Another may have moved it past the goal meanwhile."""
        try:
            await self._clocks.advance(name, to=goal)
        except InvalidInput:
            if await self._clocks.now(name) < goal:
                raise


def _has_key(mapped: Mapped) -> bool:
    return isinstance(mapped.action, Enqueue) and mapped.action.key is not None


def _encoded(definition: Definition, args: Any) -> bytes:
    if definition.is_elsewhere:
        return msgspec.json.encode(args)
    return definition.arguments.encode((), dict(args))


def _reason(error: Exception) -> str:
    """Why a message does not fit, as long as it is kept; errors of code that is not ours are
    named.
    """
    told = str(error) if isinstance(error, OnbeatError) else f"{type(error).__name__}: {error}"
    return one_line(told[:TEXT_KEPT])[:TEXT_KEPT]
