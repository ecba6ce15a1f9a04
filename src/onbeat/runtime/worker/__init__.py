"""The worker: claims jobs, runs them in slots, and stores what became of them."""
