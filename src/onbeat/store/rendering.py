"""One SQL text with `:names`, in the style each driver wants; SQLite takes it as it is."""

from __future__ import annotations

import re
from functools import lru_cache

_NAME = re.compile(r"(?<!:):([a-z_]+)")


@lru_cache(maxsize=256)
def numbered(statement: str) -> tuple[str, tuple[str, ...]]:
    """`$1, $2, …` for asyncpg, and which name each number stands for."""
    names: list[str] = []

    def number(match: re.Match[str]) -> str:
        if match[1] not in names:
            names.append(match[1])
        return f"${names.index(match[1]) + 1}"

    return _NAME.sub(number, statement), tuple(names)


@lru_cache(maxsize=256)
def named(statement: str) -> str:
    """`%(name)s` for psycopg and Django (PEP 249, "pyformat"); other percent signs are doubled."""
    return _NAME.sub(r"%(\1)s", statement.replace("%", "%%"))
