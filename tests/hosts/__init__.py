"""Hosts of their own: a fleet over several network namespaces, one of which is cut off and back."""
