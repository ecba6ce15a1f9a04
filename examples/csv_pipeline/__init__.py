"""Four services that take in companies' CSV files and find out what their customers want."""
