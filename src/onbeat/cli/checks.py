"""What `onbeat doctor` looks at, from the settings on: each may be what is wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator

from onbeat.app.doctor.examination import of_app, of_database, of_machine, of_settings, wrong
from onbeat.app.doctor.findings import Finding
from onbeat.cli.invocation import Invocation, file_of
from onbeat.domain.errors import OnbeatError


async def examine(asked: Invocation) -> AsyncIterator[Finding]:
    """Look at everything; what rests on something that is wrong is not looked at."""
    for finding in of_machine():
        yield finding
    try:
        async for finding in of_settings(asked.settings):
            yield finding
        if asked.has_app:
            yield of_app(asked.onbeat)
        file_of(asked.onbeat.url)
    except OnbeatError as error:
        name = "app" if getattr(error, "field", None) == "app" else "settings"
        yield wrong(name, error)
        return
    try:
        async for finding in of_database(asked.onbeat):
            yield finding
    finally:
        await asked.onbeat.close()
