"""Faces and bodies that react, frame by frame. Two ways to use it in a program of your own:

- ``engine.open("reaction")``: a model, run over arrays as fast as it goes (:class:`engine.api.offline.Model`);
- ``engine.live("reaction")``: a session in real time, to which sound and faces are pushed or which opens a microphone
  (:class:`engine.api.live.Live`).

Live sessions and ``engine.read_audio`` hear through a front end (:class:`engine.sound.front_end.FrontEnd`: level, hum,
offset, channels). Sound that comes to a model of ``engine.open`` from elsewhere is put through ``engine.FrontEnd()`` by
whoever brings it. ``examples/`` shows both. What cannot be done raises :class:`EngineError`, which says in words what
to change. Nothing heavy is imported before it is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.api.live import Live, LiveFrame, live
    from engine.api.offline import Model, open, read_audio
    from engine.errors import EngineError
    from engine.sound.front_end import FrontEnd

__version__ = "0.1.0"
__all__ = ["EngineError", "FrontEnd", "Live", "LiveFrame", "Model", "__version__", "live", "open", "read_audio"]

_PLACES = {
    "EngineError": "engine.errors",
    "FrontEnd": "engine.sound.front_end",
    "Live": "engine.api.live",
    "LiveFrame": "engine.api.live",
    "Model": "engine.api.offline",
    "live": "engine.api.live",
    "open": "engine.api.offline",
    "read_audio": "engine.api.offline",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'engine' has no attribute {name!r}")
    return getattr(importlib.import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
