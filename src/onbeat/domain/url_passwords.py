"""Passwords in database URLs, kept out of everything that is shown or written down."""

from __future__ import annotations

import re

from onbeat.domain.secrets import HIDDEN

_USER_INFO = re.compile(r"://([^:/@\s]*):(\S*)@")
_PARAMETER = re.compile(r"([?&](?:\w*password|passwd|secret|token)=)[^&\s'\"]+", re.IGNORECASE)


def hide_passwords(text: str) -> str:
    """`text` with the password of every URL in it replaced by `***`.

    Greedy up to the last `@`: a password with an unescaped `@` or `/` in it is hidden whole.
    """
    if "://" not in text:
        return text
    return _PARAMETER.sub(rf"\g<1>{HIDDEN}", _USER_INFO.sub(rf"://\g<1>:{HIDDEN}@", text))
