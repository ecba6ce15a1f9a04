"""Whether the store keeps its own laws: read in chunks, on a live database, changing nothing."""
