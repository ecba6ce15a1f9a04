"""How anything runs in the background: services, the scheduler, the worker, maintenance."""
