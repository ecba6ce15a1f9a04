"""Commands on channels, and on what they were told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import Connection

from onbeat.alerts.channels import outlets
from onbeat.alerts.channels.email import Mailer
from onbeat.alerts.deadman import DeadMan
from onbeat.alerts.dispatcher import Dispatcher, attempt, letter_of, sealed_for
from onbeat.app.context import Context
from onbeat.app.facts.channels import channel_data
from onbeat.app.looking import compared, has_changed, looking
from onbeat.domain.addresses import read_allowed
from onbeat.domain.channels import (
    Channel,
    ChannelKind,
    Options,
    Tells,
    check_channel_name,
    read_kind,
    read_options,
)
from onbeat.domain.disabling import by_hand
from onbeat.domain.durations import read_duration
from onbeat.domain.errors import InvalidInput
from onbeat.domain.events import Emit
from onbeat.domain.incidents import Facts, Kind, Severity
from onbeat.domain.jobs import check_page, parse_job_id
from onbeat.domain.notices import (
    Came,
    Item,
    Notice,
    NoticeAttempt,
    NoticeKind,
    NoticeState,
    Verdict,
)
from onbeat.domain.patterns import check_named
from onbeat.outbound.client import Client
from onbeat.outbound.targets import Rules
from onbeat.runtime.service import Service
from onbeat.sealing import Vault
from onbeat.settings import Settings
from onbeat.store import channels as stored
from onbeat.store import notices as told
from onbeat.store.notices import Claim, RuleStats
from onbeat.store.rules import check_rules
from onbeat.store.store import Store

TARGETS = ("url", "secret", "key", "to")
"""What says where a channel leads; each kind takes some of these."""

LONGEST_STATS = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class ChannelMade:
    """A channel, and the secret that was made for it, which is shown this once."""

    channel: Channel
    secret: str | None = None

    def __repr__(self) -> str:
        """Show the channel alone."""
        return f"<ChannelMade {self.channel.name}>"


@dataclass(frozen=True, slots=True)
class Tested:
    """What came of a test."""

    channel: Channel
    notice: str
    came: Came

    @property
    def is_sent(self) -> bool:
        """Whether it was taken."""
        return self.came.verdict is Verdict.SENT


class Channels:
    """`ob.channels`: where incidents are told."""

    def __init__(self, context: Context, settings: Settings, client: Client | None = None) -> None:
        """Made by the application; `client` is what sends requests, else one by the settings."""
        self._context = context
        self._settings = settings
        self._vault = Vault(settings.secret_key or ())
        allowed = read_allowed("ONBEAT_OUTBOUND_ALLOW", settings.outbound_allow or ())
        self._client = client or Client(Rules(allowed, settings.outbound_http))
        self._outlets = outlets(self._client, Mailer.read(settings.smtp, settings.smtp_from))

    async def add(
        self, name: str, kind: str, *, options: Mapping[str, Any] | None = None, **where: Any
    ) -> ChannelMade:
        """Tell incidents there: `where` it leads is of its kind (a Slack URL, addresses, …), its
        `options` say which incidents, and how often.

        Raises InvalidInput, InvalidSetting without ONBEAT_SECRET_KEY, ExtraMissing, and Conflict
        where the name is taken.
        """
        self._vault.check()
        check_channel_name(name)
        of, read = read_kind(kind), read_options(options or {})
        await self._check_names(name, read)
        leads = await self._outlets[of].read(_where(where))
        store = await self._context.store()
        identity, now = store.new_id(), await store.read(_now)
        channel = Channel(
            id=identity, name=name, kind=of, target=self._outlets[of].shown(leads), options=read,
            enabled=True, created_at=now, changed_at=now,
        )  # fmt: skip
        work = partial(stored.create, channel=channel, sealed=self._seal(identity, leads))
        made = await self._context.change("channel.add", ("channel", name), work,
                                          look=_look(name))  # fmt: skip
        is_ours = of is ChannelKind.WEBHOOK and where.get("secret") is None
        return ChannelMade(made, leads["secret"] if is_ours else None)

    async def list(self) -> Sequence[Channel]:
        """All of them, by name."""
        return await self._context.read(stored.list_channels)

    async def find(self, name: str) -> Channel:
        """The channel of that name. Raises NotFound."""
        return await self._context.read(partial(stored.find, name=check_channel_name(name)))

    async def waiting(self) -> Mapping[str, int]:
        """How many notices wait, by the id of their channel."""
        return await self._context.read(stored.unsettled)

    async def edit(
        self, name: str, *, options: Mapping[str, Any] | None = None, **where: Any
    ) -> Channel:
        """Change what is given; an option that is None goes back to its default. Raises NotFound,
        InvalidInput, InvalidSetting, ExtraMissing.
        """
        found = await self.find(name)
        read = None if options is None else read_options(options, found.options)
        if read is not None:
            await self._check_names(name, read)
        given = _where(where)
        sealed = target = None
        if given:
            outlet = self._outlets[found.kind]
            before = await self._leads(found.id)
            leads = await outlet.read({**before, **given})
            sealed, target = self._seal(found.id, leads), outlet.shown(leads)
        work = partial(stored.change, name=name, options=read, sealed=sealed, target=target)
        return await self._change("edit", name, work)

    async def enable(self, name: str) -> Channel:
        """Tell it what happens from now on. Raises NotFound."""
        await self.find(name)
        return await self._change("enable", name, partial(stored.enable, name=name))

    async def disable(self, name: str, why: str | None = None) -> Channel:
        """Tell it nothing more, also not what waits; say `why`. Raises NotFound."""
        await self.find(name)
        work = partial(stored.disable, name=name, why=by_hand(why))
        return await self._change("disable", name, work)

    async def remove(self, name: str) -> None:
        """Take it away, with all that it was told. Raises NotFound."""
        await self.find(name)
        await self._context.change("channel.remove", ("channel", name),
                                   partial(stored.remove, name=name), look=_look(name))  # fmt: skip

    async def test(self, name: str) -> Tested:
        """Send a notice that says that it is a test, once, now, from here; what came of it.

        Raises NotFound, InvalidSetting.
        """
        channel = await self.find(name)
        self._vault.check()
        store = await self._context.store()
        sealed = await store.read(partial(stored.sealed_of, channel=channel.id))
        now = await store.read(_now)
        notice = _test(store.new_id(), channel, now)
        claim = Claim(notice=notice, channel=channel, sealed=sealed, token="", left=0, unseen=0)
        letter = letter_of(claim, now, store.environment, self._settings.public_url)
        came = await attempt(self._outlets, self._vault, channel.id, claim, letter)
        work = partial(told.record_test, channel=channel, notice=notice, came=came)
        await self._context.change("channel.test", ("channel", name), work,
                                   told={"notice": notice.id, "error": came.error})  # fmt: skip
        return Tested(channel, notice.id, came)

    async def stats(self, window: str | timedelta = "7d") -> Sequence[RuleStats]:
        """How often each channel was told of each rule, and what was seen to. Raises
        InvalidInput.
        """
        span = read_duration(window, "window")
        if not timedelta() < span <= LONGEST_STATS:
            raise InvalidInput("window", f"{window!r} is out of range; give up to 90d")
        store = await self._context.store()
        now = await store.read(_now)
        return await store.read(partial(told.stats, since=now - span))

    def services(self, store: Store, emit: Emit) -> Sequence[Service]:
        """What tells: the dispatcher, and the dead man's switch where there is one."""
        dispatcher = Dispatcher(
            store, self._vault, self._outlets, public_url=self._settings.public_url, emit=emit
        )
        made: list[Service] = [dispatcher]
        if self._settings.deadman_url is not None:
            period = self._settings.deadman_period
            url = self._settings.deadman_url
            made.append(DeadMan(store, self._client, url, period, emit=emit))
        return made

    async def _check_names(self, name: str, options: Options) -> None:
        """Raise InvalidInput for rules and kinds that there are not, and where what nobody sees to
        would be told nowhere else.
        """
        check_named(options.kinds, list(Kind), "kinds")
        await self._context.read(partial(check_rules, patterns=options.rules))
        to = options.escalate_to
        if to is None:
            return
        others = [each.name for each in await self.list() if each.name != name]
        if to not in others:
            known = ", ".join(others) or "none yet: add it first"
            raise InvalidInput("escalate_to", f"{to!r} is no other channel; there are {known}")

    async def _leads(self, channel: str) -> Mapping[str, Any]:
        sealed = await self._context.read(partial(stored.sealed_of, channel=channel))
        opened: Mapping[str, Any] = msgspec.json.decode(
            self._vault.open(sealed, sealed_for(channel))
        )
        return opened

    def _seal(self, channel: str, leads: Mapping[str, Any]) -> str:
        text = msgspec.json.encode(leads).decode()
        return self._vault.seal(text, sealed_for(channel))

    async def _change(self, verb: str, name: str, work: Any) -> Channel:
        done: tuple[Channel, bool] = await self._context.change(
            f"channel.{verb}", ("channel", name),
            compared(partial(stored.find, name=name), work), look=_look(name),
            is_change=has_changed,
        )  # fmt: skip
        return done[0]


