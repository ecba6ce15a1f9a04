"""A receiver of Sentry's protocol on loopback: it takes the envelopes of the real SDK."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import sentry_sdk
from sentry_sdk.envelope import Envelope
from sentry_sdk.integrations.logging import LoggingIntegration

from tests.outbound.receivers import Receiver, receiving


@dataclass
class Relay:
    """What has come."""

    receiver: Receiver

    async def items(self, kind: str) -> list[dict[str, Any]]:
        """All of a kind so far: `event`, `check_in`."""
        await asyncio.to_thread(sentry_sdk.flush)
        items = [item for body in self.bodies for item in Envelope.deserialize(body).items]
        return [json.loads(item.payload.get_bytes()) for item in items if item.type == kind]

    @property
    def bodies(self) -> list[bytes]:
        """Each envelope; what came packed, the server has unpacked."""
        came = self.receiver.came
        assert {each.path for each in came} <= {"/api/7/envelope/"}
        return [each.body for each in came]


@asynccontextmanager
async def relaying() -> AsyncIterator[Relay]:
    """Set Sentry up to send to a receiver, and leave it off again."""
    async with receiving() as receiver:
        sentry_sdk.init(
            f"http://public@127.0.0.1:{receiver.port}/7", default_integrations=False,
            integrations=[LoggingIntegration()], environment="test",
        )  # fmt: skip
        try:
            yield Relay(receiver)
        finally:
            await asyncio.to_thread(sentry_sdk.get_client().close)
            sentry_sdk.get_global_scope().set_client(None)
            sentry_sdk.get_isolation_scope().clear()
