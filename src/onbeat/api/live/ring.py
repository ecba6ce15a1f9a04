"""What was told lately, for those who come back: looks of this process, each with what was new.

Who was told by another process up to a moment has seen all that any look saw that was over by then.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from onbeat.api.live.position import Position
from onbeat.api.live.reader import Look
from onbeat.domain.live import Follow, News, Topic

KEPT_FOR = timedelta(minutes=5)
MOST_KEPT = 20_000
"""Changes that are kept; of older ones nobody is told any more."""

MOST_CHUNKS = 16
"""Audiences for whom an older look is kept as it was told."""

AHEAD = timedelta(seconds=10)
"""How far ahead a place may lie: beyond it, it is of before the clock was set back."""


@dataclass(frozen=True, slots=True)
class Audience:
    """What decides what somebody is told."""

    topics: frozenset[Topic]
    owner: str | None
    may_see: bool
    """Whether they may see arguments and logs."""

    def fits(self, news: News) -> bool:
        """Whether they may be told of it, if it is of their topics."""
        return self.owner in (None, news.owner) and (self.may_see or news.needs is None)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Changes of one look, as JSON; shared by all who follow the same."""

    seq: str
    changes: Sequence[bytes]


class Kept:
    """A look, and what of it is told to whom."""

    def __init__(self, look: Look) -> None:
        """Keep `look`."""
        self.look = look
        self._chunks: dict[Audience, Chunk | None] = {}
        self._of_topic: dict[str, list[int]] = {}
        for place, each in enumerate(look.news):
            for topic in each.topics:
                self._of_topic.setdefault(topic, []).append(place)

    def chunk(self, audience: Audience) -> Chunk | None:
        """What that audience is told; None where it is nothing."""
        if audience not in self._chunks:
            self._chunks[audience] = chunk_of(self.look.position, self.news(audience), audience)
        return self._chunks[audience]

    def forget_most(self) -> None:
        """Make anew for those who come back what few want: it is much, where all want another."""
        some = [each for each in self._chunks.items() if each[1] is not None]
        self._chunks = dict(some[:MOST_CHUNKS])

    def news(self, audience: Audience) -> list[News]:
        """The same as news, in their order."""
        of_topic = self._of_topic
        found = {each for topic in audience.topics for each in of_topic.get(str(topic), ())}
        news = (self.look.news[each] for each in sorted(found))
        return [each for each in news if audience.fits(each)]


def chunk_of(position: Position, news: Sequence[News], audience: Audience) -> Chunk | None:
    """What is told of these news, up to there; None of none."""
    if not news:
        return None
    return Chunk(str(narrowed(position, audience.topics)), [each.told for each in news])


def narrowed(position: Position, topics: frozenset[Topic]) -> Position:
    """The place of who follows these topics: of other jobs it says nothing."""
    if not position.lines:
        return position
    jobs = [each.name for each in topics if each.follow is Follow.JOB]
    return replace(position, lines={job: position.lines.get(job, {}) for job in jobs})


@dataclass(frozen=True, slots=True)
class Again:
    """What somebody who comes back has missed."""

    first: tuple[Position, tuple[News, ...]] | None
    """What the first look of this process found of it: then other things come with it."""
    looks: tuple[Kept, ...]


class Ring:
    """The looks of one reader, the first among them until it is too old."""

    def __init__(self, first: Look, filled_since: datetime) -> None:
        """Begin with the `first` look, which found all that lies from `filled_since` on."""
        self._looks = deque([Kept(first)])
        self._filled_since = filled_since
        self._before: datetime | None = None
        """When the look before the oldest that is kept was over; None while that is the first."""
        self._count = len(first.news)

    @property
    def last(self) -> Kept:
        """The newest."""
        return self._looks[-1]

    def add(self, look: Look) -> None:
        """Keep one more; those that are too old or too many go."""
        self._looks.append(Kept(look))
        self._count += len(look.news)
        while len(self._looks) > 1 and (
            self._count > MOST_KEPT or look.began - self._looks[0].look.began > KEPT_FOR
        ):
            gone = self._looks.popleft().look
            self._before = gone.ended
            self._count -= len(gone.news)

    def since(self, place: Position) -> Again | None:
        """What came after `place`; None where that is not known any more."""
        if place.at > self.last.look.began + AHEAD:
            return None
        missed = [each for each in self._looks if not _was_seen(each.look, place)]
        if any(each.look.is_blind for each in missed):
            return None
        if len(missed) < len(self._looks):
            return Again(None, tuple(missed))
        if self._before is not None:
            return Again(None, tuple(missed)) if self._before <= place.at else None
        if place.complete_before < self._filled_since:
            return None
        first = missed[0].look
        fresh = tuple(each for each in first.news if each.key >= place.complete_before)
        return Again((first.position, fresh), tuple(missed[1:]))


def _was_seen(look: Look, place: Position) -> bool:
    """Whether who was told up to `place` knows all that `look` saw."""
    if look.position.reader == place.reader:
        return look.began <= place.at
    return look.ended <= place.at
