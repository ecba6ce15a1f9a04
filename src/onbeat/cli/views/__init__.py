"""Each noun as people read it; no view asks the store for anything."""
