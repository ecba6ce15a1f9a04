"""The dashboard of the demo: where it is, and who may sign in."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace

from examples.monitors.checks import ob
from onbeat import InvalidSetting, NotFound
from onbeat.api import Served, served
from onbeat.api.site import BUILT
from onbeat.domain.access import Role

NAME = "demo"
ANY = 0
"""The port that the system chooses."""


@dataclass(frozen=True, slots=True)
class Dashboard:
    """What answers, and how to come in."""

    served: Served
    password: str

    @property
    def words(self) -> tuple[str, ...]:
        """What is told of it."""
        where = f"Dashboard  {self.served.address}   sign in as {NAME}, password {self.password}"
        if (BUILT / "index.html").is_file():
            return (where,)
        return (
            where,
            "The web UI is not built here, only the API answers; `make ui` needs Node 20.",
        )


async def open_dashboard() -> Dashboard:
    """Listen, where the port is taken at another, and give who looks at it a new password."""
    try:
        listening = served(ob)
    except InvalidSetting:
        listening = served(ob, replace(ob.settings, port=ANY))
    password = secrets.token_urlsafe(9)
    try:
        await ob.users.change(NAME, password=password)
    except NotFound:
        await ob.users.create(NAME, Role.ADMIN, by="demo", password=password)
    return Dashboard(listening, password)
