"""Monitors that are checked from three regions: `python -m examples.monitors.regions`."""
