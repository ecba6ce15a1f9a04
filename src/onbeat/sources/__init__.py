"""What comes from outside and makes jobs: kinds of sources, and what is done for a message."""

from onbeat.domain.sources.actions import Advance, Enqueue, Pause, Resume, Trigger
from onbeat.domain.sources.messages import field_of as field
from onbeat.sources.inbound_webhook import InboundWebhook
from onbeat.sources.postgres_notify import PostgresNotify
from onbeat.sources.redis_pubsub import RedisPubSub
from onbeat.sources.redis_stream import RedisStream

__all__ = [
    "Advance",
    "Enqueue",
    "InboundWebhook",
    "Pause",
    "PostgresNotify",
    "RedisPubSub",
    "RedisStream",
    "Resume",
    "Trigger",
    "field",
]
