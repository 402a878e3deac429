"""Logging, as every command sets it up: plain lines for people on stderr, or one JSON object a line for programs.

Modules log under their own names (``logging.getLogger(__name__)``). What a program may want to know goes along as
fields, ``extra={"session": 1, "bundle": "rules"}``, so that nobody has to take a sentence apart. ``--log-level`` is for
the loggers of this project; those of other packages are heard from WARNING on.

Messages hold what strangers wrote: for a terminal they are cleaned (:func:`engine.errors.clean`), and JSON escapes all
that is not ASCII. With ``queued`` a thread of its own writes: whoever logs, the frame loop among them, never waits for
a terminal. What finds no room in the queue is dropped, and counted in a line of its own. What nobody can read any more
is dropped as well (:mod:`engine.stdio`).
"""

from __future__ import annotations

import argparse
import atexit
import copy
import json
import logging
import math
import queue
import sys
import threading
from datetime import UTC, datetime
from logging.handlers import QueueHandler
from typing import Any

from engine.errors import clean
from engine.stdio import ErrorStream, stand_in

LEVELS = ("debug", "info", "warning", "error")
OURS = ("engine", "models", "train", "export", "clients", "benchmarks", "__main__")
MOST_WAITING = 1000
"""Records that may wait to be written. Drop rule: a new one that finds no room goes."""
CLOSE_S = 2.0
"""For which closing waits at most until all is written."""
LONGEST = 2000
_COMMAND = "command"
_PLAIN = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName", _COMMAND}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``--log-level`` and ``--log-json``."""
    parser.add_argument(
        "--log-level", choices=LEVELS, default="info", help="how much is told on stderr besides answers, default info"
    )
    parser.add_argument("--log-json", action="store_true", help="one JSON object a line: time, level, logger, message")


def set_up(options: argparse.Namespace, queued: bool = False) -> Logs:
    """Log as ``options`` say (without :func:`add_arguments`: plainly, from INFO on), until the answer is closed or the
    process ends; it can be used in a ``with``. Closed standard streams are stood in for (:mod:`engine.stdio`)."""
    stand_in()
    return Logs(getattr(options, "log_level", "info"), getattr(options, "log_json", False), queued)


def refused(command: str, error: Exception) -> None:
    """Log in one line why ``command`` could not be done; people read it as ``command: reason``."""
    logging.getLogger("engine").error(" ".join(str(error).split()), extra={_COMMAND: command})


def interactive() -> bool:
    """Whether a progress bar may be drawn on stderr: it is a terminal, read by people who want to hear of progress."""
    now = Logs._now
    plain = now is None or not now.as_json
    return (
        plain
        and sys.stderr is not None
        and sys.stderr.isatty()
        and logging.getLogger("engine").isEnabledFor(logging.INFO)
    )


class Logs:
    """The one handler of this process, on the root logger; a second one takes the place of the first."""

    _now: Logs | None = None

    def __init__(self, level: str = "info", as_json: bool = False, queued: bool = False) -> None:
        if Logs._now is not None:
            Logs._now.close()
        self.as_json = as_json
        shown = logging.StreamHandler(ErrorStream() if ErrorStream.fits(sys.stderr) else sys.stderr)
        shown.setFormatter(JsonFormatter() if as_json else LineFormatter())
        self._writer = _Writer(shown) if queued else None
        self._handler: logging.Handler = shown if self._writer is None else self._writer.handler
        self._levels = {name: logging.getLogger(name).level for name in OURS}
        for name in OURS:
            logging.getLogger(name).setLevel(level.upper())
        logging.getLogger().addHandler(self._handler)
        Logs._now = self
        atexit.register(self.close)

    def close(self) -> None:
        """Write what waits, and log no more; safe to call twice."""
        if Logs._now is not self:
            return
        Logs._now = None
        atexit.unregister(self.close)
        logging.getLogger().removeHandler(self._handler)
        for name, level in self._levels.items():
            logging.getLogger(name).setLevel(level)
        if self._writer is not None:
            self._writer.close()

    def __enter__(self) -> Logs:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class LineFormatter(logging.Formatter):
    """A line: the message, with its level from WARNING on; a traceback follows indented."""

    def format(self, record: logging.LogRecord) -> str:
        """Text without anything that moves a terminal."""
        head = getattr(record, _COMMAND, record.levelname.lower() if record.levelno >= logging.WARNING else "")
        lines = [f"{head}: {_one_line(record)}" if head else _one_line(record)]
        for line in _traceback(record).splitlines():
            bare = line.lstrip(" ")
            lines.append(f"  {' ' * (len(line) - len(bare))}{clean(bare, LONGEST)}")
        return "\n".join(lines)


class JsonFormatter(logging.Formatter):
    """A JSON object: ``time`` (UTC, ISO 8601, ms), ``level``, ``logger``, ``message`` and the record's fields."""

    def format(self, record: logging.LogRecord) -> str:
        """One line of ASCII."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        told: dict[str, Any] = {"time": time, "level": record.levelname.lower(), "logger": record.name}
        told["message"] = record.getMessage()
        told |= {name: _plain(value) for name, value in vars(record).items() if name not in _PLAIN and name not in told}
        told |= {"traceback": found} if (found := _traceback(record)) else {}
        return json.dumps(told, allow_nan=False)


class _Queued(QueueHandler):
    """Puts records into a queue of bounded length and never waits."""

    dropped = 0

    def enqueue(self, record: logging.LogRecord) -> None:
        try:
            self.queue.put_nowait(record)
        except queue.Full:
            self.dropped += 1

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        """The record as text: what it was made of may change before it is written."""
        made = copy.copy(record)
        made.exc_text = _traceback(record)
        made.msg, made.args, made.exc_info = record.getMessage(), None, None
        return made


class _Writer:
    """The thread that takes records from the queue to ``shown``. It alone uses that, and without its lock: logging
    takes every handler's lock when the process ends, and this thread may never come back from a terminal."""

    def __init__(self, shown: logging.Handler) -> None:
        self._shown = shown
        self._queue: queue.Queue[logging.LogRecord | None] = queue.Queue(MOST_WAITING)
        self.handler = _Queued(self._queue)
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Write what waits and end, unless nobody takes it for :data:`CLOSE_S`."""
        try:
            self._queue.put(None, timeout=CLOSE_S)
        except queue.Full:
            return
        self._thread.join(CLOSE_S)

    def _run(self) -> None:
        told = 0
        while (record := self._queue.get()) is not None:
            self._shown.emit(record)
            if (dropped := self.handler.dropped) != told:
                text = f"{dropped - told} messages were left out: whatever reads this log is too slow"
                self._shown.emit(logging.makeLogRecord({"name": __name__, "msg": text, **_WARNING}))
                told = dropped


_WARNING = {"levelno": logging.WARNING, "levelname": "WARNING"}


def _one_line(record: logging.LogRecord) -> str:
    return clean(record.getMessage(), LONGEST)


def _traceback(record: logging.LogRecord) -> str:
    if record.exc_info and not record.exc_text:
        return logging.Formatter().formatException(record.exc_info)
    return record.exc_text or ""


def _plain(value: Any) -> Any:
    """A field's value as JSON has it."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return str(value)
