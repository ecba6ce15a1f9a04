"""What a role of PostgreSQL lacks, and the GRANT that would give it."""

from __future__ import annotations

import re

from onbeat.store.postgres.addresses import read_address

DENIED = "42501"
"""SQLSTATE of a right that is missing (PostgreSQL, appendix A: insufficient_privilege)."""

RIGHTS = "docs/operations.md tells which rights are needed"


def remedy(cause: str, where: str) -> str:
    """What to do about `cause`, the server's own words, for the role that `where` names."""
    role = _quoted(read_address(where).user or "ROLE")
    if cause.startswith("must be owner of "):
        return (
            f"migrate as the role that ran `onbeat db migrate` first, or as its owner: "
            f"GRANT that_role TO {role}; {RIGHTS}"
        )
    schema = re.search(r"for schema (\S+)", cause)
    if schema:
        return f"as its owner: GRANT USAGE, CREATE ON SCHEMA {schema[1]} TO {role}; {RIGHTS}"
    return (
        "as their owner: "
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}; "
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}; {RIGHTS}"
    )


def _quoted(role: str) -> str:
    """A role's name as SQL takes it."""
    if re.fullmatch(r"[a-z_][a-z0-9_]*", role):
        return role
    return '"' + role.replace('"', '""') + '"'
