"""The API, asked over HTTP without a network between."""
