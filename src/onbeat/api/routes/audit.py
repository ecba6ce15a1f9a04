"""Who changed what: for those who may read it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Query, Request, Response

from onbeat.api.answers import page_of
from onbeat.api.auth import allowed, gate_of
from onbeat.api.bodies import routes
from onbeat.api.files import FILE, FileResponse, Wished, file
from onbeat.api.openapi import CLOSED, READS
from onbeat.api.paging import After, Limit, Listed, place
from onbeat.api.schemas.access import EntryOut
from onbeat.app.exports import Format, export_audit
from onbeat.app.facts.access import entry_data
from onbeat.domain.access import Permission, Principal
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
    since: datetime | None = None,
    until: datetime | None = None,
) -> AuditFilter:
    """Which entries are meant."""
    return AuditFilter(
        actor=actor, action=action, subject_kind=subject_kind, subject=subject, since=since,
        until=until,
    )  # fmt: skip


Asked = Annotated[AuditFilter, Depends(_asked)]


@router.get("", response_model=Listed[EntryOut], operation_id="audit_list", responses=READS,
            openapi_extra=EXTRA)  # fmt: skip
async def list_entries(
    request: Request, asker: Reader, asked: Asked, limit: Limit = 50, after: After = None
) -> Response:
    """Every change, the newest first."""
    which = [asked.actor, asked.action, asked.subject_kind, asked.subject, asked.since, asked.until]
    key = place(after, which)
    before = key if isinstance(key, str) else None
    found = await gate_of(request).ob.audit.list(replace(asked, before=before, limit=limit + 1))
    return page_of(found, limit, entry_data, lambda each: each.id, which)


@router.get("/export", operation_id="audit_export", response_class=FileResponse,
            responses={**READS, **FILE}, openapi_extra=EXTRA)  # fmt: skip
async def export(
    request: Request, asker: Reader, asked: Asked, wished: Wished = Format.CSV
) -> Response:
    """All changes that fit, as a file, the newest first."""
    return await file(export_audit(gate_of(request).ob, asked, wished), "audit", wished)
