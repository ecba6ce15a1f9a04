"""Jobs that users schedule for themselves, and hear of by webhooks."""
