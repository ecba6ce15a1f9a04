"""The dispatcher: changes of incidents become notices, and notices are sent.

It is no part of the job queue: where there is no worker, people are told all the same. Any number
may run, and none is the leader; a notice is leased by whoever sends it, so that it is sent again
when they died before that was on record, under the same key.

One notice of a channel is sent at a time, each channel by a task of its own: one that is slow, or
that waits for its next try, holds up no other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final

import msgspec
from sqlalchemy import Connection

from onbeat.alerts.channels.outlet import Outlet
from onbeat.alerts.messages import Letter, compose, linked
from onbeat.crash_points import CrashPoint, reach
from onbeat.domain.channels import ChannelKind
from onbeat.domain.errors import ExtraMissing, InvalidSetting
from onbeat.domain.events import NoticeSent
from onbeat.domain.incidents import list_link_to
from onbeat.domain.meters import Meter
from onbeat.domain.notices import Came, NoticeKind, NoticeState, Verdict
from onbeat.domain.requests import RequestKind, RequestOutcome
from onbeat.outbound.tally import Tally
from onbeat.runtime.service import OUTAGES, Service
from onbeat.sealing import SealBroken, Vault
from onbeat.store import notices as stored
from onbeat.store import routing
from onbeat.store.notices import Claim
from onbeat.store.routing import AT_ONCE, NewId
from onbeat.store.store import Store
from onbeat.timing import within

OUTCOMES: Final = {
    Verdict.SENT: RequestOutcome.SENT, Verdict.AGAIN: RequestOutcome.AGAIN,
    Verdict.REFUSED: RequestOutcome.REFUSED, Verdict.GONE: RequestOutcome.REFUSED,
}  # fmt: skip

LOOK_EVERY: Final = 2.0
"""Seconds between looks; one that finds nothing is one statement that reads. What has been sent
wakes it.
"""

PATIENCE: Final = 60.0
"""Seconds that sending may take; a notice's lease is longer."""

GRACE: Final = 5.0
"""Seconds that what is being sent has when the process ends; what is not sent by then is again."""


class Dispatcher(Service):
    """Routes, reminds, escalates, and sends."""

    def __init__(
        self,
        store: Store,
        vault: Vault,
        outlets: Mapping[ChannelKind, Outlet],
        *,
        public_url: str | None = None,
        **options: Any,
    ) -> None:
        """Open with `vault` where channels lead, and send by `outlets`; links lead to what is
        served under `public_url`.
        """
        super().__init__(**{"id": "dispatcher", "timing": store.timing, **options})
        self.tally = self._tally = Tally()
        self._store = store
        self._vault = vault
        self._outlets = outlets
        self._public_url = public_url
        self._sending: dict[str, asyncio.Task[None]] = {}
        """By channel."""

    async def step(self) -> float:
        """Do what there is to do; at once again while there is more than a batch of it."""
        self._forget_done()
        if not await self._store.read(routing.waits):
            return LOOK_EVERY
        is_more = await self._prepare()
        await self._send_due()
        return 0.0 if is_more else LOOK_EVERY

    async def clean_up(self) -> None:
        """Let what is being sent end, for a little while."""
        tasks = list(self._sending.values())
        if tasks:
            await asyncio.wait(tasks, timeout=GRACE)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._sending.clear()

    async def settle(self) -> None:
        """Wait until what is being sent has been."""
        await asyncio.gather(*self._sending.values())
        self._forget_done()

    def _forget_done(self) -> None:
        for channel, task in list(self._sending.items()):
            if task.done():
                del self._sending[channel]
                task.result()

    async def _prepare(self) -> bool:
        """Make notices; whether there may be more to make."""
        done = await self._store.write(partial(_prepare, new_id=self._store.new_id))
        return max(done) >= AT_ONCE

    async def _send_due(self) -> None:
        if not self._kinds:
            return
        claims = await self._store.write(
            partial(
                stored.claim, kinds=self._kinds, busy=list(self._sending),
                new_id=self._store.new_id,
            )
        )  # fmt: skip
        if claims:
            reach(CrashPoint.NOTICE_CLAIMED)
        for claim in claims:
            sending = asyncio.create_task(self._send(claim), name=f"onbeat-notice-{claim.token}")
            sending.add_done_callback(lambda _: self.wake())
            self._sending[claim.channel.id] = sending

    @property
    def _kinds(self) -> tuple[ChannelKind, ...]:
        """What this process can send: where a channel leads cannot be read without the key."""
        try:
            self._vault.check()
        except (InvalidSetting, ExtraMissing):
            return ()
        return tuple(self._outlets)

    async def _send(self, claim: Claim) -> None:
        """Send, and put it on record; what goes wrong with the record is tried again by lease."""
        now = await self._store.read(_now)
        letter = letter_of(claim, now, self._store.environment, self._public_url)
        came = await attempt(self._outlets, self._vault, claim.channel.id, claim, letter)
        reach(CrashPoint.NOTICE_SENT)
        if came.seconds is not None:
            of = RequestKind(claim.channel.kind)
            self._tally.count(of, OUTCOMES[came.verdict], came.seconds)
        fault = "; ".join(each for each in (letter.fault, came.doubt) if each) or None
        work = partial(stored.record, made=claim, came=came, by=self._store.randomness, fault=fault)
        try:
            settled = await self._store.write(work)
        except OUTAGES:
            return
        if settled is not None:
            state = settled.state if settled.state is not NoticeState.DUE else None
            kind = claim.channel.kind
            self._store.counting.count(Meter.TOLD, (kind, state or RequestOutcome.AGAIN))
            self.emit(NoticeSent(claim.channel.name, kind, claim.notice.id, state, came.error))


def _prepare(connection: Connection, now: datetime, new_id: NewId) -> tuple[int, ...]:
    verbs = (routing.route, routing.remind_again, routing.escalate)
    return tuple(verb(connection, now, new_id) for verb in verbs)


def _now(connection: Connection, now: datetime) -> datetime:
    return now


def letter_of(
    claim: Claim, now: datetime, environment: str | None, public_url: str | None
) -> Letter:
    """What a claimed notice says now."""
    notice = linked(claim.notice, public_url)
    is_of_rule = notice.kind is not NoticeKind.MORE
    return compose(
        notice, claim.channel.options, now, environment=environment, left=claim.left,
        unseen=claim.unseen, listed=list_link_to(public_url, notice.rule) if is_of_rule else None,
    )  # fmt: skip


def sealed_for(channel: str) -> str:
    """The purpose that where a channel leads is sealed for."""
    return f"channel {channel}"


async def attempt(
    outlets: Mapping[ChannelKind, Outlet], vault: Vault, channel: str, claim: Claim, letter: Letter
) -> Came:
    """Send once, within a time; what came of it, whatever that is."""
    try:
        where = msgspec.json.decode(vault.open(claim.sealed, sealed_for(channel)))
        async with within(PATIENCE):
            return await outlets[claim.channel.kind].send(where, letter)
    except (SealBroken, ExtraMissing, InvalidSetting) as error:
        return Came(verdict=Verdict.AGAIN, error=str(error))
    except TimeoutError:
        told = f"it took longer than {PATIENCE:g} s"
        return Came(verdict=Verdict.AGAIN, error=told, seconds=PATIENCE)
    except Exception as error:
        return Came(verdict=Verdict.REFUSED, error=f"{type(error).__name__} while sending")
