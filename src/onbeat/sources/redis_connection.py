"""Connecting to a Redis to listen: deadlines, and one error for all that may be wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from onbeat.domain.errors import ExtraMissing, InvalidInput, SourceUnavailable
from onbeat.domain.url_passwords import hide_passwords
from onbeat.domain.words import one_line

if TYPE_CHECKING:
    from redis.asyncio import Redis

PATIENCE: Final = 5.0
"""Seconds in which it must have answered, or taken a connection."""

REST: Final = 1.0
"""Seconds in which messages are waited for at once."""


def connect(url: str) -> Redis:
    """A client that says at once when something is wrong, and tries nothing again by itself."""
    from redis.asyncio import Redis  # noqa: PLC0415 - of an extra
    from redis.asyncio.retry import Retry  # noqa: PLC0415 - as above
    from redis.backoff import NoBackoff  # noqa: PLC0415 - as above

    return Redis.from_url(
        url, retry=Retry(NoBackoff(), 0), socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE,
        protocol=2, client_name="onbeat",
    )  # fmt: skip


@contextmanager
def reaching(url: str) -> Iterator[None]:
    """Whatever Redis or the way to it has against this is told as SourceUnavailable."""
    from redis.exceptions import RedisError  # noqa: PLC0415 - of an extra

    try:
        yield
    except (RedisError, OSError) as error:  # a timeout is one of these
        why = one_line(str(error)) or type(error).__name__
        raise SourceUnavailable(f"{hide_passwords(url)}: {why}; it is tried again") from None


async def hang_up(client: Redis | None) -> None:
    """Disconnect, whatever it is in."""
    from redis.exceptions import RedisError  # noqa: PLC0415 - of an extra

    if client is not None:
        with suppress(RedisError, OSError):
            await client.aclose()


def silent(url: str, seconds: float) -> str:
    """What is told of a server that takes connections, and answers nothing."""
    return f"{hide_passwords(url)}: no answer in {seconds:g} s; it is tried again"


def text(value: Any) -> str:
    """What Redis says, as text."""
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def check_url(url: str | None) -> str:
    """The URL of a Redis. Raises InvalidInput where there is none, and ExtraMissing."""
    if find_spec("redis") is None:
        raise ExtraMissing("a source that listens to Redis", "redis", "redis")
    if not url:
        raise InvalidInput("url", "there is none; give url=…, or set REDIS_URL")
    return url
