"""Live updates: one reader in each process tells all who listen to it what changed."""
