"""What opens incidents, and by what nobody is told of some for a time."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Annotated, Any

import msgspec
from fastapi import Path, Query, Request, Response

from onbeat.api.answers import (
    digest,
    edition,
    found,
    location_of,
    page_of,
    refuse_edited,
    told,
)
from onbeat.api.auth import allowed, gate_of
from onbeat.api.bodies import routes
from onbeat.api.openapi import CLOSED, EDITS, FINDS, READS, WRITES
from onbeat.api.paging import After, Limit, Listed, place
from onbeat.api.routes.incidents import incident_told
from onbeat.api.schemas.incidents import (
    IncidentOut,
    IncidentRuleIn,
    IncidentRuleOut,
    MatcherIn,
    PastOut,
    RuleChange,
    SilenceIn,
    SilenceOut,
)
from onbeat.app.facts.incidents import past_data, rule_data, silence_data
from onbeat.app.reading import rules as reading
from onbeat.domain.access import Permission, Principal
from onbeat.domain.errors import NotFound
from onbeat.domain.rules import Rule
from onbeat.domain.silences import Matcher, read_each

router = routes("", "incidents")
EXTRA = {"security": CLOSED}
Reader = Annotated[Principal, allowed(Permission.INCIDENTS_READ)]
Manager = Annotated[Principal, allowed(Permission.INCIDENTS_MANAGE)]
Name = Annotated[str, Path(max_length=200)]
Id = Annotated[
    str, Path(max_length=100, description="32 hexadecimal digits, with or without dashes.")
]
Since = Annotated[str, Query(max_length=100, description="How far back is looked, as 7d.")]


async def _told(request: Request, rule: Rule) -> dict[str, Any]:
    return rule_data(rule, await gate_of(request).ob.rules.doubts(rule))


def _edition(rule: Rule) -> str:
    return digest(rule.name, rule.version, rule.changed_at)


async def _answer(request: Request, rule: Rule, status: int = 200, **headers: str) -> Response:
    data = await _told(request, rule)
    return told(data, status, {"ETag": edition(_edition(rule), data), **headers})


@router.get("/rules", operation_id="rules_list", response_model=Listed[IncidentRuleOut],
            responses=READS, openapi_extra=EXTRA)  # fmt: skip
async def list_rules(
    request: Request, asker: Reader, limit: Limit = 50, after: After = None
) -> Response:
    """What opens incidents, by name: rules that come with Onbeat, and others."""
    key = place(after)
    found = gate_of(request).ob.rules
    rules = await found.list()
    here = [each for each in rules if key is None or each.name > key][: limit + 1]
    odd = {each.name: await found.doubts(each, rules) for each in here}
    return page_of(
        here, limit, lambda each: rule_data(each, odd[each.name]), lambda each: each.name
    )


@router.post("/rules", operation_id="rules_create", status_code=201,
             response_model=IncidentRuleOut, responses=WRITES, openapi_extra=EXTRA)  # fmt: skip
async def create(request: Request, asker: Manager, body: IncidentRuleIn) -> Response:
    """Make a rule. That it can never hold, or always does, or that another is of the same, is told
    among its doubts.
    """
    rule = reading.made(body.name, body.condition, body.kind, body.model_dump(by_alias=True))
    made = await gate_of(request).ob.rules.save(rule, str(asker), must_be_new=True)
    return await _answer(request, made, 201, **location_of(request, made.name))


@router.get("/rules/{name}", operation_id="rules_get", response_model=IncidentRuleOut,
            responses=FINDS, openapi_extra=EXTRA)  # fmt: skip
async def find(request: Request, asker: Reader, name: Name) -> Response:
    """One rule."""
    rule = await gate_of(request).ob.rules.find(name)
    data = await _told(request, rule)
    return found(request, data, edition(_edition(rule), data))


@router.patch("/rules/{name}", operation_id="rules_change", response_model=IncidentRuleOut,
              responses=EDITS, openapi_extra=EXTRA)  # fmt: skip
async def change(request: Request, asker: Manager, name: Name, body: RuleChange) -> Response:
    """Change what is given, from the next round on."""
    rules = gate_of(request).ob.rules
    before = await rules.find(name)
    refuse_edited(request, _edition(before), "rule")
    wanted = reading.changed(before, body.model_dump(by_alias=True))
    return await _answer(request, await rules.save(wanted, str(asker)))


@router.delete("/rules/{name}", operation_id="rules_remove", response_model=IncidentRuleOut,
               responses={**EDITS, 204: {"description": "It was no default: it is gone."}},
               openapi_extra=EXTRA)  # fmt: skip
async def remove(request: Request, asker: Manager, name: Name) -> Response:
    """Take it away, which closes its incidents; one that comes with Onbeat is as it came."""
    rules = gate_of(request).ob.rules
    with suppress(NotFound):
        refuse_edited(request, _edition(await rules.find(name)), "rule")
    left = await rules.remove(name)
    return Response(status_code=204) if left is None else await _answer(request, left)


@router.get("/rules/{name}/past", operation_id="rules_past", response_model=PastOut,
            responses=FINDS, openapi_extra=EXTRA)  # fmt: skip
async def past(request: Request, asker: Reader, name: Name, since: Since = "7d") -> Response:
    """When it would have been open, as far as what it looks at is kept."""
    return await _tried(request, await gate_of(request).ob.rules.find(name), since)


@router.post("/rules/try", operation_id="rules_try", response_model=PastOut,
             responses=WRITES, openapi_extra=EXTRA)  # fmt: skip
async def try_rule(
    request: Request, asker: Manager, body: IncidentRuleIn, since: Since = "7d"
) -> Response:
    """When such a rule would have been open; nothing is made."""
    rule = reading.made(body.name, body.condition, body.kind, body.model_dump(by_alias=True))
    return await _tried(request, rule, since)


async def _tried(request: Request, rule: Rule, since: str) -> Response:
    rules = gate_of(request).ob.rules
    past = await rules.try_on_past(rule, since)
    return told(past_data(past, await rules.doubts(rule)))


@router.get("/silences", operation_id="silences_list", response_model=Listed[SilenceOut],
            responses=READS, openapi_extra=EXTRA)  # fmt: skip
async def list_silences(
    request: Request,
    asker: Reader,
    *,
    with_over: Annotated[bool, Query(description="Those that are over too.")] = False,
    limit: Limit = 50,
    after: After = None,
) -> Response:
    """Silences that hold or are to come, the newest first."""
    rows = await gate_of(request).ob.silences.list(
        with_over=with_over, before=place(after, with_over), limit=limit + 1
    )
    return page_of(rows, limit, silence_data, lambda each: each.id, with_over)


@router.post("/silences", operation_id="silences_create", status_code=201,
             response_model=SilenceOut, responses=WRITES, openapi_extra=EXTRA)  # fmt: skip
async def create_silence(request: Request, asker: Manager, body: SilenceIn) -> Response:
    """Let nobody be told of such incidents for a time; they are on record all the same."""
    matcher = msgspec.convert(body.matcher.model_dump(), Matcher)
    made = await gate_of(request).ob.silences.create(
        matcher, reason=body.reason, by=str(asker), lasts=body.lasts, ends_at=body.ends_at,
        begins_at=body.begins_at, everything=body.everything,
        each=read_each(body.cron, body.tz),
    )  # fmt: skip
    return told(silence_data(made), 201, location_of(request, made.id))


@router.post("/silences/try", operation_id="silences_try", response_model=Listed[IncidentOut],
             responses=WRITES, openapi_extra=EXTRA)  # fmt: skip
async def try_silence(request: Request, asker: Reader, body: MatcherIn) -> Response:
    """Which incidents, of the newest 500 that are not resolved, such a matcher means; nothing is
    made.
    """
    matcher = msgspec.convert(body.model_dump(), Matcher)
    rows = await gate_of(request).ob.silences.covered(matcher)
    return page_of(rows, max(1, len(rows)), partial(incident_told, request, asker),
                   lambda each: each.id)  # fmt: skip


@router.get("/silences/{silence}", operation_id="silences_get", response_model=SilenceOut,
            responses=FINDS, openapi_extra=EXTRA)  # fmt: skip
async def find_silence(request: Request, asker: Reader, silence: Id) -> Response:
    """One silence."""
    return found(request, silence_data(await gate_of(request).ob.silences.find(silence)))


@router.post("/silences/{silence}/end", operation_id="silences_end", response_model=SilenceOut,
             responses=WRITES, openapi_extra=EXTRA)  # fmt: skip
async def end_silence(request: Request, asker: Manager, silence: Id) -> Response:
    """Let it be over now; what is still open is told then."""
    return told(silence_data(await gate_of(request).ob.silences.end(silence)))
