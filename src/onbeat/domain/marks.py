"""Tags and the owner of a job: what it can be found by.

They are ties of the job (see domain/ties.py); the text of each has a row of its own with the job in
the store, so that jobs are found by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from onbeat.domain.errors import InvalidInput
from onbeat.domain.ties import TieKind, keys_of, tie

LONGEST_TAG = 64
LONGEST_OWNER = 200
MOST_TAGS = 16
_BESIDE_LETTERS = "._:-/="

KINDS = (TieKind.TAG, TieKind.OWNER)
"""The kinds of ties that are marks."""

_ALLOWED = f"give 1 to {LONGEST_TAG} letters, digits and {_BESIDE_LETTERS}"


def check_tags(tags: Sequence[str], field: str = "tags") -> tuple[str, ...]:
    """Return the tags, each once. Raises InvalidInput."""
    if isinstance(tags, str):
        raise InvalidInput(field, f"{tags!r} is one text; give a tuple: ({tags!r},)")
    if not isinstance(tags, Iterable):
        raise InvalidInput(field, f"{tags!r} is no tuple of tags; give ('vip',)")
    checked = tuple(dict.fromkeys(check_tag(tag, field) for tag in tags))
    if len(checked) > MOST_TAGS:
        raise InvalidInput(field, f"{len(checked)} are too many; give at most {MOST_TAGS}, the "
                           "task's own counted")  # fmt: skip
    return checked


def check_tag(tag: str, field: str = "tags") -> str:
    """Return the tag. Raises InvalidInput."""
    if not isinstance(tag, str):
        raise InvalidInput(field, f"{tag!r} is no text; {_ALLOWED}")
    is_short = 1 <= len(tag) <= LONGEST_TAG
    if not is_short or not all(each.isalnum() or each in _BESIDE_LETTERS for each in tag):
        raise InvalidInput(field, f"{_shown(tag)!r} is no tag; {_ALLOWED}")
    return tag


def check_owner(owner: str, field: str = "owner") -> str:
    """Return the owner, which is any text that can be printed. Raises InvalidInput."""
    if not isinstance(owner, str):
        raise InvalidInput(field, f"{owner!r} is no text; give 1 to {LONGEST_OWNER} characters")
    if not 1 <= len(owner) <= LONGEST_OWNER or not owner.isprintable():
        raise InvalidInput(
            field,
            f"{_shown(owner)!r} is no owner; give 1 to {LONGEST_OWNER} characters that can be "
            "printed",
        )
    return owner


def _shown(text: str) -> str:
    return text if len(text) <= LONGEST_TAG else text[:20] + "…"


def marks(tags: Iterable[str], owner: str | None) -> tuple[str, ...]:
    """The ties that tags and an owner are."""
    own = () if owner is None else (tie(TieKind.OWNER, owner),)
    return (*(tie(TieKind.TAG, tag) for tag in tags), *own)


def owner_texts(owners: Iterable[str]) -> tuple[str, ...]:
    """The ties that owners are."""
    return tuple(tie(TieKind.OWNER, owner) for owner in owners)


def marks_in(ties: str | None) -> tuple[str, ...]:
    """Those of a job's ties that are marks, as they stand in the book."""
    return marks(tags_in(ties), owner_in(ties))


def tags_in(ties: str | None) -> tuple[str, ...]:
    """The tags among a job's ties."""
    return tuple(keys_of(ties, TieKind.TAG))


def owner_in(ties: str | None) -> str | None:
    """The owner among a job's ties, if it has one."""
    found = keys_of(ties, TieKind.OWNER)
    return found[0] if found else None
