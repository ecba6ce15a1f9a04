"""People who may sign in: for those who may manage users."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path, Request

from onbeat.api.auth import allowed, gate_of
from onbeat.api.bodies import routes
from onbeat.api.openapi import CLOSED, FINDS, READS, WRITES
from onbeat.api.paging import After, Limit, Listed, listed, place
from onbeat.api.schemas.access import UserChange, UserIn, UserOut
from onbeat.domain.access import Permission, Principal
from onbeat.domain.users import User

router = routes("/users", "access")
EXTRA = {"security": CLOSED}
Manager = Annotated[Principal, allowed(Permission.USERS_MANAGE)]
Name = Annotated[str, Path(max_length=200, examples=["ann"])]


@router.get("", operation_id="users_list", responses=READS, openapi_extra=EXTRA)
async def list_users(
    request: Request, asker: Manager, limit: Limit = 50, after: After = None
) -> Listed[UserOut]:
    """Users by name."""
    found = await gate_of(request).ob.users.list(after=_text(place(after)), limit=limit + 1)
    return Listed[UserOut].model_validate(
        listed([_out(each) for each in found], limit, lambda each: each.name)
    )


@router.post("", operation_id="users_create", status_code=201, responses=WRITES,
             openapi_extra=EXTRA)  # fmt: skip
async def create_user(request: Request, asker: Manager, body: UserIn) -> UserOut:
    """Add a person; without a password they cannot sign in until they are given one."""
    password = None if body.password is None else body.password.get_secret_value()
    made = await gate_of(request).ob.users.create(
        body.name, body.role, by=asker.name, password=password, grants=frozenset(body.grants)
    )
    return _out(made)


@router.get("/{name}", operation_id="users_get", responses=FINDS, openapi_extra=EXTRA)
async def find_user(request: Request, asker: Manager, name: Name) -> UserOut:
    """The user of that name."""
    return _out(await gate_of(request).ob.users.find(name))


@router.patch("/{name}", operation_id="users_change", responses=WRITES, openapi_extra=EXTRA)
async def change_user(request: Request, asker: Manager, name: Name, body: UserChange) -> UserOut:
    """Change what is given. A new password, and being disabled, sign out everywhere."""
    changed = await gate_of(request).ob.users.change(
        name, role=body.role, disabled=body.disabled,
        grants=None if body.grants is None else frozenset(body.grants),
        password=None if body.password is None else body.password.get_secret_value(),
    )  # fmt: skip
    return _out(changed)


@router.delete("/{name}", operation_id="users_remove", status_code=204, responses=WRITES,
               openapi_extra=EXTRA)  # fmt: skip
async def remove_user(request: Request, asker: Manager, name: Name) -> None:
    """Delete a person with all tokens and sign-ins."""
    await gate_of(request).ob.users.remove(name)


def _out(user: User) -> UserOut:
    return UserOut(
        name=user.name, role=user.role, grants=sorted(user.grants),
        permissions=sorted(user.permissions), created_at=user.created_at,
        created_by=user.created_by, signed_in_at=user.signed_in_at, disabled_at=user.disabled_at,
    )  # fmt: skip


def _text(key: Any) -> str:
    return key if isinstance(key, str) else ""
