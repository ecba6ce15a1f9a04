"""The database itself, and what the doctor says of it and of all that stands still."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Request, Response

from onbeat.api.answers import told
from onbeat.api.auth import allowed, gate_of
from onbeat.api.bodies import routes
from onbeat.api.files import FileResponse, lines
from onbeat.api.openapi import CLOSED, READS, WRITES, errors
from onbeat.api.schemas.database import Environments, Examined, Repaired, SchemaOut
from onbeat.app.doctor.examination import examine
from onbeat.app.doctor.findings import Finding
from onbeat.app.doctor.settings import rows_of
from onbeat.app.facts.database import environment_data, schema_data
from onbeat.app.facts.doctor import examined_data
from onbeat.app.onbeat import Onbeat
from onbeat.app.verifying import verify_in_lines
from onbeat.domain.access import Permission, Principal

router = routes("", "database")
EXTRA = {"security": CLOSED}
Reader = Annotated[Principal, allowed(Permission.DATABASE_READ)]
Manager = Annotated[Principal, allowed(Permission.DATABASE_READ, Permission.DATABASE_MANAGE)]

VERIFIED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": 'JSON, one a line: `{"progress": {"jobs", "attempts", "occurrences", '
        '"duration_s"}}` while it reads, and at last `{"report": …}` with `sound` and each of the '
        "`breaches`.",
        "content": {"application/x-ndjson": {"schema": {"type": "string"}}},
    }
}


@router.get("/doctor", operation_id="doctor_examine", response_model=Examined, responses=READS,
            openapi_extra=EXTRA)  # fmt: skip
async def doctor(request: Request, asker: Reader) -> Response:
    """Settings, versions, the database with all it needs, queues, services, schedules: what is
    wrong, and what to do.
    """
    ob = gate_of(request).ob
    return told(_examined(ob, await _findings(ob)))


@router.post("/doctor/repair", operation_id="doctor_repair", response_model=Repaired,
             responses=WRITES, openapi_extra=EXTRA)  # fmt: skip
async def repair(request: Request, asker: Manager) -> Response:
    """Put right what can be without harm: indexes and statistics."""
    ob = gate_of(request).ob
    statements = [each for found in await _findings(ob) for each in found.repairs]
    await ob.database.repair(statements)
    return told({**_examined(ob, await _findings(ob)), "done": statements})


async def _findings(ob: Onbeat) -> list[Finding]:
    return [each async for each in examine(ob)]


def _examined(ob: Onbeat, findings: list[Finding]) -> dict[str, Any]:
    return examined_data(rows_of(ob.settings, ob.url, ob.environment), findings)


@router.get("/database", operation_id="database_schema", response_model=SchemaOut,
            responses=READS, openapi_extra=EXTRA)  # fmt: skip
async def schema(request: Request, asker: Reader) -> Response:
    """Which schema the database has, and which is needed."""
    ob = gate_of(request).ob
    return told(schema_data(ob.url, await ob.schema()))


@router.get("/database/environments", operation_id="database_environments",
            response_model=Environments, responses=READS, openapi_extra=EXTRA)  # fmt: skip
async def environments(request: Request, asker: Reader) -> Response:
    """The environments in the database, each with its schema."""
    found = await gate_of(request).ob.database.environments()
    return told({"data": [environment_data(each) for each in found]})


@router.get("/database/verify", operation_id="database_verify", response_class=FileResponse,
            responses={**READS, **errors(409), **VERIFIED}, openapi_extra=EXTRA)  # fmt: skip
async def verify(request: Request, asker: Reader) -> Response:
    """Whether the store keeps its own laws: all of it read in small chunks, nothing changed.

    How far it is comes line by line, the report last; who goes away ends it. One at a time in each
    process.
    """
    return await lines(verify_in_lines(gate_of(request).ob))
