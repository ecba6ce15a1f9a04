"""Programs that the tests start as processes."""
