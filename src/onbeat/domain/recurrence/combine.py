"""Several recurrences as one: all their moments together, or those of one that another lacks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from heapq import merge
from itertools import groupby

from onbeat.domain.errors import InvalidRecurrence
from onbeat.domain.recurrence.recurrence import (
    EPOCH,
    MICROSECOND,
    OnGrid,
    Recurrence,
    aware,
    following,
)
from onbeat.domain.recurrence.shadow import FOREVER, Shadow, shadows_of

MOST_MEMBERS = 32
MOST_PARTS = 1_024
"""Recurrences that are not made of others, in all: each is asked for every moment."""
DEEPEST = 8
"""Recurrences within each other, counting the innermost; more is an attack on the stack."""
MOST_EXCLUDED = 100_000
"""Moments compared in a row, all of them excluded, after which a recurrence has ended."""
MOST_YEARS_EXCLUDED = 100
"""Years in which all is excluded after which it has ended too; the rarest day of any cron
expression, a 29 February on a given weekday, comes within 40."""
FEWEST_EXCLUDED = 1_000
"""So many are compared at least: moments may lie years apart by themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Combined(OnGrid):
    """A recurrence made of others; what makes one checks that it is not too deep or too large."""

    depth: int = field(default=2, compare=False, repr=False)
    parts: int = field(default=1, compare=False, repr=False)

    @property
    def sources(self) -> tuple[Recurrence, ...]:
        """Recurrences that together have all of its moments; none where it has others."""
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Union(Combined):
    """Every moment that any member has, each once."""

    members: tuple[Recurrence, ...]

    @property
    def sources(self) -> tuple[Recurrence, ...]:
        """The members."""
        return self.members

    @property
    def zone(self) -> str:
        """The members' zone where they share one, else "UTC"."""
        zones = {member.zone for member in self.members}
        return zones.pop() if len(zones) == 1 else "UTC"

    def next(self, after: datetime) -> datetime | None:
        """Give the earliest next moment of any member."""
        found = (member.next(after) for member in self.members)
        return min((moment for moment in found if moment is not None), default=None)

    def following(self, after: datetime) -> Iterator[datetime]:
        """Give all moments; each member is asked for its own alone, not anew for every other's."""
        return (
            moment for moment, _ in groupby(merge(*(following(m, after) for m in self.members)))
        )

    def describe(self) -> str:
        """Say in plain English when it fires."""
        return "; and ".join(member.describe() for member in self.members)

    def warnings(self, since: datetime | None = None) -> tuple[str, ...]:
        """Give the members' warnings, each once, and say which of them have ended."""
        found = [warning for member in self.members for warning in member.warnings(since)]
        before = None if since is None else max(since, EPOCH) - MICROSECOND
        ended = [each for each in self.members if before and each.next(before) is None]
        if 0 < len(ended) < len(self.members):
            found += [f"of its rules one has ended: {member.describe()}" for member in ended]
        return tuple(dict.fromkeys(found))

    def spec(self) -> dict[str, object]:
        """Give the JSON-able form."""
        return {"kind": "union", "members": [member.spec() for member in self.members]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion(Combined):
    """Every moment of `source` that `excluded` does not have."""

    source: Recurrence
    excluded: Recurrence
    shadows: tuple[Shadow, ...] = field(default=(), compare=False, repr=False)
    """What is known of when all is excluded."""

    @property
    def sources(self) -> tuple[Recurrence, ...]:
        """The source."""
        return (self.source,)

    @property
    def zone(self) -> str:
        """The zone of the source."""
        return self.source.zone

    def next(self, after: datetime) -> datetime | None:
        """Give the next moment not excluded; None where none comes in so many moments or years."""
        moment = self.source.next(after)
        barred = self.excluded.next(aware(after, "after"))
        begin = moment
        for compared in range(MOST_EXCLUDED):
            if moment is None or barred is None or moment < barred:
                return moment

            if moment == barred:
                moment = self._passing(moment)

            if compared > FEWEST_EXCLUDED and _is_ages(begin, moment):
                return None

            if moment is not None and barred < moment:
                barred = self.excluded.next(moment - MICROSECOND)

        return None

    def _passing(self, moment: datetime) -> datetime | None:
        """The next moment of the source that may be left, after one that is excluded."""
        found = (each.until(moment) for each in self.shadows)
        until = max((each for each in found if each is not None), default=moment)
        if until is FOREVER:
            return None

        return self.source.next(max(moment, until - MICROSECOND))

    def describe(self) -> str:
        """Say in plain English when it fires."""
        return f"{whole(self.source)}, except {whole(self.excluded)}"

    def warnings(self, since: datetime | None = None) -> tuple[str, ...]:
        """Give the source's warnings, then the exclusion's."""
        return self.source.warnings(since) + self.excluded.warnings(since)

    def spec(self) -> dict[str, object]:
        """Give the JSON-able form."""
        return {
            "kind": "exclusion",
            "source": self.source.spec(),
            "excluded": self.excluded.spec(),
        }


def _is_ages(begin: datetime | None, moment: datetime | None) -> bool:
    if begin is None or moment is None:
        return False

    return moment.year - begin.year > MOST_YEARS_EXCLUDED


def whole(part: Recurrence) -> str:
    """Describe a part of another recurrence so that what follows is said of all of it."""
    return f"({part.describe()})" if isinstance(part, Union | Exclusion) else part.describe()


def union(*members: Recurrence) -> Union:
    """Make one recurrence of 1 to 32; a moment that several have is one moment.

    Raises InvalidRecurrence("union", ...) for none, too many, or a delay after finish.
    """
    if not 1 <= len(members) <= MOST_MEMBERS:
        raise InvalidRecurrence("union", f"{len(members)} members; give 1 to {MOST_MEMBERS}")

    depth, parts = joined("union", *members)
    return Union(members=members, depth=depth, parts=parts)


def exclusion(source: Recurrence, excluded: Recurrence) -> Exclusion:
    """Make a recurrence of `source` without the moments of `excluded`: the same instants only.

    Raises InvalidRecurrence("exclusion", ...) where nothing would be left, or for a delay after
    finish.
    """
    if isinstance(source, Exclusion):
        source, excluded = _flat(source, excluded)

    depth, parts = joined("exclusion", source, excluded)
    made = Exclusion(
        source=source,
        excluded=excluded,
        shadows=tuple(shadows_of(_leaves(source), _leaves(excluded))),
        depth=depth,
        parts=parts,
    )
    if source.next(EPOCH) is not None and made.next(EPOCH) is None:
        raise InvalidRecurrence("exclusion", "it would never fire: all is excluded; exclude less")

    return made


def _flat(source: Exclusion, excluded: Recurrence) -> tuple[Recurrence, Recurrence]:
    """Leave out both at once: one within the other would pass by 100,000 times 100,000 moments."""
    both = [*_members(source.excluded), *_members(excluded)]
    if len(both) > MOST_MEMBERS:
        return source, excluded

    return source.source, union(*both)


def _members(recurrence: Recurrence) -> tuple[Recurrence, ...]:
    return recurrence.members if isinstance(recurrence, Union) else (recurrence,)


def _leaves(recurrence: Recurrence) -> list[Recurrence]:
    """The simplest recurrences known that together have all moments of this one."""
    sources = recurrence.sources if isinstance(recurrence, Combined) else ()
    return [leaf for each in sources for leaf in _leaves(each)] if sources else [recurrence]


def joined(field: str, *members: Recurrence) -> tuple[int, int]:
    """The depth and the number of parts of what is made of `members`.

    Raises InvalidRecurrence(field, ...) for too many of either, and for a delay after finish.
    """
    inner = [each for each in members if isinstance(each, Combined)]
    depth = 1 + max((each.depth for each in inner), default=1)
    parts = sum(each.parts for each in inner) + len(members) - len(inner)
    if depth > DEEPEST or parts > MOST_PARTS:
        most = f"at most {DEEPEST} within each other and {MOST_PARTS:,} in all"
        raise InvalidRecurrence(field, f"too many recurrences in one; combine {most}")

    if any(member.after_finish is not None for member in members):
        raise InvalidRecurrence(
            field, "a delay after finish has no moments of its own; leave it out"
        )

    return depth, parts
