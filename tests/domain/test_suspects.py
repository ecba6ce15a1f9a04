"""Which variables look like secrets."""

from __future__ import annotations

import pytest

from onbeat.domain.suspects import looks_secret


@pytest.mark.parametrize(
    "name",
    ["DB_PASSWORD", "PGPASSWORD", "password", "MYSQL_PWD", "SMTP_PASS", "API_KEY", "apiKey",
     "AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "authToken", "AUTH", "SSH-PASSPHRASE", "X.CREDS"],
)  # fmt: skip
def test_a_name_that_speaks_of_secrets_looks_like_one(name: str) -> None:
    assert looks_secret(name, "hunter-2")


@pytest.mark.parametrize(
    "name",
    ["PATH", "HOME", "LANG", "MAILTO", "PWD", "KEYBOARD", "MONKEY", "COMPASS", "BYPASS_CACHE",
     "AUTHOR", "SHELL", "URL"],
)  # fmt: skip
def test_a_name_that_only_sounds_alike_does_not(name: str) -> None:
    assert not looks_secret(name, "hunter-2")


@pytest.mark.parametrize("value", ["1", "0", "true", "No", ""])
def test_a_switch_is_no_secret_whatever_its_name(value: str) -> None:
    assert not looks_secret("USE_TOKEN", value)


@pytest.mark.parametrize(
    ("value", "looks"),
    [
        ("postgres://app:hunter-2@db/shop", True),
        ("redis://:hunter-2@cache:6379/0", True),
        ("postgres://app@db:5432/shop", False),
        ("https://example.com/a:b@c", False),
    ],
)
def test_a_url_with_a_password_looks_secret_whatever_its_name(value: str, *, looks: bool) -> None:
    assert looks_secret("DATABASE_URL", value) is looks
