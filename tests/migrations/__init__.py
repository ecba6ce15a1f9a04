"""The schema, fresh and migrated."""
