"""A client of the API for tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import httpx
from starlette.types import ASGIApp

from onbeat import Onbeat
from onbeat.domain.access import Permission, Role

PASSWORD = "correct horse battery staple"  # noqa: S105 - of tests
CRON_SECRET = "a secret of sixteen or more"  # noqa: S105 - as above
HOST = "https://onbeat.test"


Wrong = Iterable[tuple[str, object]]
"""Fields, each with a value that is wrong."""


class Client(httpx.AsyncClient):
    """One that knows how to sign in."""

    async def sign_in(self, name: str, password: str = PASSWORD) -> httpx.Response:
        """Sign in, and send the CSRF token along from here on."""
        answer = await self.post("/auth/login", json={"name": name, "password": password})
        if answer.status_code == 200:
            self.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
        return answer

    async def told(self, method: str, path: str, status: int = 200, **sent: Any) -> Any:
        """What is answered; it must be with that status."""
        answer = await self.request(method, path, **sent)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None


async def misnamed(
    client: Client, method: str, path: str, said: dict[str, Any], wrong: Wrong
) -> list[object]:
    """Of values that are wrong those that are taken, or refused without being named.

    Each is sent alone in a body that is right but for it.
    """
    found: list[object] = []
    for field, value in wrong:
        answer = await client.request(method, path, json=said | {field: value})
        errors = answer.json().get("errors") or [{"field": ""}]
        if answer.status_code != 400 or errors[0]["field"].split(".")[0] != field:
            found.append((field, value, answer.status_code, answer.text))
    return found


@asynccontextmanager
async def asking(app: ASGIApp, token: str | None = None) -> AsyncIterator[Client]:
    """A client of `app`, with a token if one is given."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with Client(transport=transport, base_url=f"{HOST}/api/v1", headers=headers) as client:
        yield client


@asynccontextmanager
async def allowed(ob: Onbeat, app: ASGIApp, *scopes: Permission) -> AsyncIterator[Client]:
    """A client whose token allows just that."""
    made = await ob.tokens.create("some", frozenset(scopes), by="test")
    async with asking(app, made.text) as client:
        yield client


async def person(ob: Onbeat, name: str, role: Role, grants: Iterable[Permission] = ()) -> None:
    """Add somebody with the password of tests."""
    await ob.users.create(name, role, by="test", password=PASSWORD, grants=frozenset(grants))
