"""Real servers for tests and benchmarks, started and ended by the run that needs them."""
