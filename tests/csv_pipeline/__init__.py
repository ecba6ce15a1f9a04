"""The example `examples/csv_pipeline`."""
