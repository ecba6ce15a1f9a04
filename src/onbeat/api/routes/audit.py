"""Who changed what: for those who may read it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Query, Request, Response

from onbeat.api.answers import page_of
from onbeat.api.auth import allowed, gate_of
from onbeat.api.bodies import routes
from onbeat.api.openapi import CLOSED, READS
from onbeat.api.paging import After, Limit, Listed, place
from onbeat.api.schemas.access import EntryOut
from onbeat.app.facts.access import entry_data
from onbeat.domain.access import Permission, Principal
from onbeat.store.audit import AuditFilter

router = routes("/audit", "access")
Reader = Annotated[Principal, allowed(Permission.AUDIT_READ)]
Word = Annotated[str | None, Query(max_length=200)]


@router.get(
    "",
    response_model=Listed[EntryOut],
    operation_id="audit_list",
    responses=READS,
    openapi_extra={"security": CLOSED},
)
async def list_entries(
    request: Request,
    asker: Reader,
    *,
    actor: Word = None,
    action: Word = None,
    subject_kind: Word = None,
    subject: Word = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: Limit = 50,
    after: After = None,
) -> Response:
    """Every change, the newest first."""
    asked = [actor, action, subject_kind, subject, since, until]
    key = place(after, asked)
    found = await gate_of(request).ob.audit.list(
        AuditFilter(
            actor=actor,
            action=action,
            subject_kind=subject_kind,
            subject=subject,
            since=since,
            until=until,
            before=key if isinstance(key, str) else None,
            limit=limit + 1,
        )
    )
    return page_of(found, limit, entry_data, lambda each: each.id, asked)
