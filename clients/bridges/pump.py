"""From one subscriber to several bridges, until told to stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from clients.python.waiting import Followed
from clients.python.waiting import Presence as EnginePresence

from .bridge import Bridge
from .poser import Pose, Poser, Presence

RESTING_S, GONE_S = 0.04, 1.0
"""Between two poses that no frame has made: on the way to rest, and once all is at rest."""
LAST_S = 0.1
"""For the last but one pose to be sent."""


def pump(
    subscriber: Followed, bridges: Sequence[Bridge], stop: threading.Event, wait: float, tell: Callable[[str], object]
) -> bool:
    """Hand every pose to every bridge until ``stop`` is set, or the engine was waited for longer than ``wait`` seconds;
    False in that case. What happens on the way is told."""
    presence = EnginePresence(subscriber, wait, tell)
    poser, made, lacking = Poser(time.monotonic()), time.monotonic(), ""
    last = Presence.HERE
    there = True
    for bridge in bridges:
        bridge.start()
    try:
        while not stop.is_set():
            poses = [pose for frame in subscriber.receive(0.02) if (pose := poser.take(frame, time.monotonic()))]
            now = time.monotonic()
            due = GONE_S if last is Presence.GONE else RESTING_S
            if not poses and now - made >= due and (pose := poser.tick(now)) is not None:
                poses = [pose]
            if poses:
                made = now
                offer(bridges, poses[-1])
                if poses[-1].presence is not last:
                    told(poses[-1].presence, last, tell)
                    last = poses[-1].presence
            if (lacks := poser.lacks()) != lacking:
                lacking = lacks
                if lacks:
                    tell(lacks)
            if presence.over():
                there = False
                break
    finally:
        for pose in poser.farewell(time.monotonic()):
            offer(bridges, pose)
            time.sleep(LAST_S)
        for bridge in bridges:
            bridge.close()
        for bridge in bridges:
            bridge.join()
    return there


def offer(bridges: Sequence[Bridge], pose: Pose) -> None:
    """A pose to all of them."""
    for bridge in bridges:
        bridge.offer(pose)


def told(now: Presence, before: Presence, tell: Callable[[str], object]) -> None:
    """Say that the avatar has stopped or goes on."""
    if now is Presence.HERE:
        tell("the avatar moves again")
    elif before is Presence.HERE:
        tell("no new poses (paused, ended, or the model gives none): the avatar goes to rest")
