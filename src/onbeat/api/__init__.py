"""The API: REST over HTTP. Needs the extra `server`."""

from onbeat.api.asgi import make_asgi
from onbeat.api.mounting import lifespan

__all__ = ["lifespan", "make_asgi"]
