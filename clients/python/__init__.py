"""The reference subscriber: ``subscriber.py`` and ``announced.py`` are two files to copy; ``python -m clients.python``
shows them at work."""

from .announced import Announced, Control, Stream
from .subscriber import Frame, Subscriber, connectable, describe

__all__ = ["Announced", "Control", "Frame", "Stream", "Subscriber", "connectable", "describe"]
