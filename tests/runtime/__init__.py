"""What runs in the background: services, duties, the scheduler."""
