"""The file of another issuer's keys changes while the API runs: keys come, and are taken back."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from onbeat.api.issuers import Issuers
from onbeat.api.key_files import LOOK_EVERY

FIRST, SECOND = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
BOTH = {"first": FIRST, "second": SECOND}


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        """Begin at none."""
        self.now = 0.0

    def __call__(self) -> float:
        """How many there are."""
        return self.now


def write(path: Path, text: str) -> None:
    """Put the text in the place of the file, as one that is swapped for it."""
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    fresh.replace(path)


def keys(**private: Any) -> str:
    """A file of the public halves."""
    told = [
        {**json.loads(ECAlgorithm.to_jwk(each.public_key())), "kid": kid, "alg": "ES256"}
        for kid, each in private.items()
    ]
    return json.dumps({"keys": told})


def token(kid: str) -> str:
    """One that the key of that id has signed."""
    claims = {"sub": "ann", "exp": datetime.now(UTC) + timedelta(hours=1)}
    return jwt.encode(claims, BOTH[kid], "ES256", headers={"kid": kid})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with the first key."""
    path = tmp_path / "jwks.json"
    path.write_text(keys(first=FIRST))
    return path


@pytest.fixture
def clock() -> Clock:
    """The time that issuers live by."""
    return Clock()


@pytest.fixture
def issuers(path: Path, clock: Clock) -> Issuers:
    """Those who believe the file."""
    return Issuers(jwks=path, monotonic=clock)


def test_a_key_that_is_added_is_believed_at_once(issuers: Issuers, path: Path) -> None:
    assert issuers.principal_of(token("second")) is None

    write(path, keys(**BOTH))

    assert issuers.principal_of(token("second")) is not None
    assert issuers.principal_of(token("first")) is not None


def test_a_key_that_is_taken_back_is_believed_no_more_after_half_a_minute(
    issuers: Issuers, path: Path, clock: Clock
) -> None:
    write(path, keys(second=SECOND))
    before = issuers.principal_of(token("first"))
    clock.now += LOOK_EVERY

    assert before is not None
    assert issuers.principal_of(token("first")) is None


@pytest.mark.parametrize("text", ["{", '{"keys": []}', ""])
def test_a_file_that_is_broken_meanwhile_leaves_the_keys_as_they_were(
    text: str, issuers: Issuers, path: Path, clock: Clock
) -> None:
    write(path, text)
    clock.now += LOOK_EVERY

    assert issuers.principal_of(token("first")) is not None
    assert issuers.principal_of(token("second")) is None
    assert issuers.jwks is not None
    assert issuers.jwks.fault is not None

    write(path, keys(**BOTH))

    assert issuers.principal_of(token("second")) is not None
    assert issuers.jwks.fault is None


def test_a_file_that_is_gone_leaves_the_keys_as_they_were(
    issuers: Issuers, path: Path, clock: Clock
) -> None:
    path.unlink()
    clock.now += LOOK_EVERY

    assert issuers.principal_of(token("first")) is not None
