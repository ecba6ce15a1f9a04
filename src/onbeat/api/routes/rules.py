"""Limits, breakers, regions and retention: see them, and change them while everything runs."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Any

from fastapi import Path, Request, Response

from onbeat.api.answers import digest, edition, found, refuse_edited, told
from onbeat.api.auth import allowed, gate_of
from onbeat.api.bodies import routes
from onbeat.api.openapi import CLOSED, EDITS, FINDS, READS, WRITES
from onbeat.api.schemas.rules import (
    BoundsIn,
    BreakerOut,
    Breakers,
    KeptIn,
    LimitOut,
    Limits,
    LimitWithSlots,
    Regions,
    RuleOut,
    Rules,
)
from onbeat.app.facts.breakers import breaker_data
from onbeat.app.facts.limits import limit_data, slot_data
from onbeat.app.facts.regions import region_data
from onbeat.app.facts.retention import rule_data
from onbeat.app.limits import Limits as LimitCommands
from onbeat.domain.access import Permission, Principal
from onbeat.domain.breakers import BreakerStanding
from onbeat.domain.errors import NotFound
from onbeat.domain.limits import LimitState, read_bounds
from onbeat.domain.naming import named
from onbeat.domain.retention import Keep, parse_kept

router = routes("", "rules")
EXTRA = {"security": CLOSED}
Reader = Annotated[Principal, allowed(Permission.QUEUES_READ)]
Manager = Annotated[Principal, allowed(Permission.QUEUES_MANAGE)]
Name = Annotated[str, Path(max_length=500)]


@router.get("/limits", operation_id="limits_list", response_model=Limits, responses=READS,
            openapi_extra=EXTRA)  # fmt: skip
async def list_limits(request: Request, asker: Reader) -> Response:
    """All limits, with how many jobs hold them and wait for them."""
    return told({"data": [limit_data(each) for each in await gate_of(request).ob.limits.list()]})


@router.get("/limits/{name:path}", operation_id="limits_get", response_model=LimitWithSlots,
            responses=FINDS, openapi_extra=EXTRA)  # fmt: skip
async def find_limit(request: Request, asker: Reader, name: Name) -> Response:
    """One limit with its slots in use; a queue's is named `queue/NAME`."""
    ob = gate_of(request).ob
    limit = await ob.limits.find(name)
    slots = await ob.limits.slots(name)
    data = {**limit_data(limit), "in_use": [slot_data(each) for each in slots]}
    return found(request, data, edition(_edition(limit), data))


def _edition(limit: LimitState) -> str:
    """What tells what it allows now from what it allowed before; how it is used is no change."""
    return digest(limit.name, limit.changed_at)


async def _seen(limits: LimitCommands, name: str) -> str | None:
    """What it allows now, as a word; None where there is none."""
    with suppress(NotFound):
        return _edition(await limits.find(name))
    return None


@router.put("/limits/{name:path}", operation_id="limits_set", response_model=LimitOut,
            responses=EDITS, openapi_extra=EXTRA)  # fmt: skip
async def set_limit(request: Request, asker: Manager, name: Name, body: BoundsIn) -> Response:
    """Let it allow this from now on, and nothing else; a deploy does not undo it."""
    limits = gate_of(request).ob.limits
    refuse_edited(request, await _seen(limits, name), "limit")
    said = body.model_dump()
    with named(limit="concurrency"):
        read_bounds(**said)
    set_to = await limits.set(name, str(asker), **said)
    return told(limit_data(set_to))


@router.delete("/limits/{name:path}", operation_id="limits_reset", response_model=LimitOut,
               responses={**EDITS, 204: {"description": "No code declares it: it is gone."}},
               openapi_extra=EXTRA)  # fmt: skip
async def reset_limit(request: Request, asker: Manager, name: Name) -> Response:
    """Let it be as the code says again; one that no code has is removed."""
    limits = gate_of(request).ob.limits
    refuse_edited(request, await _seen(limits, name), "limit")
    reset = await limits.reset(name, str(asker))
    return Response(status_code=204) if reset is None else told(limit_data(reset))


