"""The connections that a process has to its database."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pool:
    """How many there are, and how many of these are at work; none where there is no pool."""

    size: int = 0
    """At most so many, each made when it is first needed."""
    busy: int = 0

    def __add__(self, other: Pool) -> Pool:
        """Both together."""
        return Pool(self.size + other.size, self.busy + other.busy)
