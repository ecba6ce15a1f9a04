"""Parameters of an address: one that a route does not know is a mistyped one, and refused.

A filter that is passed over would answer everything, and look as if it had been applied.
"""

from __future__ import annotations

from difflib import get_close_matches

from fastapi import Request

from onbeat.api.bodies import CheckedRoute
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


def _told(name: str, known: tuple[str, ...]) -> str:
    if not known:
        return "there are no parameters here; leave it out"
    close = get_close_matches(name, known, n=1)
    meant = f"is {close[0]} meant?" if close else f"give one of {', '.join(known)}"
    return f"there is no such parameter; {meant}"