class Notices:
    """`ob.notices`: what channels were told, and what came of it."""

    def __init__(self, context: Context) -> None:
        """Made by the application."""
        self._context = context

    async def list(
        self,
        channel: str | None = None,
        *,
        state: str | None = None,
        incident: str | None = None,
        before: str | None = None,
        limit: int = 50,
    ) -> Sequence[Notice]:
        """Notices, the newest first: of that channel, in that state, of that incident since it
        opened last, before that of another page.

        Raises NotFound, InvalidInput.
        """
        check_page(limit)
        of = None
        if channel is not None:
            found = partial(stored.find, name=check_channel_name(channel))
            of = (await self._context.read(found)).id
        return await self._context.read(
            partial(told.list_notices, channel=of, state=_state(state), limit=limit,
                    incident=None if incident is None else parse_job_id(incident, "incident"),
                    before=None if before is None else _id(before))
        )  # fmt: skip

    async def find(self, notice: str) -> Notice:
        """The notice of that id. Raises NotFound."""
        return await self._context.read(partial(told.find, notice=_id(notice)))

    async def attempts(self, notice: str) -> Sequence[NoticeAttempt]:
        """The attempts to send it, the first first."""
        return await self._context.read(partial(told.attempts_of, notice=_id(notice)))

    async def resend(self, notice: str) -> Notice:
        """Send it once more, under the key that it had. Raises NotFound, Conflict."""
        identity = _id(notice)
        return await self._context.change(
            "notice.resend", ("notice", identity), partial(told.resend, notice=identity),
            told={"notice": identity},
        )  # fmt: skip


