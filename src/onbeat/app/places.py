"""Where an application lives: its database, and the environment in it."""

from __future__ import annotations

from contextlib import AbstractContextManager

from onbeat.app.context import Context
from onbeat.domain.environments import environment_of, placed, without_environment
from onbeat.timing import Timing


class Placed:
    """Whoever has a database, and can be given another."""

    _context: Context

    @property
    def url(self) -> str:
        """The database's URL; it says the environment too, where there is one."""
        return self._context.url

    @property
    def environment(self) -> str | None:
        """The environment the application is in; None where it is in none."""
        return environment_of(self.url)

    def use_database(self, url: str | None = None, *, environment: str | None = None) -> None:
        """Take another database, or environment, from here on; for who starts the application,
        before it connects. What is not given stays as it is.

        Raises InvalidInput, and Conflict when it is connected already.
        """
        stays = self.environment
        where = without_environment(self.url) if url is None else url
        self._context.use_database(placed(where, environment, stays))

    def elsewhere(self, url: str, timing: Timing) -> AbstractContextManager[None]:
        """Work on the database at `url` by `timing` until the block ends; for tests.

        Its own database is not touched meanwhile, and is its own again after. Raises Conflict
        inside another such block.
        """
        return self._context.elsewhere(url, timing)
