"""SQLite: one writer that commits in groups, readers beside it, one lock file for all processes."""
