"""The reference subscriber: ``subscriber.py`` is one file to copy, ``python -m clients.python`` shows it at work."""

from .subscriber import Frame, Subscriber, connectable, describe

__all__ = ["Frame", "Subscriber", "connectable", "describe"]
