"""Text that both engines can keep: PostgreSQL has no NUL, and neither has half a surrogate pair.

What a user asks for with such text is refused; what is told about a run (a reason, a log line, a
result) is kept without it, for one odd character must not take the whole batch with it.
"""

from __future__ import annotations

import re

from onbeat.domain.errors import InvalidArguments

# Left to right over every escape of a JSON text, so that an escaped backslash is not taken for one.
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(?P<unkept>u0000|u[dD][89a-fA-F]..)|.)", re.DOTALL
)


def storable(text: str) -> str:
    """The text, with replacements for what cannot be kept."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def storable_json(text: str) -> str:
    """The JSON text, with replacements for what cannot be kept."""
    if has_unkept(text):
        text = _ESCAPE.sub(lambda match: "\\ufffd" if match["unkept"] else match[0], text)
    return storable(text)


def has_unkept(text: str) -> bool:
    """Whether a JSON text holds what PostgreSQL's jsonb refuses."""
    if "\\u0000" not in text and "\\ud" not in text and "\\uD" not in text:
        return False
    return any(match["unkept"] for match in _ESCAPE.finditer(text))


def refuse_unkept(arguments: str, whose: str) -> None:
    """Raise InvalidArguments when a JSON text holds what cannot be kept."""
    if has_unkept(arguments):
        raise InvalidArguments(
            "args",
            f"those of {whose} hold a NUL character or half a surrogate pair, which a database "
            "cannot keep as text; send them as base64",
        )
