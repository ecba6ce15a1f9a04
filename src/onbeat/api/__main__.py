"""`python -m onbeat.api` prints the description of the API: what clients are made from."""

from __future__ import annotations

import sys

import msgspec

from onbeat.api.asgi import make_app
from onbeat.app.onbeat import Onbeat
from onbeat.settings import Settings

sys.stdout.buffer.write(
    msgspec.json.encode(make_app(Onbeat(settings=Settings())).openapi(), order="sorted")
)
