"""Tokens of another issuer: believed when they are signed as was said, and never otherwise."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from onbeat import InvalidSetting, Settings
from onbeat.api.issuers import Issuers

SECRET = "a secret of thirty-two bytes or more"  # noqa: S105 - of tests
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
CURVE = ec.generate_private_key(ec.SECP256R1())
LATER = datetime(2096, 10, 2, tzinfo=UTC)  # of no clock: a whole run may take longer than an hour
FOR_NOW = {"exp": LATER}


def signed(claims: dict[str, Any], secret: str = SECRET, algorithm: str = "HS256") -> str:
    """A token with a shared secret."""
    return jwt.encode(claims, secret, algorithm)


def keyed(key: Any, algorithm: str, kid: str | None) -> str:
    """A token signed with a private key."""
    headers = {} if kid is None else {"kid": kid}
    return jwt.encode({"sub": "ann", **FOR_NOW}, key, algorithm, headers=headers)


@pytest.fixture
def jwks(tmp_path: Path) -> Path:
    """The public halves of both keys."""
    keys = [
        {**json.loads(RSAAlgorithm.to_jwk(RSA.public_key())), "kid": "r", "alg": "RS256"},
        {**json.loads(ECAlgorithm.to_jwk(CURVE.public_key())), "kid": "e", "alg": "ES256"},
    ]
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": keys}))
    return path


@pytest.mark.parametrize(
    ("claims", "owner"),
    [
        ({"sub": "ann"}, "ann"),
        ({"sub": "ann", "userId": "u-7"}, "u-7"),
        ({"userId": 7}, "7"),
    ],
)
def test_the_claim_that_names_the_user_says_whose_rows_are_seen(
    claims: dict[str, Any], owner: str
) -> None:
    found = Issuers(SECRET).principal_of(signed({**claims, **FOR_NOW}))

    assert found is not None
    assert (found.owner, found.kind) == (owner, "jwt")


@pytest.mark.parametrize(
    "claims",
    [
        {**FOR_NOW},
        {"sub": "", **FOR_NOW},
        {"sub": "a\nb", **FOR_NOW},
        {"sub": "x" * 201, **FOR_NOW},
        {"userId": True, "sub": "ann", **FOR_NOW},
        {"userId": {"$ne": ""}, "sub": "ann", **FOR_NOW},
        {"sub": "ann"},
        {"sub": "ann", "exp": datetime(2026, 1, 1, tzinfo=UTC)},
        {"sub": "ann", "exp": "never"},
        {"sub": "ann", "nbf": LATER, **FOR_NOW},
    ],
)
def test_one_that_names_nobody_or_is_not_for_now_is_not_believed(claims: dict[str, Any]) -> None:
    assert Issuers(SECRET).principal_of(signed(claims)) is None


def test_one_with_another_secret_is_not_believed() -> None:
    other = signed({"sub": "ann", **FOR_NOW}, "another secret of thirty-two bytes, or more")

    assert Issuers(SECRET).principal_of(other) is None


def unsigned(algorithm: str) -> str:
    """A token that says it needs no signature."""
    parts = ({"alg": algorithm, "typ": "JWT"}, {"sub": "ann", "exp": 4_000_000_000})
    packed = [base64.urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=") for each in parts]
    return b".".join([*packed, b""]).decode()


@pytest.mark.parametrize("algorithm", ["none", "None", "HS256", ""])
def test_one_without_a_signature_is_not_believed(algorithm: str, jwks: Path) -> None:
    assert Issuers(SECRET, jwks).principal_of(unsigned(algorithm)) is None


@pytest.mark.parametrize(
    ("key", "algorithm", "kid"), [(RSA, "RS256", "r"), (RSA, "PS256", "r"), (CURVE, "ES256", "e")]
)
def test_a_key_of_the_file_is_found_by_its_id(
    key: Any, algorithm: str, kid: str, jwks: Path
) -> None:
    found = Issuers(jwks=jwks).principal_of(keyed(key, algorithm, kid))

    assert found is not None
    assert found.owner == "ann"


@pytest.mark.parametrize(
    ("key", "algorithm", "kid"),
    [(CURVE, "ES256", "r"), (RSA, "RS256", "e"), (RSA, "RS256", "other"), (RSA, "RS256", None)],
)
def test_a_key_that_is_another_or_not_named_is_not_believed(
    key: Any, algorithm: str, kid: str | None, jwks: Path
) -> None:
    assert Issuers(jwks=jwks).principal_of(keyed(key, algorithm, kid)) is None


def test_a_public_key_is_no_shared_secret(jwks: Path) -> None:
    # https://auth0.com/blog/critical-vulnerabilities-in-json-web-token-libraries/, 2015
    public = RSA.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    head = base64.urlsafe_b64encode(b'{"alg":"HS256","kid":"r"}').rstrip(b"=")
    body = base64.urlsafe_b64encode(b'{"sub":"ann","exp":4000000000}').rstrip(b"=")
    mac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    forged = b".".join(
        [head, body, base64.urlsafe_b64encode(mac.sign(head + b"." + body, public)).rstrip(b"=")]
    ).decode()

    assert Issuers(SECRET, jwks).principal_of(forged) is None


@pytest.mark.parametrize(
    ("claims", "believed"),
    [
        ({"iss": "us", "aud": "onbeat"}, True),
        ({"iss": "us", "aud": ["shop", "onbeat"]}, True),
        ({"iss": "them", "aud": "onbeat"}, False),
        ({"iss": "us", "aud": "shop"}, False),
        ({"iss": "us"}, False),
        ({"aud": "onbeat"}, False),
    ],
)
def test_issuer_and_audience_are_checked_where_they_are_said(
    claims: dict[str, Any], *, believed: bool
) -> None:
    issuers = Issuers(SECRET, issuer="us", audience="onbeat")
    found = issuers.principal_of(signed({"sub": "ann", **claims, **FOR_NOW}))

    assert (found is not None) is believed


def test_where_nothing_is_set_up_no_token_is_believed() -> None:
    assert Issuers().principal_of(signed({"sub": "ann", **FOR_NOW})) is None


@pytest.mark.parametrize(
    "text",
    [
        None,
        "{",
        '{"keys": []}',
        '{"keys": [{"kty": "RSA"}]}',
        '{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}',
    ],
)
def test_a_file_without_a_usable_key_is_refused(text: str | None, tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    if text is not None:
        path.write_text(text)

    with pytest.raises(InvalidSetting, match="jwks"):
        Issuers.from_settings(Settings(jwks=str(path)))


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(InvalidSetting, match=r"jwt_secret.*32 bytes"):
        Issuers("short")
