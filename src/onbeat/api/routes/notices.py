"""Notices: what channels were told, and what came of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query, Request, Response

from onbeat.api.answers import page_of, told
from onbeat.api.auth import allowed, gate_of
from onbeat.api.bodies import routes
from onbeat.api.openapi import CLOSED, FINDS, WRITES
from onbeat.api.paging import After, Limit, Listed, place
from onbeat.api.schemas.channels import NoticeOut, NoticeSeen
from onbeat.app.facts.channels import attempt_data, notice_data
from onbeat.domain.access import Permission, Principal
from onbeat.domain.channels import LONGEST_NAME
from onbeat.domain.notices import NoticeState

router = routes("/notices", "notices")
EXTRA = {"security": CLOSED}
Asker = Annotated[Principal, allowed(Permission.CHANNELS_MANAGE)]
Id = Annotated[
    str, Path(max_length=100, description="32 hexadecimal digits, with or without dashes.")
]


@router.get("", operation_id="notices_list", response_model=Listed[NoticeOut],
            responses=FINDS, openapi_extra=EXTRA)  # fmt: skip
async def list_notices(
    request: Request,
    asker: Asker,
    *,
    channel: Annotated[
        str | None, Query(max_length=LONGEST_NAME, description="Only what this one was told.")
    ] = None,
    state: Annotated[NoticeState | None, Query(description="Only those in it.")] = None,
    incident: Annotated[
        str | None,
        Query(
            max_length=100,
            description="Only what told of this one since it opened last, and of others with it.",
        ),
    ] = None,
    limit: Limit = 50,
    after: After = None,
) -> Response:
    """Notices, the newest first."""
    asked = f"{channel} {state} {incident}"
    rows = await gate_of(request).ob.notices.list(
        channel, state=state, incident=incident, before=place(after, asked), limit=limit + 1
    )
    return page_of(rows, limit, notice_data, lambda each: each.id, asked)


@router.get("/{notice}", operation_id="notices_get", response_model=NoticeSeen,
            responses=FINDS, openapi_extra=EXTRA)  # fmt: skip
async def find(request: Request, asker: Asker, notice: Id) -> Response:
    """One of them, with every attempt to send it."""
    notices = gate_of(request).ob.notices
    wanted, attempts = await notices.find(notice), await notices.attempts(notice)
    return told(notice_data(wanted) | {"tries": [attempt_data(each) for each in attempts]})


@router.post("/{notice}/resend", operation_id="notices_resend", status_code=202,
             response_model=NoticeOut, responses=WRITES, openapi_extra=EXTRA)  # fmt: skip
async def resend(request: Request, asker: Asker, notice: Id) -> Response:
    """Send it once more, under the key that it had; a dispatcher does it."""
    return told(notice_data(await gate_of(request).ob.notices.resend(notice)), 202)
