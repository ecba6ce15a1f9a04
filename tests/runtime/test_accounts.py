"""Whom a command may run as."""

from __future__ import annotations

import os

import pytest

from onbeat.runtime.shell.accounts import WrongAccount, account_of

ROOT = 0
NOBODY = account_of("nobody", own=ROOT)
NUMBER_WITHOUT_A_NAME = 3_999_999


def test_without_a_user_it_is_the_worker_s_own() -> None:
    assert account_of(None, own=NOBODY.uid) == NOBODY


def test_a_user_may_run_what_names_him() -> None:
    assert account_of("nobody", own=NOBODY.uid) == NOBODY


def test_root_may_run_what_names_anybody() -> None:
    assert account_of("nobody", own=ROOT).name == "nobody"


def test_nobody_else_may() -> None:
    with pytest.raises(WrongAccount, match="it is to run as root, and this worker runs as nobody"):
        account_of("root", own=NOBODY.uid)


def test_a_user_that_is_not_there_is_refused_with_the_name() -> None:
    with pytest.raises(WrongAccount, match="no user 'nosuchuser'"):
        account_of("nosuchuser", own=ROOT)


def test_a_number_without_a_name_runs_its_own_commands() -> None:
    account = account_of(None, own=NUMBER_WITHOUT_A_NAME)

    assert (account.name, account.home) == (str(NUMBER_WITHOUT_A_NAME), "/")
    assert account.gid == os.getgid()
