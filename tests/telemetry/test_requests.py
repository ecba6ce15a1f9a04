"""Requests to the outside, as the fleet's figures tell of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from prometheus_client.parser import text_string_to_metric_families

from onbeat import Onbeat, Settings
from onbeat.domain.requests import BOUNDS, RequestOutcome, Requests, by_kind
from tests.outbound.receivers import always, receiving
from tests.telemetry.promtool import approve
from tests.telemetry.readings import reading, told
from tests.waiting import wait_for

SECRET_KEY = "a key of a test that has 32 characters or more"  # noqa: S105 - of a test


def figures(text: str, family: str) -> dict[tuple[str, ...], float]:
    """The samples of a family, by the end of their name and the values of their labels."""
    return {
        (
            each.name.removeprefix(family),
            *(each.labels[name] for name in sorted(each.labels)),
        ): each.value
        for found in text_string_to_metric_families(text)
        for each in found.samples
        if each.name.startswith(family)
    }


def test_what_a_process_asked_of_the_outside_is_told_by_kind_and_outcome() -> None:
    slack = Requests(kind="slack").with_one(RequestOutcome.SENT, 0.25)
    both = slack.with_one(RequestOutcome.AGAIN, 60)
    (seen,) = reading().services
    services = [
        replace(seen, snapshot=replace(seen.snapshot, requests=each))
        for each in ((slack,), (both,))
    ]

    text = told(reading(services=services))

    approve("check", "metrics", given=text)
    counts = figures(text, "onbeat_outbound_requests_total")
    assert counts == {
        ("", "slack", "sent", "5d0c2f1a"): 2,
        ("", "slack", "again", "5d0c2f1a"): 1,
        ("", "slack", "refused", "5d0c2f1a"): 0,
    }
    took = figures(text, "onbeat_outbound_request_seconds")
    assert took["_count", "slack", "5d0c2f1a"] == 3
    assert took["_sum", "slack", "5d0c2f1a"] == 60.5
    buckets = [took["_bucket", "slack", f"{bound}", "5d0c2f1a"] for bound in BOUNDS]
    assert buckets == [0, 0, 2, 2, 2, 2, 2, 2, 2]
    assert took["_bucket", "slack", "+Inf", "5d0c2f1a"] == 3


async def test_a_process_that_runs_tells_of_its_webhooks_and_of_its_switch(
    database_url: str,
) -> None:
    async with receiving(always(500)) as hook, receiving() as switch:
        settings = Settings(
            secret_key=(SECRET_KEY,), outbound_allow=("127.0.0.0/8",), outbound_http=True,
            deadman_url=switch.url(), deadman_period=timedelta(seconds=1),
            queues=("default", "webhooks"),
        )  # fmt: skip
        async with Onbeat(database_url, settings=settings) as ob:

            @ob.task
            async def greet() -> None: ...

            await ob.webhooks.create("ann", hook.url())
            await greet.opts(owner="ann").enqueue()

            async def is_told() -> bool:
                of_all = by_kind(
                    each
                    for seen in (await ob.meters.read()).services
                    for each in seen.snapshot.requests
                )
                counted = {each.kind: each for each in of_all}
                return set(counted) == {"ping", "webhook"} and (
                    counted["webhook"].again >= 1 and counted["ping"].sent >= 1
                )

            async with ob.running():
                await wait_for(is_told, 40)
