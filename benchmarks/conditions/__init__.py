"""How Onbeat stands up to a deep backlog, an old snapshot, idleness, a killed worker."""
