"""Durable state: one set of tables, two engines."""
