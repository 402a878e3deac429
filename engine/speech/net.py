"""A speech program on the network as the avatar's own side: a REP socket that takes what :mod:`.messages` describes.

Every message is answered, so that a program learns what was wrong with it and how far ahead it is. One thread receives
and plays; a program that sends without end is slowed down by waiting for its answers, and delays nobody.
"""

from __future__ import annotations

import threading
from collections.abc import Collection
from typing import Any

import zmq

from engine.access import Access
from engine.clock import Clock
from engine.errors import EngineError
from engine.feeds.feeds import Feeds, Key
from engine.publish import LINGER_MS, to_json
from engine.speech.messages import LONGEST_MESSAGE, Sound, decode
from engine.speech.schedule import Schedule

DEFAULT = "tcp://127.0.0.1:5572"
PERIOD_S = 0.01
"""Sound is passed on so often, as by a sound card."""
MOST_A_PERIOD = 32
"""Messages answered in one period."""
_JOIN_S = 10.0
