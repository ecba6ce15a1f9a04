"""Who changed what: for those who may read it."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import Depends, Query, Request, Response

from onbeat.api.answers import page_of, told
from onbeat.api.auth import allowed, gate_of
from onbeat.api.bodies import routes
from onbeat.api.files import FILE, FileResponse, Wished, file
from onbeat.api.openapi import CLOSED, READS
from onbeat.api.paging import After, Limit, Listed, place
from onbeat.api.schemas.access import EntryOut
from onbeat.api.schemas.time import AskedMoment
from onbeat.app.exports import Format, export_audit
from onbeat.app.facts.access import entry_data
from onbeat.domain.access import Permission, Principal
from onbeat.domain.cursors import cursor
from onbeat.store.audit import AuditFilter

router = routes("/audit", "access")
Reader = Annotated[Principal, allowed(Permission.AUDIT_READ)]
Word = Annotated[str | None, Query(max_length=200)]


EXTRA = {"security": CLOSED}


def _asked(
    *,
    actor: Word = None,
    action: Word = None,
    subject_kind: Word = None,
    subject: Word = None,
    since: AskedMoment | None = None,
    until: AskedMoment | None = None,
    q: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=200,
            description="A text in who, what, or on which. A page may have none and a `next` all "
            "the same: it looks at 5,000 entries.",
        ),
    ] = None,
) -> AuditFilter:
    """Which entries are meant."""
    return AuditFilter(
        actor=actor, action=action, subject_kind=subject_kind, subject=subject,
        since=since, until=until, search=q,
    )  # fmt: skip


Asked = Annotated[AuditFilter, Depends(_asked)]


@router.get("", response_model=Listed[EntryOut], operation_id="audit_list", responses=READS,
            openapi_extra=EXTRA)  # fmt: skip
async def list_entries(
    request: Request, asker: Reader, asked: Asked, limit: Limit = 50, after: After = None
) -> Response:
    """Every change, the newest first."""
    which = [asked.actor, asked.action, asked.subject_kind, asked.subject, asked.since,
             asked.until, *([] if asked.search is None else [asked.search])]  # fmt: skip
    key, log = place(after, which), gate_of(request).ob.audit
    wanted = replace(asked, before=key)
    if asked.search is None:
        found = await log.list(replace(wanted, limit=limit + 1))
        return page_of(found, limit, entry_data, lambda each: each.id, which)
    some, onward = await log.search(replace(wanted, limit=limit))
    following = None if onward is None else cursor(onward, which)
    return told({"data": [entry_data(each) for each in some],
                 "page": {"next": following, "size": len(some)}})  # fmt: skip


@router.get("/export", operation_id="audit_export", response_class=FileResponse,
            responses={**READS, **FILE}, openapi_extra=EXTRA)  # fmt: skip
async def export(
    request: Request, asker: Reader, asked: Asked, wished: Wished = Format.CSV
) -> Response:
    """All changes that fit, as a file, the newest first."""
    return await file(export_audit(gate_of(request).ob, asked, wished), "audit", wished)
