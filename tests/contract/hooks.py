"""Webhooks on a store, in the words of the laws: who has them, and what they are told."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from onbeat.domain.job_filters import JobFilter
from onbeat.domain.jobs import Job, JobId
from onbeat.domain.webhooks import TASK, EventType, Webhook
from onbeat.store import ends, listing, webhooks
from onbeat.store.store import Store
from tests import factories
from tests.contract.world import acked, running

URL = "https://hooks.example/onbeat"
OWNED = ("owner:ann", "ends:")


async def create(store: Store, owner: str = "ann", **fields: Any) -> Webhook:
    given = {
        "identity": store.new_id(), "owner": owner, "url": URL, "events": tuple(EventType),
        "secret": "sealed",
    }  # fmt: skip
    return await store.write(partial(webhooks.create, **{**given, **fields}))


async def end(store: Store, move: str = "complete", **fields: Any) -> JobId:
    """A job that ends so, with its id."""
    ties = fields.pop("ties", OWNED)
    is_marked = any(each.startswith("owner:") for each in ties)
    claimed = await running(store, ties=ties, is_marked=is_marked, **fields.pop("job", {}))
    await acked(store, factories.ack(claimed, move, **fields))
    return claimed.id


async def follow(store: Store) -> ends.Followed:
    return await store.write(ends.follow)


async def messages(store: Store) -> list[dict[str, Any]]:
    """The arguments of the jobs that deliver, their bodies read."""
    found = await store.read(partial(listing.list_jobs, wanted=JobFilter(task=TASK)))
    return [_read(job) for job in sorted(found, key=lambda job: job.id)]


def _read(job: Job) -> dict[str, Any]:
    args: dict[str, Any] = json.loads(job.args)
    return {**args, "body": json.loads(args["body"])}
