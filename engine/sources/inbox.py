"""What a stream has brought and is not yet due, in order of time, and bounded."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from typing import Any

MOST_S = 4.0
"""Seconds that wait at most; a sender that is further ahead has to wait itself."""
_MOST_ITEMS = 1000
_POLL_S = 0.05


@dataclass(frozen=True)
class Item:
    """A block of sound or a picture; ``end_ns``: the media time at which it ends or is shown."""

    end_ns: int
    what: Any


@dataclass
class Inbox:
    """Items from one thread to another. ``leading``: the sender waits while too much is in here."""

    leading: bool
    _items: deque[Item] = field(default_factory=deque)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def put(self, item: Item, stop: threading.Event) -> None:
        """Add an item; of a stream that does not lead, the oldest is dropped where there are too many."""
        with self._changed:
            while self.leading and self._full() and not stop.is_set():
                self._changed.wait(_POLL_S)
            if len(self._items) >= _MOST_ITEMS:
                self._items.popleft()
            self._items.append(item)
            self._changed.notify_all()

    def take(self) -> Item | None:
        """The next item, or None where none comes soon."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._items), _POLL_S)
            item = self._items.popleft() if self._items else None
            self._changed.notify_all()
            return item

    def waiting_ns(self, end_ns: int) -> int:
        """How much of what came after the item that ended at ``end_ns`` waits."""
        with self._changed:
            return self._items[-1].end_ns - end_ns if self._items else 0

    def next_ns(self) -> int | None:
        """The end of the next item, None where none waits."""
        with self._changed:
            return self._items[0].end_ns if self._items else None

    @property
    def empty(self) -> bool:
        """Whether nothing waits."""
        with self._changed:
            return not self._items

    def _full(self) -> bool:
        items = self._items
        return len(items) >= _MOST_ITEMS or bool(items and items[-1].end_ns - items[0].end_ns > MOST_S * 1e9)
