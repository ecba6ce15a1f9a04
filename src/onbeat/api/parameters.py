"""What a route is given and does not know: a mistyped parameter of its address, and a body that
nobody reads. Both are refused.

A filter that is passed over would answer everything, and look as if it had been applied; a reason
that is passed over would look as if it had been kept.
"""

from __future__ import annotations

from fastapi import Request

from onbeat.api.bodies import CheckedRoute
from onbeat.api.fields import meant
from onbeat.domain.errors import InvalidInput

HINTS = dict.fromkeys(
    ("page", "offset"),
    "pages have no numbers, as rows come in between; give `limit`, and `after` with the `next` of "
    "the page before",
)
"""What is said of those that other products have."""


def refuse_unknown(request: Request) -> None:
    """Raises InvalidInput that names the first parameter that the route has not."""
    route = request.scope.get("route")
    if not request.query_params or not isinstance(route, CheckedRoute):
        return
    known = route.parameters
    for name in request.query_params:
        if name not in known:
            raise InvalidInput(name, HINTS.get(name) or _told(name, known))


async def refuse_unread(request: Request) -> None:
    """Raises InvalidInput for a body that says something, where the route takes none."""
    route = request.scope.get("route")
    if isinstance(route, CheckedRoute) and route.body_field is None and await request.body():
        try:
            says_nothing = await request.json() in (None, {})
        except ValueError:
            says_nothing = False
        if not says_nothing:
            raise InvalidInput("body", "nothing is taken here; leave it out")


def _told(name: str, known: tuple[str, ...]) -> str:
    if not known:
        return "there are no parameters here; leave it out"
    close = meant(name, known)
    remedy = f"give one of {', '.join(known)}" if close is None else f"is {close} meant?"
    return f"there is no such parameter; {remedy}"
