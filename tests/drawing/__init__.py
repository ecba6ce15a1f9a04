"""Reports as files and pages."""
