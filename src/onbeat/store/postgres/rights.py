"""What a role of PostgreSQL lacks, and the GRANT that would give it."""

from __future__ import annotations

import re

from onbeat.store.postgres.addresses import read_address

DENIED = "42501"
"""SQLSTATE of a right that is missing (PostgreSQL, appendix A: insufficient_privilege)."""

RIGHTS = "docs/operations.md tells which rights are needed"


def remedy(cause: str, where: str) -> str:
    """What to do about `cause`, the server's own words, for the role that `where` names."""
    address = read_address(where)
    role, schema = _quoted(address.user or "ROLE"), _quoted(address.schema or "public")
    if cause.startswith("must be owner of "):
        return (
            f"migrate as the role that ran `onbeat db migrate` first, or as its owner: "
            f"GRANT that_role TO {role}; {RIGHTS}"
        )
    database = re.search(r"for database (\S+)", cause)
    if database and address.schema:
        return (
            f"an environment has a schema of its own: as a superuser, CREATE SCHEMA {schema} "
            f"AUTHORIZATION {role}, or let the role make any: "
            f"GRANT CREATE ON DATABASE {_quoted(database[1])} TO {role}; {RIGHTS}"
        )
    denied = re.search(r"for schema (\S+)", cause)
    if denied:
        return (
            f"as its owner: GRANT USAGE, CREATE ON SCHEMA {_quoted(denied[1])} TO {role}; {RIGHTS}"
        )
    return (
        "as their owner: "
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}; "
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {role}; {RIGHTS}"
    )


def _quoted(name: str) -> str:
    """A name as SQL takes it."""
    if re.fullmatch(r"[a-z_][a-z0-9_]*", name):
        return name
    return '"' + name.replace('"', '""') + '"'
