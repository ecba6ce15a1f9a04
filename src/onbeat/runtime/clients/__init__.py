"""Clients of APIs: what a task asks them with, held back together by the whole fleet."""

from onbeat.runtime.clients.client import ApiClient, Surroundings, Token
from onbeat.runtime.clients.guard import Guard
from onbeat.runtime.clients.pace import Pace

__all__ = ["ApiClient", "Guard", "Pace", "Surroundings", "Token"]
