"""One SQL text with `:names`, in the style each driver wants; SQLite takes it as it is.

An environment's schema is said in the statements themselves, here and nowhere else. A search path
would be state of the session: behind a pooler that hands out a connection for each transaction it
is somebody else's, and in a caller's own transaction it is the caller's. Without an environment
nothing is touched, and the server's search path says which tables are meant.
"""

from __future__ import annotations

import re
from functools import lru_cache

from onbeat.store.schema import VERSION_TABLE, metadata

_NAME = re.compile(r"(?<!:):([a-z_]+)")

_TABLES = sorted(name.removeprefix("onbeat_") for name in (*metadata.tables, VERSION_TABLE))
# Whole names: SQLAlchemy numbers its aliases (onbeat_jobs_1), and indexes are named after their
# tables. What has its schema already is left, and so is what stands in quotation marks: a schema,
# which is named as a table is where the environment is `jobs`. PostgreSQL wants the table of FOR
# UPDATE OF and FOR SHARE OF without.
_OURS = re.compile(
    rf"(?<![.\"\w])(?<!UPDATE OF )(?<!SHARE OF )onbeat_(?:leases_token_seq"
    rf"|(?:{'|'.join(_TABLES)})(?:_default|_\d{{6}}(?:\d\d)?)?)\b"
)


@lru_cache(maxsize=1024)
def qualified(statement: str, schema: str | None) -> str:
    """The statement, with each table and sequence of ours in that schema."""
    return statement if schema is None else _OURS.sub(rf'"{schema}".\g<0>', statement)


@lru_cache(maxsize=1024)
def numbered(statement: str, schema: str | None = None) -> tuple[str, tuple[str, ...]]:
    """`$1, $2, …` for asyncpg, and which name each number stands for."""
    names: list[str] = []

    def number(match: re.Match[str]) -> str:
        if match[1] not in names:
            names.append(match[1])
        return f"${names.index(match[1]) + 1}"

    return _NAME.sub(number, qualified(statement, schema)), tuple(names)


@lru_cache(maxsize=1024)
def named(statement: str, schema: str | None = None) -> str:
    """`%(name)s` for psycopg and Django (PEP 249, "pyformat"); other percent signs are doubled."""
    return _NAME.sub(r"%(\1)s", qualified(statement, schema).replace("%", "%%"))
