"""The command line: ``engine serve | demo | set | stats | devices | doctor | assets | bvh``.

Heavy packages are imported by the command that needs them, so that ``engine --help`` answers at once. Whatever a user
can mend arrives as one line on stderr and exit code 2, never as a traceback.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from engine import __version__
from engine.errors import EngineError

if TYPE_CHECKING:
    from engine.serve import Session

PUB, CONTROL = "tcp://127.0.0.1:5570", "tcp://127.0.0.1:5571"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        code = int(options.run(options) or 0)
        sys.stdout.flush()  # here, where a closed pipe is still met by the handler below
        return code
    except EngineError as error:
        print(f"engine {options.command}: {' '.join(str(error).splitlines())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter flushes once more as it ends
        return 141


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong; how it is meant stands in ``--help``."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="engine", description="Faces and bodies that react, served frame by frame.")
    parser.add_argument("--version", action="version", version=f"engine {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)

    serve = commands.add_parser("serve", help="run a bundle and publish its poses until stopped")
    serve.set_defaults(run=_serve)
    serve.add_argument(
        "--source",
        nargs="+",
        metavar=("KIND", "PATH"),
        help="live (microphone and webcam, the default of a bundle that listens), demo (the built-in partner), "
        "file PATH, body FILE.bvh, engine ADDRESS (the body of another engine, by its control address) or none (the "
        "default of a bundle that does not listen)",
    )
    serve.add_argument("--fast", action="store_true", help="as fast as it goes instead of in real time")
    serve.add_argument("--loop", action="store_true", help="play a file again and again")
    serve.add_argument("--mic", metavar="DEVICE", help="microphone by number or part of its name (see engine devices)")
    serve.add_argument("--no-mic", action="store_true", help="watch only")
    serve.add_argument("--camera", type=int, metavar="N", help="webcam number, 0 by default")
    serve.add_argument("--no-camera", action="store_true", help="listen by voice alone")
    serve.add_argument("--no-tracker", action="store_true", help="do not look for a face in a file's picture")
    serve.add_argument("--save", type=Path, metavar="FILE.npz", help="write every published frame at the end")
    _session_options(serve)

    demo = commands.add_parser("demo", help="serve a bundle, with the built-in partner where it listens, and show it")
    demo.set_defaults(run=_demo)
    demo.add_argument(
        "--out", type=Path, default=Path("out"), help="folder for demo.mp4 and demo.png without a display"
    )
    demo.add_argument("--headless", action="store_true", help="write the video even where there is a display")
    _session_options(demo, seconds=20.0)

    change = commands.add_parser("set", help="turn controls of a running engine: engine set nod_rate=1.5 effort=high")
    change.set_defaults(run=_set)
    change.add_argument("values", nargs="+", metavar="NAME=VALUE")
    stats = commands.add_parser("stats", help="print the statistics of a running engine as JSON")
    stats.set_defaults(run=_stats)
    for command in (change, stats):
        command.add_argument("--control", default=CONTROL, metavar="ADDRESS", help=f"default {CONTROL}")

    commands.add_parser("devices", help="list microphones and webcams").set_defaults(run=_devices)
    doctor = commands.add_parser("doctor", help="check bundle, devices, ports and one frame end to end")
    doctor.set_defaults(run=_doctor)
    _session_options(doctor)
    bvh = commands.add_parser("bvh", help="turn a recording (serve --save) into a BVH file")
    bvh.set_defaults(run=_bvh)
    bvh.add_argument("recording", type=Path, metavar="RECORDING.npz")
    bvh.add_argument("out", type=Path, metavar="OUT.bvh")
    bvh.add_argument("--stream", metavar="NAME", help="stream of joint positions, by default the first there is")
    assets = commands.add_parser("assets", help="fetch the face tracker's model file into the cache")
    assets.set_defaults(run=_assets)
    assets.add_argument("path", nargs="?", type=Path, help="take it from this file or folder instead of fetching")
    return parser


def _session_options(parser: argparse.ArgumentParser, seconds: float | None = None) -> None:
    parser.add_argument("--bundle", default="rules", metavar="NAME", help="a bundled model or a bundle's folder")
    parser.add_argument("--pub", default=PUB, metavar="ADDRESS", help=f"where frames go out, default {PUB}")
    parser.add_argument("--control", default=CONTROL, metavar="ADDRESS", help=f"control socket, default {CONTROL}")
    parser.add_argument("--session", type=_count, default=1, metavar="N", help="session number in every frame")
    parser.add_argument("--seed", type=_count, default=0, metavar="N", help="of the model's chance")
    parser.add_argument("--seconds", type=_positive, default=seconds, metavar="S", help="stop after so long")
    parser.add_argument("--monitor", action="store_true", help="publish what the model hears and sees as well")
    parser.add_argument("--provider", default="cpu", metavar="NAME", help="cpu or cuda")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="start value of a control")


def _session(options: argparse.Namespace) -> Session:
    from engine.serve import Session

    return Session(
        bundle=options.bundle,
        pub=options.pub,
        control=options.control,
        number=options.session,
        seed=options.seed,
        seconds=options.seconds,
        fast=getattr(options, "fast", False),
        monitor=options.monitor,
        provider=options.provider,
        controls=_pairs(options.set),
        save=getattr(options, "save", None),
    )


def _serve(options: argparse.Namespace) -> None:
    from engine.bundle import Bundle
    from engine.serve import serve
    from engine.sources.choose import choose

    session = _session(options)
    print(serve(session, choose(options, Bundle.load(session.bundle), _say), _say).table())


def _demo(options: argparse.Namespace) -> int:
    from engine.demo import demo

    return demo(_session(options), options.out, options.headless, _say)


def _set(options: argparse.Namespace) -> None:
    from engine.control import ask

    reply = ask(options.control, {"op": "set", "controls": _pairs(options.values)})
    values = {name: f"{value:g}" for name, value in reply["controls"].items()} | reply["choices"]
    print("  ".join(f"{name}={value}" for name, value in values.items()))


def _stats(options: argparse.Namespace) -> None:
    from engine.control import ask

    print(json.dumps({key: value for key, value in ask(options.control, {"op": "stats"}).items() if key != "ok"}))


def _devices(_: argparse.Namespace) -> None:
    from engine.sources.choose import devices

    print(devices())


def _doctor(options: argparse.Namespace) -> int:
    from engine.doctor import examine

    return examine(_session(options))


def _bvh(options: argparse.Namespace) -> None:
    from engine.body.export import export

    print(export(options.recording, options.out, options.stream))


def _assets(options: argparse.Namespace) -> None:
    from engine.assets import fetch

    print(f"face tracker model: {fetch(options.path)}")


def _pairs(items: Sequence[str]) -> dict[str, str]:
    pairs = {}
    for item in items:
        name, equals, value = item.partition("=")
        if not equals or not name:
            raise EngineError(f"{item!r}: write NAME=VALUE, for example nod_rate=1.5")
        pairs[name] = value
    return pairs


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return value


def _count(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = -1
    if not 0 <= value < 2**32:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number between 0 and 2^32 - 1")
    return value


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
