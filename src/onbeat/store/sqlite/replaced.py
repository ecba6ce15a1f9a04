"""A database's file that is replaced while it is open, as when a backup is put back.

The open connection goes on with the old file, which nobody else sees. SQLite itself finds that out
only when the connection is closed, and leaves the new file's WAL alone then.
"""

from __future__ import annotations

from pathlib import Path

FileIdentity = tuple[int, int]
"""Device and inode."""


def identity_of(path: Path | None) -> FileIdentity | None:
    """Which file stands at `path`; None for none, and for a database in memory."""
    if path is None:
        return None
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
