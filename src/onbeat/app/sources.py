"""What comes from outside: declared sources, and what is done for their messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from onbeat.app.carrying import Carrier
from onbeat.app.clocks import Clocks
from onbeat.app.context import Context
from onbeat.app.schedules import Schedules
from onbeat.domain.environments import environment_of
from onbeat.domain.errors import InvalidInput, NotFound, StoreError
from onbeat.domain.events import Emit, discard
from onbeat.domain.jobs import check_name, check_page, parse_job_id
from onbeat.domain.meters import Meter
from onbeat.domain.processes import SeenService, seen_in
from onbeat.domain.services import Status
from onbeat.domain.sources.actions import Action, Advance
from onbeat.domain.sources.listening import Listening, Reception, SetAside
from onbeat.domain.sources.mappings import Mapped
from onbeat.domain.sources.messages import Pattern
from onbeat.domain.sources.telling import told_aside
from onbeat.runtime.metering import add_counted
from onbeat.runtime.service import Service
from onbeat.settings import Settings
from onbeat.sources.connector import Transport
from onbeat.sources.inbound_webhook import InboundWebhook
from onbeat.sources.listener import SERVICE, SourceListener
from onbeat.sources.postgres_notify import PostgresNotify
from onbeat.sources.redis_pubsub import RedisPubSub
from onbeat.sources.redis_stream import RedisStream
from onbeat.store import processes, set_aside
from onbeat.store.store import Store


class Source:
    """A declared source: say with `on` what is done for which of its messages."""

    def __init__(
        self, context: Context, settings: Settings, declared: Transport | InboundWebhook,
        carrier: Carrier,
    ) -> None:  # fmt: skip
        """Made by `Onbeat.source`."""
        self._context, self._settings, self._declared = context, settings, declared
        self.carrier = carrier

    @property
    def transport(self) -> Transport | InboundWebhook:
        """What brings its messages; what is not said of it is as it is where the application lives,
        which may be given another place until it connects.
        """
        found = self._declared
        if isinstance(found, RedisPubSub | RedisStream) and found.url is None:
            found = replace(found, url=self._settings.redis_url)
        if isinstance(found, RedisStream) and found.group is None:
            environment = environment_of(self._context.url)
            found = found if environment is None else found.within(environment)
        if isinstance(found, PostgresNotify) and found.url is None:
            found = replace(found, url=self._context.url)
        return found

    @property
    def name(self) -> str:
        """What it is called."""
        return self._declared.name

    @property
    def mappings(self) -> tuple[Mapped, ...]:
        """What is done for which messages, in the order in which it was said."""
        return self.carrier.mappings

    def on(self, pattern: str, action: Action, *, where: Mapping[str, Any] | None = None) -> Source:
        """Do `action` for each message of a channel that `pattern` means.

        `where` names values that a message must have, by their paths; others are passed over. A
        message that several mappings are for is carried out by all, in their order. Gives the
        source, for the next one. Raises InvalidInput, and UnknownTask for a task that is not
        declared above.
        """
        mapped = Mapped(pattern, action, where)
        if isinstance(action, Advance) and action.by is not None and self.transport.redelivers:
            raise InvalidInput(
                "by", f"{self.name} sends a message again until it was taken, and a clock would be "
                "moved twice; give to=…, the moment it is moved to",
            )  # fmt: skip
        if not isinstance(self.transport, InboundWebhook):
            self.transport.connector([*self._patterns, mapped.pattern])
        self.carrier.add(mapped)
        return self

    @property
    def _patterns(self) -> list[Pattern]:
        return [each.pattern for each in self.mappings]

    @property
    def listener(self) -> Callable[[Store], Service] | None:
        """What makes the service that listens; None for what is posted to the API."""
        if isinstance(self._declared, InboundWebhook):
            return None

        def make(store: Store) -> Service:
            transport = self.transport
            assert not isinstance(transport, InboundWebhook)  # noqa: S101 - as above
            connect = partial(transport.connector, self._patterns)
            return SourceListener(store, transport, connect, self.carrier.carry)

        return make


@dataclass(frozen=True, slots=True)
class SeenSource:
    """How a source stands in the fleet."""

    name: str
    status: Status
    """Of the service that listens; of those that wait to, where none does."""
    listening: Listening | None
    """None where nobody listens."""
    process: str | None
    """Which process listens."""

    @property
    def is_up(self) -> bool:
        """Whether messages come, or it was told that none shall."""
        if self.status is Status.PAUSED:
            return True
        return self.listening is not None and self.listening.is_connected


class Sources:
    """`ob.sources`: what comes from outside, and what did not fit of it."""

    def __init__(
        self, context: Context, settings: Settings, schedules: Schedules, clocks: Clocks
    ) -> None:
        """Made by the application."""
        self._context = context
        self._settings = settings
        self._make_carrier = partial(Carrier, context, schedules, clocks)
        self._declared: dict[str, Source] = {}
        self.emit: Emit = discard
        """Who hears of what is posted to inbound webhooks; `Onbeat.running` says."""
        self.is_running = False
        """Whether a service of this process adds what it counts to the fleet's sums."""

    def declare(self, transport: Transport | InboundWebhook) -> Source:
        """Add a source to this application; `Onbeat.source` does. Raises InvalidInput."""
        name = check_name("name", transport.name)
        if name in self._declared:
            raise InvalidInput("name", f"the source {name!r} is declared twice; rename one")
        source = Source(self._context, self._settings, transport, self._make_carrier(name))
        if not isinstance(source.transport, InboundWebhook):
            source.transport.connector(())
        self._declared[name] = source
        return source

    @property
    def declared(self) -> tuple[Source, ...]:
        """Those of this application."""
        return tuple(self._declared.values())

    async def list(self) -> Sequence[SeenSource]:
        """How the sources of all processes that are heard of stand, in order of name."""
        return seen_sources(seen_in(await self._context.read(processes.list_processes)))

    async def set_aside(
        self, source: str | None = None, *, before: str | None = None, limit: int = 50
    ) -> Sequence[SetAside]:
        """Messages that did not fit, the newest first: of one source, or of all; of those before
        the id `before`. Raises InvalidInput.
        """
        check_page(limit)
        page = partial(set_aside.page, source=source, before=before, limit=limit)
        return await self._context.read(page)

    async def receive(
        self, source: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[str, Reception]:
        """Take a signed message that was posted to an inbound webhook of this application, with the
        body as it came: its id, and what came of it. Raises InvalidSignature, NotFound.
        """
        found = self._declared.get(source)
        if found is None or not isinstance(found.transport, InboundWebhook):
            raise NotFound(f"no inbound webhook {source!r} is declared in this application")
        store = await self._context.store()
        message = found.transport.message(body, headers, store.timing.now())
        carried = await found.carrier.carry_alone(message)
        store.counting.count(Meter.POSTED, (source, carried.came))
        if carried.reason is not None:
            self.emit(told_aside(source, message, carried.reason))
        if not self.is_running:
            with suppress(StoreError):  # it is taken, whether that is counted now or later
                await add_counted(store)
        return message.id, carried.came

    async def forget(self, message: str) -> None:
        """Take the message of that id off the record. Raises NotFound."""
        identity = parse_job_id(message, "message")
        removed = await self._context.change(
            "source.forget", ("message", identity), partial(set_aside.remove, messages=[identity])
        )
        if not removed:
            raise NotFound(f"no message {message!r} is set aside", "sources")


def seen_sources(services: Sequence[SeenService]) -> list[SeenSource]:
    """How sources stand, of which these are the services, in order of name."""
    of_name: dict[str, list[SeenService]] = {}
    for each in services:
        if each.snapshot.id.startswith(SERVICE):
            of_name.setdefault(each.snapshot.id.removeprefix(SERVICE), []).append(each)
    return [_seen(name, found) for name, found in sorted(of_name.items())]


def _seen(name: str, services: Sequence[SeenService]) -> SeenSource:
    """Whoever listens is told of; else the first that might."""
    first = min(services, key=_rank)
    listening = first.snapshot.listening
    process = None if listening is None else first.process.short
    return SeenSource(name, first.snapshot.status, listening, process)


def _rank(seen: SeenService) -> tuple[bool, bool]:
    listening: Listening | None = seen.snapshot.listening
    return listening is None, seen.snapshot.status is Status.PAUSED
