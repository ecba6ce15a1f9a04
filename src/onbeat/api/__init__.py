"""The API: REST over HTTP. Needs the extra `server`."""
