"""What the rescue does, by the store's own functions: the service around it is tested elsewhere."""

from __future__ import annotations

import random

from onbeat.domain.outcomes import Ack, Lost, decide
from onbeat.domain.retries import Retry
from onbeat.store import workers
from onbeat.store.store import Store


async def begin_again(store: Store, token: int) -> bool:
    """Say that a job begins under which a worker has died."""
    return await store.write(lambda connection, now: workers.tell_begun(connection, now, token))


async def rescue(store: Store, limit: int = 1_000) -> list[Ack]:
    """End sessions whose time is over and decide about what they held; the acks that were sent."""
    await store.write(workers.expire)
    lost = await store.read(lambda connection, now: workers.lost_leases(connection, now, limit))
    acks = [
        decide(
            Lost(each.losses + each.may_have_begun, each.stop_asked, each.may_have_begun),
            token=each.token,
            attempt=each.attempt,
            max_attempts=3,
            retry=Retry(),
            randomness=random.Random(0),
        )
        for each in lost
    ]
    await store.ack(acks)
    return acks
