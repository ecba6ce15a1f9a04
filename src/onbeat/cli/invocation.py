"""One command being run: what it was given that all commands take, and what follows from that."""

from __future__ import annotations

import getpass
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from onbeat.app.acting import acting
from onbeat.app.onbeat import Onbeat
from onbeat.cli.absent import named_where_absent
from onbeat.cli.loading import load_app
from onbeat.cli.output.streams import Output
from onbeat.domain.access import Permission, Principal
from onbeat.domain.audit import Actor
from onbeat.domain.environments import check_environment, environment_of
from onbeat.domain.errors import InvalidInput, InvalidSetting, SchemaMissing, StoreError
from onbeat.settings import Settings, load_settings
from onbeat.store.opening import scheme_of
from onbeat.store.schema_state import refuse_unless_current
from onbeat.store.sqlite.connections import database_path

WITHOUT_APP = "onbeat-cli"
"""The name of the application that stands in when none is given: it declares no schedules, and
must not pass for one that has given up those it had."""


@dataclass(frozen=True)
class Invocation:
    """What the user gave, beside the command's own options."""

    db: str | None = None
    environment: str | None = None
    json: bool = False
    app: str | None = None

    @cached_property
    def out(self) -> Output:
        """Where the command shows what it has to show."""
        return Output(as_json=self.json)

    @cached_property
    def settings(self) -> Settings:
        """The settings, with what was given on the command line. Raises InvalidSetting."""
        given = {"db": self.db, "environment": self.environment, "app": self.app}
        for name, value in given.items():
            if value is not None and not value.strip():
                raise InvalidSetting(name, "it is empty; give a value or leave it out")
        changes: dict[str, Any] = {name: value for name, value in given.items() if value}
        if self.environment is not None:
            check_environment(self.environment)
        return replace(load_settings(), **changes)

    @cached_property
    def onbeat(self) -> Onbeat:
        """The user's application, or where none is given, one without tasks."""
        if self.settings.app is None:
            return Onbeat(name=WITHOUT_APP, settings=self.settings, environment=self.environment)
        given = {"ONBEAT_DB": self.db, "ONBEAT_ENVIRONMENT": self.environment}
        for name, value in given.items():
            if value is not None:
                os.environ[name] = value  # for processes that jobs are run in
        found = load_app(self.settings.app)
        if self.db is not None or self.environment is not None:
            found.use_database(self.db, environment=self.environment)
        return found

    @property
    def has_app(self) -> bool:
        """Whether the user's tasks are known."""
        return self.settings.app is not None

    def need_app(self, purpose: str, otherwise: str = "") -> Onbeat:
        """The user's application. Raises InvalidInput where none is given.

        `otherwise` is what else may be given, to end the sentence.
        """
        if not self.has_app:
            given = "give --app module:name, such as --app shop:ob, or ONBEAT_APP"
            raise InvalidInput("app", f"{purpose}; {given}{otherwise}")
        return self.onbeat

    def without_app(self) -> Invocation:
        """The same for a command that has no use for the user's code, so that it runs none."""
        plain = Invocation(db=self.db, environment=self.environment, json=self.json)
        plain.__dict__["settings"] = replace(self.settings, app=None)
        return plain

    @asynccontextmanager
    async def connected(self, *, creates: bool = False) -> AsyncIterator[Onbeat]:
        """The application while its store is open. Raises StoreError.

        Without `creates`, a SQLite file that is not there is an error: an empty answer from the
        wrong folder would be taken for the truth. One without our tables is somebody else's, and
        is given none. An environment is never made so.
        """
        ob = self.onbeat
        creates = creates and ob.environment is None
        async with named_where_absent(ob):
            self.check_file(ob.url, creates=creates)
            if not creates and file_of(ob.url) is not None:
                refuse_unless_current(await ob.schema())
            try:
                async with ob:
                    with acting(self._actor):
                        yield ob
            finally:
                await ob.close()

    def check_file(self, url: str, *, creates: bool = False) -> None:
        """Refuse, or announce, a SQLite file that is not there."""
        path = file_of(url)
        if path is None or path.exists():
            return
        if not creates:
            if environment_of(url) is not None:
                raise SchemaMissing(f"there is no database at {path}")
            raise StoreError(
                f"there is no database at {path}; give --db or ONBEAT_DB, or make one with "
                "`onbeat db migrate`"
            )
        self.out.note(f"making a new database at {path}")

    @property
    def who(self) -> str:
        """Who gives the command, for the record."""
        try:
            user = getpass.getuser()
        except (OSError, KeyError):
            user = str(os.getuid()) if sys.platform != "win32" else "somebody"
        return f"{user}@{socket.gethostname()}"

    @property
    def _actor(self) -> Actor:
        """In whose name changes are written down: whoever may run the command may do all."""
        who = self.who
        return Actor(
            principal=Principal(kind="cli", id=who, name=who, permissions=frozenset(Permission))
        )


def file_of(url: str) -> Path | None:
    """The file of a SQLite database; None for other engines.

    Raises InvalidSetting for what is no URL, for a database in memory, which ends with the command,
    and for a folder.
    """
    if scheme_of(url) != "sqlite":
        return None
    path = database_path(url)
    if path is None:
        raise InvalidSetting(
            "db",
            f"{url} is a database in memory: what a command stores there ends with the command; "
            "give a file: sqlite:///onbeat.db",
        )
    if path.is_dir():
        raise InvalidSetting(
            "db", f"{path} is a folder; give a file in it: sqlite:///{path / 'onbeat.db'}"
        )
    return path
