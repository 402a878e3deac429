"""The reference subscriber: ``subscriber.py`` and ``announced.py`` are two files to copy; ``python -m clients.python``
shows them at work."""

from .announced import Announced, Control, Frame, Received, Stream
from .subscriber import NoEngine, Subscriber, connectable, describe

__all__ = [
    "Announced",
    "Control",
    "Frame",
    "NoEngine",
    "Received",
    "Stream",
    "Subscriber",
    "connectable",
    "describe",
]
