"""Whom a command runs as: the worker's own account, or another one where the worker is root."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from dataclasses import dataclass

from onbeat.domain.errors import OnbeatError

DEFAULT_SHELL = "/bin/sh"
DEFAULT_PATH = "/usr/bin:/bin"


class WrongAccount(OnbeatError):
    """The command is to run as somebody this worker cannot be."""

    def __init__(self, message: str) -> None:
        """Say who, and what to do; a traceback of ours would say nothing more."""
        super().__init__(message)
        self.remote_traceback = f"WrongAccount: {message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account of this machine."""

    name: str
    uid: int
    gid: int
    home: str
    groups: tuple[int, ...]
    """All groups it is a member of."""

    def environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        """What cron gives a command, and a crontab's variables; nothing of the worker's own.

        LOGNAME cannot be overridden (crontab(5)).
        """
        given = {"SHELL": DEFAULT_SHELL, "PATH": DEFAULT_PATH, "HOME": self.home}
        return {**given, **variables, "LOGNAME": self.name}


def account_of(user: str | None, *, own: int) -> Account:
    """The account of `user`, or the worker's own, whose number is `own`. Raises WrongAccount."""
    found = _own(own) if user is None else _named(user)
    if own not in (0, found.uid):
        raise WrongAccount(
            f"it is to run as {user}, and this worker runs as {_own(own).name}; send it to a queue "
            f"whose worker runs as {user} or as root"
        )
    return found


def _named(user: str) -> Account:
    try:
        return _account(pwd.getpwnam(user))
    except KeyError:
        raise WrongAccount(
            f"there is no user {user!r} on the worker's machine; make it, or change the schedule"
        ) from None


def _own(uid: int) -> Account:
    try:
        return _account(pwd.getpwuid(uid))
    except KeyError:  # a container may run under a number without a name
        return Account(name=str(uid), uid=uid, gid=os.getgid(), home="/", groups=())


def _account(entry: pwd.struct_passwd) -> Account:
    return Account(
        name=entry.pw_name,
        uid=entry.pw_uid,
        gid=entry.pw_gid,
        home=entry.pw_dir,
        groups=tuple(os.getgrouplist(entry.pw_name, entry.pw_gid)),
    )
