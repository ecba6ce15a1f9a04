"""For users' own tests: time that jumps, stores that share a database in memory."""
