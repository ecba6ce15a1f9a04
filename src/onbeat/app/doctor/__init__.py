"""The doctor: what is looked at to tell whether everything is as it must be."""
