"""The command line: ``engine serve | demo | set | stats | devices | doctor | replay | bvh | keys | assets``.

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
    from engine.serve import ServeOptions

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
    serve.add_argument(
        "--speech",
        nargs="+",
        metavar=("KIND", "PATH"),
        help="what the avatar itself says: file PATH [WORDS.json or .vtt], mic DEVICE (a loopback device) or net ADDRESS "
        "(a speech program sends sound, words and whether it speaks)",
    )
    serve.add_argument("--save", type=Path, metavar="FILE.npz", help="write every published frame as one array file")
    serve.add_argument("--record", type=Path, metavar="FILE.mcap", help="write inputs and outputs as the session goes")
    serve.add_argument("--listen", default="", metavar="HOST:PORT", help="let sessions come over the network")
    serve.add_argument("--capacity", type=_capacity, default=16, metavar="N", help="sessions at most, default 16")
    serve.add_argument(
        "--window", type=_positive, default=4.0, metavar="MS", help="how long a frame waits for others, default 4"
    )
    serve.add_argument("--idle", type=_positive, default=30.0, metavar="S", help="close silent sessions, default 30")
    serve.add_argument(
        "--head", choices=("face", "body"), default="face", help="with two bundles: which of them moves the head"
    )
    _session_options(serve)

    demo = commands.add_parser("demo", help="serve a bundle, with the built-in partner where it listens, and show it")
    demo.set_defaults(run=_demo)
    demo.add_argument(
        "--out", type=Path, default=Path("out"), help="folder for demo.mp4 and demo.png without a display"
    )
    demo.add_argument("--headless", action="store_true", help="write the video even where there is a display")
    _session_options(demo, seconds=20.0)

    change = commands.add_parser(
        "set", help='turn controls of a running engine: engine set nod_rate=1.5 effort=high prompt="wave"'
    )
    change.set_defaults(run=_set)
    change.add_argument("values", nargs="+", metavar="NAME=VALUE", help="NAME=auto lets it follow by itself again")
    stats = commands.add_parser("stats", help="print the statistics of a running engine as JSON")
    stats.set_defaults(run=_stats)
    for command in (change, stats):
        command.add_argument("--control", default=CONTROL, metavar="ADDRESS", help=f"default {CONTROL}")
        command.add_argument("--token", default="", help="of the engine's token file, where it has one")

    commands.add_parser("devices", help="list microphones and webcams").set_defaults(run=_devices)
    doctor = commands.add_parser("doctor", help="check bundle, devices, ports and one frame end to end")
    doctor.set_defaults(run=_doctor)
    _session_options(doctor)
    replay = commands.add_parser("replay", help="run a recording (serve --record) again and compare, byte for byte")
    replay.set_defaults(run=_replay)
    replay.add_argument("recording", type=Path, metavar="RECORDING.mcap")
    replay.add_argument("--bundle", metavar="NAME", help="the bundle to run, by default the one that was recorded")
    keys = commands.add_parser("keys", help="make a key pair for encrypted sockets")
    keys.set_defaults(run=_keys)
    keys.add_argument("folder", type=Path)
    bvh = commands.add_parser("bvh", help="turn a recording (serve --record) into a BVH file")
    bvh.set_defaults(run=_bvh)
    bvh.add_argument("recording", type=Path, metavar="RECORDING.mcap")
    bvh.add_argument("out", type=Path, metavar="OUT.bvh")
    bvh.add_argument("--stream", metavar="NAME", help="stream of joint positions, by default the first there is")
    assets = commands.add_parser("assets", help="fetch the face tracker's model file into the cache")
    assets.set_defaults(run=_assets)
    assets.add_argument("path", nargs="?", type=Path, help="take it from this file or folder instead of fetching")
    return parser


def _session_options(parser: argparse.ArgumentParser, seconds: float | None = None) -> None:
    parser.add_argument(
        "--bundle",
        nargs="+",
        default=["rules"],
        metavar="NAME",
        help="bundled models or bundles' folders, side by side",
    )
    parser.add_argument("--pub", default=PUB, metavar="ADDRESS", help=f"where frames go out, default {PUB}")
    parser.add_argument("--control", default=CONTROL, metavar="ADDRESS", help=f"control socket, default {CONTROL}")
    parser.add_argument("--session", type=_count, default=1, metavar="N", help="session number in every frame")
    parser.add_argument("--seed", type=_count, default=0, metavar="N", help="of the model's chance")
    parser.add_argument("--seconds", type=_positive, default=seconds, metavar="S", help="stop after so long")
    parser.add_argument("--monitor", action="store_true", help="publish what the model hears and sees as well")
    parser.add_argument("--runtime", default="onnx:cpu", metavar="NAME", help="onnx:cpu (default) or onnx:cuda")
    parser.add_argument("--keys", type=Path, metavar="FOLDER", help="encrypt the sockets (see engine keys)")
    parser.add_argument("--tokens", type=Path, metavar="FILE", help="who may do what: a token and its rights a line")
    parser.add_argument("--insecure", action="store_true", help="bind beyond this machine without keys or tokens")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="start value of a control")


def _serve_options(options: argparse.Namespace, local: bool = True) -> ServeOptions:
    from engine.access import Access
    from engine.serve import ServeOptions

    return ServeOptions(
        bundles=tuple(options.bundle),
        pub=options.pub,
        control=options.control,
        number=options.session,
        seed=options.seed,
        seconds=options.seconds,
        fast=getattr(options, "fast", False),
        monitor=options.monitor,
        where=options.runtime,
        controls=_pairs(options.set),
        record=getattr(options, "record", None),
        save=getattr(options, "save", None),
        local=local,
        listen=getattr(options, "listen", ""),
        capacity=getattr(options, "capacity", 1),
        window_ms=getattr(options, "window", 0.0),
        idle_s=getattr(options, "idle", 0.0),
        head=getattr(options, "head", "face"),
        access=Access.of(options.keys, options.tokens, options.insecure),
    )


def _serve(options: argparse.Namespace) -> None:
    from engine.bundle import Bundle
    from engine.serve import serve
    from engine.sources.choose import choose

    local = not options.listen or options.source is not None
    asked = _serve_options(options, local)
    sources = choose(options, [Bundle.load(name) for name in asked.bundles], _say) if local else []
    stats = serve(asked, sources, _say)
    if local:
        print(stats.table())


def _demo(options: argparse.Namespace) -> int:
    from engine.demo import demo

    return demo(_serve_options(options), options.out, options.headless, _say)


def _set(options: argparse.Namespace) -> None:
    from engine.control import ask

    reply = ask(options.control, {"op": "set", "controls": _pairs(options.values), "token": options.token})
    values = {name: _shown(value) for name, value in reply["controls"].items()} | reply["choices"]
    values |= {name: repr(text["pending"] or text["text"]) for name, text in reply.get("texts", {}).items()}
    print("  ".join(f"{name}={value}" for name, value in values.items()))


def _stats(options: argparse.Namespace) -> None:
    from engine.control import ask

    request = {"op": "stats", "token": options.token}
    print(json.dumps({key: value for key, value in ask(options.control, request).items() if key != "ok"}))


def _devices(_: argparse.Namespace) -> None:
    from engine.sources.choose import devices

    print(devices())


def _doctor(options: argparse.Namespace) -> int:
    from engine.doctor import examine

    return examine(_serve_options(options))


def _replay(options: argparse.Namespace) -> int:
    from engine.record.command import replay_command

    return replay_command(options.recording, options.bundle)


def _keys(options: argparse.Namespace) -> None:
    from engine.access import make_keys

    print(make_keys(options.folder))


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


def _shown(value: object) -> str:
    return ",".join(f"{part:g}" for part in value) if isinstance(value, (list, tuple)) else f"{value:g}"


def _capacity(text: str) -> int:
    value = _count(text)
    if not 1 <= value <= 1024:
        raise argparse.ArgumentTypeError(f"{text!r}: give 1 to 1024 sessions")
    return value


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
