"""The worker and its parts, running real jobs."""
