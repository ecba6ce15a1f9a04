"""The API: REST over HTTP. Needs the extra `server`."""

from onbeat.api.asgi import make_asgi
from onbeat.api.mounting import lifespan
from onbeat.api.server import Served, served

__all__ = ["Served", "lifespan", "make_asgi", "served"]