def _breaker_told(asker: Principal, breaker: BreakerStanding) -> dict[str, Any]:
    """The breaker, as far as who asks may know it."""
    return breaker_data(breaker, with_args=asker.may(Permission.JOBS_ARGUMENTS))


@router.get("/breakers", operation_id="breakers_list", response_model=Breakers, responses=READS,
            openapi_extra=EXTRA)  # fmt: skip
async def list_breakers(request: Request, asker: Reader) -> Response:
    """All breakers and how they stand."""
    rows = await gate_of(request).ob.breakers.list()
    return told({"data": [_breaker_told(asker, each) for each in rows]})


@router.get("/breakers/{name}", operation_id="breakers_get", response_model=BreakerOut,
            responses=FINDS, openapi_extra=EXTRA)  # fmt: skip
async def find_breaker(request: Request, asker: Reader, name: Name) -> Response:
    """One breaker."""
    return told(_breaker_told(asker, await gate_of(request).ob.breakers.find(name)))


@router.post("/breakers/{name}/open", operation_id="breakers_open", response_model=BreakerOut,
             responses=WRITES, openapi_extra=EXTRA)  # fmt: skip
async def open_breaker(request: Request, asker: Manager, name: Name) -> Response:
    """Open it: its jobs wait from now on, for as long as it says."""
    tripped = await gate_of(request).ob.breakers.trip(name, str(asker))
    return told(_breaker_told(asker, tripped))


@router.post("/breakers/{name}/close", operation_id="breakers_close", response_model=BreakerOut,
             responses=WRITES, openapi_extra=EXTRA)  # fmt: skip
async def close_breaker(request: Request, asker: Manager, name: Name) -> Response:
    """Close it: its jobs go on at once."""
    closed = await gate_of(request).ob.breakers.close(name, str(asker))
    return told(_breaker_told(asker, closed))


@router.get("/regions", operation_id="regions_list", response_model=Regions, responses=READS,
            openapi_extra=EXTRA)  # fmt: skip
async def list_regions(request: Request, asker: Reader) -> Response:
    """How each region is, and where its jobs go."""
    rows = await gate_of(request).ob.regions.list()
    return told({"data": [region_data(each) for each in rows]})


@router.get("/retention", operation_id="retention_list", response_model=Rules, responses=READS,
            openapi_extra=EXTRA)  # fmt: skip
async def list_rules(request: Request, asker: Reader) -> Response:
    """What is kept of whose jobs; of all others, as long as the setting says."""
    rows = await gate_of(request).ob.retention.list()
    return told({"data": [rule_data(each) for each in rows]})


@router.put("/retention/{subject:path}", operation_id="retention_set", response_model=RuleOut,
            responses=WRITES, openapi_extra=EXTRA)  # fmt: skip
async def set_rule(request: Request, asker: Manager, subject: Name, body: KeptIn) -> Response:
    """Keep so much from now on; the subject is task/NAME, queue/NAME or schedule/NAME."""
    with named(keep="completed"):
        keep = Keep(
            completed=None if body.completed is None else parse_kept("completed", body.completed),
            failed=None if body.failed is None else parse_kept("failed", body.failed),
        )
    return told(rule_data(await gate_of(request).ob.retention.set(subject, keep, str(asker))))


@router.delete("/retention/{subject:path}", operation_id="retention_remove",
               response_model=RuleOut,
               responses={**WRITES, 204: {"description": "It is gone."}},
               openapi_extra=EXTRA)  # fmt: skip
async def remove_rule(request: Request, asker: Manager, subject: Name) -> Response:
    """Take away what was set by hand; what the code says holds again, and is answered."""
    left = await gate_of(request).ob.retention.remove(subject, str(asker))
    return Response(status_code=204) if left is None else told(rule_data(left))