def _where(given: Mapping[str, Any]) -> dict[str, Any]:
    unknown = [name for name in given if name not in TARGETS]
    if unknown:
        wanted = ", ".join(TARGETS)
        raise InvalidInput(unknown[0], f"there is no such thing to give; it is one of {wanted}")
    return {name: value for name, value in given.items() if value is not None}


def _look(name: str) -> Any:
    return looking(partial(stored.find, name=name), channel_data)


def _now(connection: Connection, now: datetime) -> datetime:
    return now


def _id(notice: str) -> str:
    return parse_job_id(notice, "notice")


def _state(text: str | None) -> NoticeState | None:
    if text is None:
        return None
    try:
        return NoticeState(text)
    except ValueError:
        known = ", ".join(NoticeState)
        raise InvalidInput("state", f"{text!r} is none; give one of {known}") from None


def _test(identity: str, channel: Channel, now: datetime) -> Notice:
    """A notice that says what it is, with something in every part of it."""
    facts = Facts(
        what=f"this is how the channel {channel.name} tells of an incident", since=now,
        figures={"Sent by": "onbeat channels test"}, to_try=("nothing: all is well",),
    )  # fmt: skip
    item = Item(
        incident=identity, tells=Tells.OPENED, at=now, rule="test", kind=Kind.CHANNEL,
        subject=channel.name, name=channel.name, severity=Severity.INFO, opened_at=now,
        facts=facts,
    )  # fmt: skip
    return Notice(
        id=identity, channel=channel.id, kind=NoticeKind.TEST, rule="test",
        severity=Severity.INFO, thread=identity, state=NoticeState.SENDING, made_at=now,
        due_at=now, attempts=1, count=1, items=(item,),
    )  # fmt: skip
