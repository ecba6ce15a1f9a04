"""Channels: where incidents are told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import Path, Query, Request, Response

from onbeat.api.answers import digest, edition, found, location_of, page_of, refuse_edited, told
from onbeat.api.auth import allowed, gate_of
from onbeat.api.bodies import routes
from onbeat.api.openapi import CLOSED, EDITS, FINDS, READS, WRITES
from onbeat.api.paging import Listed
from onbeat.api.problems import Problem
from onbeat.api.schemas.channels import (
    ChannelChange,
    ChannelIn,
    ChannelMade,
    ChannelOut,
    ChannelSeen,
    RuleStatsOut,
    TestOut,
    given,
    options,
)
from onbeat.app.facts.channels import channel_data, stats_data, test_data
from onbeat.domain.access import Permission, Principal
from onbeat.domain.channels import LONGEST_NAME, Channel
from onbeat.domain.errors import ExtraMissing, InvalidSetting
from onbeat.store.channels import MOST

router = routes("/channels", "channels")
EXTRA = {"security": CLOSED}
Asker = Annotated[Principal, allowed(Permission.CHANNELS_MANAGE)]
Name = Annotated[str, Path(max_length=LONGEST_NAME, description="The channel's name.")]


@contextmanager
def _set_up() -> Iterator[None]:
    """Without the server's key nothing can be sealed, which is nobody's mistake who asks."""
    try:
        yield
    except (InvalidSetting, ExtraMissing) as error:
        raise Problem(503, f"it is not set up: {error}", code="not-set-up") from None


@router.get("", operation_id="channels_list", response_model=Listed[ChannelSeen],
            responses=READS, openapi_extra=EXTRA)  # fmt: skip
async def list_channels(request: Request, asker: Asker) -> Response:
    """All channels, by name."""
    channels = gate_of(request).ob.channels
    waiting = await channels.waiting()
    rows = await channels.list()
    return page_of(
        rows, MOST, lambda each: channel_data(each, waiting.get(each.id, 0)),
        lambda each: each.name, None,
    )  # fmt: skip


@router.post("", operation_id="channels_add", status_code=201, response_model=ChannelMade,
             responses=WRITES, openapi_extra=EXTRA)  # fmt: skip
async def add(request: Request, asker: Asker, body: ChannelIn) -> Response:
    """Add a channel; a secret that is made for it is shown in this answer alone."""
    with _set_up():
        made = await gate_of(request).ob.channels.add(
            body.name, body.kind, options=options(body.options), **given(body)
        )
    data = channel_data(made.channel) | {"secret": made.secret}
    return told(data, 201, location_of(request, made.channel.name))


@router.get("/stats", operation_id="channels_stats", response_model=Listed[RuleStatsOut],
            responses=READS, openapi_extra=EXTRA)  # fmt: skip
async def stats(
    request: Request,
    asker: Asker,
    window: Annotated[str, Query(max_length=100, description="Of how long; up to 90d.")] = "7d",
) -> Response:
    """How often each channel was told of each rule, and how much of it somebody saw to."""
    rows = await gate_of(request).ob.channels.stats(window)
    return page_of(rows, max(1, len(rows)), stats_data, lambda each: each.rule, window)


@router.get("/{name}", operation_id="channels_get", response_model=ChannelOut,
            responses=FINDS, openapi_extra=EXTRA)  # fmt: skip
async def find(request: Request, asker: Asker, name: Name) -> Response:
    """One of them; where it leads is not shown."""
    wanted = await gate_of(request).ob.channels.find(name)
    data = channel_data(wanted)
    return found(request, data, edition(_edition(wanted), data))


@router.patch("/{name}", operation_id="channels_edit", response_model=ChannelOut,
              responses=EDITS, openapi_extra=EXTRA)  # fmt: skip
async def edit(request: Request, asker: Asker, name: Name, body: ChannelChange) -> Response:
    """Change what is given; disabled, it is told nothing, also not what waits."""
    channels = gate_of(request).ob.channels
    refuse_edited(request, _edition(await channels.find(name)), "channel")
    with _set_up():
        changed = await channels.edit(name, options=options(body.options), **given(body))
    if body.enabled is not None:
        changed = await (channels.enable(name) if body.enabled else channels.disable(name))
    data = channel_data(changed)
    return told(data, headers={"ETag": edition(_edition(changed), data)})


def _edition(channel: Channel) -> str:
    """What tells what it says now from what it said before it was changed."""
    return digest(channel.id, channel.changed_at)


@router.delete("/{name}", operation_id="channels_remove", status_code=204, responses=EDITS,
               openapi_extra=EXTRA)  # fmt: skip
async def remove(request: Request, asker: Asker, name: Name) -> Response:
    """Take it away, with the record of what it was told."""
    channels = gate_of(request).ob.channels
    refuse_edited(request, _edition(await channels.find(name)), "channel")
    await channels.remove(name)
    return Response(status_code=204)


@router.post("/{name}/test", operation_id="channels_test", response_model=TestOut,
             responses=WRITES, openapi_extra=EXTRA)  # fmt: skip
async def test(request: Request, asker: Asker, name: Name) -> Response:
    """Send a notice that says that it is a test, once, now; what came of it."""
    with _set_up():
        tested = await gate_of(request).ob.channels.test(name)
    return told(test_data(tested.notice, tested.came))
