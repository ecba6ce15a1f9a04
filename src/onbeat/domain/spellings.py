r"""How a text may be spelled where it is written by Python, as JSON or in a URL, however nested.

Each writes some characters in another way: `'` as `\'`, a line break as `\n`, `ü` as `\xfc`,
`\u00fc`, `\xc3\xbc` or `%C3%BC`. What is written twice, such as a repr in the message of a
KeyError, has its backslashes and percent signs doubled. So each character is looked for in all its
spellings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

_PARTS = re.compile(r"\\+|.", re.DOTALL)
_LETTERS = {"\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f"}

# Possessive: many backslashes in a row would else be divided up in every way.
_SLASHES = r"\\*+"
_FIRST_SLASHES = r"(?<!\\)\\*+"


def spelled(text: str) -> str:
    """A pattern that finds the text in all its spellings."""
    slashes, found = _FIRST_SLASHES, []
    for part in _PARTS.findall(text):
        if part[0] == "\\":
            before = r"(?<!\\)" if slashes is _FIRST_SLASHES else ""
            count = len(part)
            found.append(rf"(?:{before}\\{{{count},}}+|(?:%(?:25)*5[cC]){{{count}}})")
        else:
            found.append(_spelled_character(part, slashes))
        slashes = _SLASHES
    return "".join(found)


@lru_cache(maxsize=1_000)
def _spelled_character(character: str, slashes: str) -> str:
    if character.isascii() and (character.isalnum() or character in "-._~"):
        return re.escape(character)
    encoded = character.encode(errors="replace")
    ways = ["".join(f"%(?:25)*{_hex(byte)}" for byte in encoded)]
    ways.append(slashes + f"(?:{'|'.join(_written(character, encoded))})")
    if character == " ":
        ways.append(r"\+")
    return f"(?:{'|'.join(ways)})"


def _written(character: str, encoded: bytes) -> Iterator[str]:
    """What a character is written as, behind backslashes or, so that it is simple, without."""
    code = ord(character)
    yield re.escape(character)
    if character in _LETTERS:
        yield _LETTERS[character]
    if code <= 0xFFFF:
        yield f"u{_hex(code, 4)}"
    else:
        high, low = divmod(code - 0x10000, 0x400)
        yield f"u{_hex(0xD800 + high)}{_SLASHES}u{_hex(0xDC00 + low)}"
        yield f"U{_hex(code, 8)}"
    if code <= 0xFF and not (character.isascii() and character.isprintable()):
        yield f"x{_hex(code)}"
    if code > 127:
        yield _SLASHES.join(f"x{_hex(byte)}" for byte in encoded)


def _hex(number: int, digits: int = 2) -> str:
    """A pattern of the number, its letters large or small."""
    return "".join(
        f"[{digit}{digit.upper()}]" if digit.isalpha() else digit
        for digit in f"{number:0{digits}x}"
    )
