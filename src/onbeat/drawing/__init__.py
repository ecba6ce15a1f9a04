"""Reports as files and pages that need nothing else: JSON, CSV, HTML with plots."""
