"""Pages by key: what comes after the last that was seen, whatever arrives meanwhile."""

from __future__ import annotations

from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query
from pydantic import Field

from onbeat.api.bodies import Answer
from onbeat.domain import cursors

T = TypeVar("T")

MOST = 500
Limit = Annotated[int, Query(ge=1, le=MOST, description="How many at most.")]
After = Annotated[
    str | None,
    Query(max_length=2_000, description="The `next` of the page before: go on behind it."),
]


class Page(Answer):
    """Where one is in a list."""

    next: str | None = Field(description="Give it as `after` for the next page; null at the end.")
    size: int = Field(description="How many are here.")


class Listed(Answer, Generic[T]):
    """A page of a list."""

    data: list[T]
    page: Page


def place(after: str | None, asked: Any = None) -> str | None:
    """The key of the last that was shown; None for the first page. Raises InvalidInput."""
    return None if after is None else cursors.place(after, str, asked)
