"""Tokens of another issuer: JWTs signed with a shared secret, or with keys of a JWKS file."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from onbeat.api.key_files import KeyFile
from onbeat.domain.access import LONGEST_OWNER, Principal, Role
from onbeat.domain.errors import InvalidSetting
from onbeat.settings import Settings

SHARED = ("HS256", "HS384", "HS512")
SIGNED = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA")
LEEWAY = 30
"""Seconds by which clocks may differ."""

FEWEST_BYTES = 32
"""Bytes of a shared secret (RFC 7518 §3.2: no fewer than the hash has)."""


class Issuers:
    """Whose tokens are believed besides our own; none unless it is set up."""

    def __init__(
        self,
        secret: str | None = None,
        jwks: Path | None = None,
        *,
        issuer: str | None = None,
        audience: str | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Believe tokens signed with `secret`, or by a key in the file `jwks`.

        Raises InvalidSetting.
        """
        if secret is not None and len(secret.encode()) < FEWEST_BYTES:
            raise InvalidSetting("jwt_secret", f"it is under {FEWEST_BYTES} bytes; give more")
        self._secret = secret
        self._file = None if jwks is None else KeyFile(jwks, monotonic)
        self._issuer = issuer
        self._audience = audience

    @classmethod
    def from_settings(cls, settings: Settings) -> Issuers:
        """Those that the settings name. Raises InvalidSetting."""
        return cls(
            settings.jwt_secret, None if settings.jwks is None else Path(settings.jwks),
            issuer=settings.jwt_issuer, audience=settings.jwt_audience,
        )  # fmt: skip

    @property
    def jwks(self) -> KeyFile | None:
        """The file of the keys."""
        return self._file

    def principal_of(self, token: str) -> Principal | None:
        """Who asks: the claim `userId`, else `sub`; sees and touches rows of their own alone.

        None where it is not believed, is over, or names nobody.
        """
        if self._secret is None and self._file is None:
            return None
        claims = self._claims(token)
        if claims is None:
            return None
        named = claims.get("userId", claims.get("sub"))
        owner = str(named) if isinstance(named, str | int) and not isinstance(named, bool) else ""
        if not 0 < len(owner) <= LONGEST_OWNER or not owner.isprintable():
            return None
        return Principal(
            kind="jwt", id=owner, name=owner, permissions=Role.OWNER.permissions, owner=owner
        )

    def _claims(self, token: str) -> Mapping[str, Any] | None:
        import jwt  # noqa: PLC0415 - an extra

        try:
            key, algorithms = self._key_of(jwt.get_unverified_header(token))
            if key is None:
                return None
            claims: Mapping[str, Any] = jwt.decode(
                token, key, algorithms=list(algorithms), issuer=self._issuer,
                audience=self._audience, leeway=LEEWAY,
                options={"require": ["exp"], "verify_aud": self._audience is not None},
            )  # fmt: skip
        except (jwt.PyJWTError, ValueError, TypeError):
            return None
        return claims

    def _key_of(self, header: Mapping[str, Any]) -> tuple[Any, tuple[str, ...]]:
        """The key, and what it may sign with: a public key is never taken for a shared secret."""
        if self._file is not None:
            kid = header.get("kid")
            key = self._file.find(None if kid is None else str(kid))
            if key is not None:
                return key, SIGNED
        return self._secret, SHARED
