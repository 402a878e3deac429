"""Calls into a sound library that wants one thread alone, and whose calls may never return.

They are made one after the other in a thread of their own, and each is waited for so long and no longer. One that hangs
is left behind with its thread, which does not hold up the end of the process; those after it go to another.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from itertools import count
from queue import SimpleQueue
from typing import Any, TypeVar

from engine.errors import EngineError, clean, reason

_Given = TypeVar("_Given")


class Calls:
    """Makes calls one after the other in a thread; behind one that hangs, in another."""

    _number = count(1)

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: SimpleQueue[tuple[Callable[[], Any], Future[Any]]] | None = None

    def __call__(
        self,
        what: str,
        do: Callable[[], _Given],
        seconds: float,
        undo: Callable[[_Given], object] | None = None,
    ) -> _Given:
        """What ``do()`` gives. Raises :class:`EngineError` where it fails, or takes longer than ``seconds``; what it
        gives then goes to ``undo``."""
        answer: Future[_Given] = Future()
        with self._lock:
            if self._waiting is None:
                self._waiting = SimpleQueue()
                name = f"portaudio {next(self._number)}"
                threading.Thread(target=_work, args=(self._waiting,), name=name, daemon=True).start()
            used = self._waiting
            used.put((do, answer))
        if not wait([answer], seconds).done:
            with self._lock:
                if self._waiting is used:
                    self._waiting = None
            if not answer.cancel() and undo is not None:
                answer.add_done_callback(lambda late: None if late.exception() else undo(late.result()))
            raise EngineError(f"{what}: the sound system gives no answer for {seconds:g} s; restart it")
        try:
            return answer.result()
        except EngineError:
            raise
        except Exception as error:
            raise EngineError(_words(error)) from error


def _work(waiting: SimpleQueue[tuple[Callable[[], Any], Future[Any]]]) -> None:
    while True:
        do, answer = waiting.get()
        if not answer.set_running_or_notify_cancel():
            continue
        try:
            given = do()
        except BaseException as error:  # the caller's to hear of
            answer.set_exception(error)
        else:
            answer.set_result(given)
        del do, answer


def _words(error: Exception) -> str:
    """What PortAudio said, whose text need not be UTF-8 either."""
    if isinstance(error, UnicodeDecodeError):
        return clean(bytes(error.object).decode("utf-8", "replace"))
    return reason(error)
