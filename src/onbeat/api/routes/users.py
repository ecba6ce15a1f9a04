"""People who may sign in: for those who may manage users."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Request, Response

from onbeat.api.answers import digest, edition, found, page_of, refuse_edited, told
from onbeat.api.auth import allowed, gate_of
from onbeat.api.bodies import routes
from onbeat.api.openapi import CLOSED, EDITS, FINDS, READS, WRITES
from onbeat.api.paging import After, Limit, Listed, place
from onbeat.api.schemas.access import UserChange, UserIn, UserOut
from onbeat.app.facts.access import user_data
from onbeat.domain.access import Permission, Principal
from onbeat.domain.users import User

router = routes("/users", "access")
EXTRA = {"security": CLOSED}
Manager = Annotated[Principal, allowed(Permission.USERS_MANAGE)]
Name = Annotated[str, Path(max_length=200, examples=["ann"])]


@router.get(
    "",
    response_model=Listed[UserOut],
    operation_id="users_list",
    responses=READS,
    openapi_extra=EXTRA,
)
async def list_users(
    request: Request, asker: Manager, limit: Limit = 50, after: After = None
) -> Response:
    """Users by name."""
    found = await gate_of(request).ob.users.list(after=place(after) or "", limit=limit + 1)
    return page_of(found, limit, user_data, lambda each: each.name)


@router.post(
    "",
    response_model=UserOut,
    operation_id="users_create",
    status_code=201,
    responses=WRITES,
    openapi_extra=EXTRA,
)
async def create_user(request: Request, asker: Manager, body: UserIn) -> Response:
    """Add a person; without a password they cannot sign in until they are given one."""
    password = None if body.password is None else body.password.get_secret_value()
    made = await gate_of(request).ob.users.create(
        body.name, body.role, by=asker.name, password=password, grants=frozenset(body.grants)
    )
    return told(user_data(made), 201)


@router.get(
    "/{name}",
    response_model=UserOut,
    operation_id="users_get",
    responses=FINDS,
    openapi_extra=EXTRA,
)
async def find_user(request: Request, asker: Manager, name: Name) -> Response:
    """The user of that name."""
    user = await gate_of(request).ob.users.find(name)
    return found(request, user_data(user), edition(_edition(user), user_data(user)))


@router.patch(
    "/{name}",
    response_model=UserOut,
    operation_id="users_change",
    responses=EDITS,
    openapi_extra=EXTRA,
)
async def change_user(request: Request, asker: Manager, name: Name, body: UserChange) -> Response:
    """Change what is given. A new password, and being disabled, sign out everywhere."""
    ob = gate_of(request).ob
    refuse_edited(request, _edition(await ob.users.find(name)), "user")
    changed = await ob.users.change(
        name,
        role=body.role,
        disabled=body.disabled,
        grants=None if body.grants is None else frozenset(body.grants),
        password=None if body.password is None else body.password.get_secret_value(),
    )
    tag = edition(_edition(changed), user_data(changed))
    return told(user_data(changed), headers={"ETag": tag})


def _edition(user: User) -> str:
    """What tells what was changed of somebody; that they have signed in is no change."""
    return digest({**user_data(user), "signed_in_at": None})


@router.delete(
    "/{name}", operation_id="users_remove", status_code=204, responses=EDITS, openapi_extra=EXTRA
)
async def remove_user(request: Request, asker: Manager, name: Name) -> None:
    """Delete a person with all tokens and sign-ins."""
    ob = gate_of(request).ob
    refuse_edited(request, _edition(await ob.users.find(name)), "user")
    await ob.users.remove(name)
