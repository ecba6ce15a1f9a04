"""Each noun as JSON and as what people read; no view asks the store for anything."""
