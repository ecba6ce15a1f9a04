"""Commands on callbacks: what targets say of jobs that wait for them."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec

from onbeat.app.context import Context
from onbeat.app.webhooks import rules_of
from onbeat.domain.callbacks import LARGEST, PURPOSE, sealed_in
from onbeat.domain.errors import ArgumentsTooLarge, InvalidInput, InvalidSetting, NotFound
from onbeat.domain.jobs import JobId, parse_job_id
from onbeat.runtime.http_task import HttpSender
from onbeat.sealing import SealBroken, Vault
from onbeat.settings import Settings
from onbeat.store import callbacks as stored

UNKNOWN = "nobody waits for that callback; give the whole URL, as the request had it"


class Callbacks:
    """`ob.callbacks`: targets of the task `http` call back how their work has ended."""

    def __init__(self, context: Context, settings: Settings) -> None:
        """Made by the application."""
        self._context = context
        self._vault = Vault(settings.secret_key or ())

    async def receive(self, token: str, said: Any = None, *, is_done: bool = True) -> JobId:
        """Take what a target says, `token` being the last part of its URL: the job's result, or
        what went wrong; the job ends so at once. Said again, it changes nothing.

        Raises NotFound, ArgumentsTooLarge, and Conflict where something else was said before.
        """
        job = self._job(token)
        text = _read(said)
        say = partial(stored.say, job=job, said=text, is_done=is_done)
        await self._context.write(say)
        (await self._context.store()).wakeups.deliver_all()
        return job

    def _job(self, token: str) -> JobId:
        """The job that a token is for. Raises NotFound."""
        try:
            return JobId(parse_job_id(self._vault.open(sealed_in(token), PURPOSE)))
        except (SealBroken, InvalidSetting, InvalidInput):
            raise NotFound(UNKNOWN) from None


def sender_of(context: Context, settings: Settings) -> HttpSender:
    """What jobs of the task `http` send by."""
    return HttpSender(
        rules=rules_of(settings), tally=context.tally, store=context.store,
        vault=Vault(settings.secret_key or ()), public_url=settings.public_url,
    )  # fmt: skip


def _read(said: Any) -> str:
    encoded = msgspec.json.encode(said)
    if len(encoded) > LARGEST:
        told = f"{len(encoded):,} bytes of JSON, at most {LARGEST:,} are taken; give its address"
        raise ArgumentsTooLarge("result", told)
    return encoded.decode()
