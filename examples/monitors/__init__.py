"""A thousand monitors, imported from a CSV and checked over HTTP: `python -m examples.monitors`."""
