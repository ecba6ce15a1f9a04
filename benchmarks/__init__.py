"""Throughput of Onbeat beside the raw ceiling: the same work done by hand-written SQL alone."""
