"""``python -m clients.bridges vmc://127.0.0.1:39539 [URL ...]``: an engine's avatar in programs that people have."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from clients.python.following import Visit, add_session
from clients.python.subscriber import Subscriber, connectable
from clients.python.terminal import complain, prepare
from clients.python.waiting import seconds

from .address import parse
from .kinds import check, made
from .pump import pump


def main() -> int:
    """The exit status: 2 for what cannot be begun as it was asked for, 1 where the engine was waited for in vain."""
    prepare()
    options = _parser().parse_args()
    try:
        addresses = [parse(url) for url in options.url]
        for address in addresses:
            check(address)
        if len(set(map(str, addresses))) < len(addresses):
            raise ValueError("two bridges to one address; give each address once")
    except ValueError as error:
        return _refused(error)
    if options.check:
        return 0
    stop, begun = threading.Event(), threading.Event()
    _ended_by(stop, begun, options.attached)
    lock = threading.Lock()  # bridges have threads of their own; a line stays a line

    def tell(words: str) -> None:
        with lock:
            complain(words)

    bridges = [made(address, tell) for address in addresses]
    try:
        frames = _frames(options, tell)
    except ValueError as error:
        return _refused(error)
    except ConnectionError as error:
        complain(f"error: {error}")
        return 1
    with frames:
        begun.set()
        place = options.session if isinstance(options.session, str) else options.connect
        tell(f"{place} to {', '.join(map(str, addresses))}")
        try:
            return 0 if pump(frames, bridges, stop, options.wait, tell) else 1
        except ConnectionError as error:  # a session that cannot be opened again
            tell(f"error: {error}")
            return 1


def _frames(options: argparse.Namespace, tell: Callable[[str], None]) -> Subscriber | Visit:
    """Those of an engine, of one of its sessions, or of a session of one's own."""
    if isinstance(options.session, str):
        return Visit(options, tell, options.wait)
    pub = connectable(options.connect, "tcp://127.0.0.1:0")
    return Subscriber(pub, options.session, latest=True, keys=options.keys)


def _refused(error: ValueError) -> int:
    complain(f"error: {error}")
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m clients.bridges", description=__doc__)
    parser.add_argument("url", nargs="+", metavar="URL", help="vmc://, livelink://, ifacialmocap:// or vts://HOST:PORT")
    parser.add_argument(
        "--connect", default="tcp://127.0.0.1:5570", metavar="ENDPOINT", help="where the engine's frames go out"
    )
    add_session(parser, numbered=True)
    parser.add_argument(
        "--wait",
        type=seconds,
        default=float("inf"),
        metavar="S",
        help="end where no engine is there, or comes back, for so long; default: wait for ever",
    )
    parser.add_argument("--keys", type=Path, metavar="FOLDER", help="a client's keys, where the engine has some")
    parser.add_argument("--token", default="", help="one that may open a session, where the engine has tokens")
    parser.add_argument("--check", action="store_true", help="only say whether the URLs are right and can be served")
    parser.add_argument(
        "--attached", action="store_true", help="end when standard input does, as of a program that started this one"
    )
    return parser


def _ended_by(stop: threading.Event, begun: threading.Event, attached: bool) -> None:
    """SIGTERM and Ctrl-C end it, a second one, or one before it has begun, at once; attached, the end of standard
    input, and no Ctrl-C, which the terminal sends to the program that started this one as well."""

    def end(*_: object) -> None:
        if stop.is_set() or not begun.is_set():
            sys.exit(int(stop.is_set()))
        stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, signal.SIG_IGN if attached else end)
    if attached:
        threading.Thread(target=_wait_for_end, args=(stop,), name="attached", daemon=True).start()


def _wait_for_end(stop: threading.Event) -> None:
    with contextlib.suppress(OSError):  # by the descriptor: a buffer's lock would hold up the end of the program
        while os.read(0, 4096):
            pass
    stop.set()


if __name__ == "__main__":
    sys.exit(main())
