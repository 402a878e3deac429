"""What the command line takes: every command with its options, and how numbers among them are read."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NoReturn

from engine import __version__, logs
from engine.person import PERSONS

PUB, CONTROL = "tcp://127.0.0.1:5570", "tcp://127.0.0.1:5571"
BUNDLE = "reaction"
PAGE = "127.0.0.1:8080"
PICTURES = 4


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong; how it is meant stands in ``--help``."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def parser() -> argparse.ArgumentParser:
    """Of all commands; ``command`` is the one that was named."""
    whole = _Parser(prog="engine", description="Faces and bodies that react, served frame by frame.")
    whole.add_argument("--version", action="version", version=f"engine {__version__}")
    commands = whole.add_subparsers(dest="command", required=True)

    serve = commands.add_parser("serve", help="run a bundle and publish its poses until stopped")
    serve.add_argument(
        "--config", type=Path, metavar="FILE.yaml", help="settings as `engine config --explain` shows them"
    )
    serve.add_argument(
        "--source",
        nargs="+",
        metavar=("KIND", "PATH"),
        help="live (microphone and webcam, the default of a bundle that listens), demo (the built-in partner), "
        "file PATH (or the address of a stream: rtsp://, http://, udp://), "
        "body FILE.bvh, engine ADDRESS (the body of another engine, by its control address) or none (the "
        "default of a bundle that does not listen)",
    )
    serve.add_argument("--fast", action="store_true", help="as fast as it goes instead of in real time")
    serve.add_argument("--loop", action="store_true", help="play a file again and again")
    serve.add_argument(
        "--track",
        nargs="+",
        metavar="KIND=WHICH",
        help="which of several tracks of a file: audio=2 video=1, by number, language or part of the title",
    )
    serve.add_argument(
        "--follow", action="store_true", help="the file is still being written: wait at its end until no more comes"
    )
    serve.add_argument("--unit", metavar="U", help="of a body file: metres per unit, or cm, m, mm, in, ft")
    serve.add_argument("--up", choices=("y", "z"), help="which way is up in a body file; found where not given")
    serve.add_argument("--mic", metavar="DEVICE", help="microphone by number or part of its name (see engine devices)")
    serve.add_argument("--no-mic", action="store_true", help="watch only")
    serve.add_argument(
        "--camera",
        metavar="DEVICE",
        help="webcam number (0 by default), part of its name (Linux), device path (/dev/video2), address (rtsp://, "
        "http://), or a region of the screen (screen, screen:2, screen:X,Y,WIDTHxHEIGHT)",
    )
    serve.add_argument(
        "--person",
        choices=PERSONS,
        help="whose face is followed where a picture shows several: the largest (default), or whoever is left, right "
        "or middle in it at the start",
    )
    serve.add_argument("--no-camera", action="store_true", help="listen by voice alone")
    serve.add_argument("--no-tracker", action="store_true", help="do not look for a face in a file's picture")
    serve.add_argument(
        "--speech",
        nargs="+",
        metavar=("KIND", "PATH"),
        help="what the avatar itself says: PATH [WORDS] (a sound file, and its words as .json, .TextGrid, .csv, .vtt "
        "or .srt; those beside it by its name are found), mic DEVICE (a loopback device) or net HOST:PORT (a speech "
        "program sends sound, words and whether it speaks)",
    )
    serve.add_argument(
        "--words",
        nargs="+",
        default=(),
        metavar=("HOW", "MODEL"),
        help="where the words of --speech come from: beside (files beside a sound file, the default), none, "
        "pocketsphinx (hears them; of a sound file with a .txt beside it finds when its words are said) or "
        "whisper [MODEL]",
    )
    serve.add_argument("--save", type=Path, metavar="FILE.npz", help="write every published frame as one array file")
    serve.add_argument("--record", type=Path, metavar="FILE.mcap", help="write inputs and outputs as the session goes")
    serve.add_argument("--listen", default="", metavar="HOST:PORT", help="let sessions come over the network")
    serve.add_argument(
        "--web",
        nargs="?",
        const=PAGE,
        metavar="HOST:PORT",
        help=f"open a page that listens, in your browser (default {PAGE}); sessions come in there as with --listen",
    )
    serve.add_argument(
        "--no-browser", dest="browser", action="store_false", help="with --web: only say where the page is"
    )
    serve.add_argument(
        "--pictures",
        nargs="?",
        type=_capacity,
        const=PICTURES,
        metavar="N",
        help="visitors may send camera pictures, in which the engine looks for their face (off by default; the page "
        f"finds it by itself), for N of them at a time (default {PICTURES}); no picture is kept; extra [tracker]",
    )
    serve.add_argument("--capacity", type=_capacity, default=16, metavar="N", help="sessions at most, default 16")
    serve.add_argument(
        "--window", type=_window, default=4.0, metavar="MS", help="how long a frame waits for others, default 4"
    )
    serve.add_argument("--idle", type=_positive, default=30.0, metavar="S", help="close silent sessions, default 30")
    serve.add_argument(
        "--drain",
        type=_seconds,
        default=0.0,
        metavar="S",
        help="when stopped, take no new network sessions and let those that are there go on for so long, default 0",
    )
    serve.add_argument("--origin", action="append", default=[], metavar="URL", help="a web page that may open sessions")
    serve.add_argument(
        "--head", choices=("face", "body"), default="face", help="with two bundles: which of them moves the head"
    )
    serve.add_argument(
        "--raw-sound", action="store_true", help="leave sound as it is: no correction of level, hum, offset, polarity"
    )
    serve.add_argument(
        "--echo",
        choices=("gate", "say", "off"),
        default="say",
        help="where the partner's microphone hears the avatar's own voice: say so (the default), hold it back as well "
        "(gate), or do not look for it (off); for bundles that hear both voices",
    )
    _bridges(serve)
    _session_options(serve)
    logs.add_arguments(serve)

    demo = commands.add_parser("demo", help="serve a bundle, with the built-in partner where it listens, and show it")
    demo.add_argument(
        "--out", type=Path, default=Path("out"), help="folder for demo.mp4 and demo.png without a display"
    )
    demo.add_argument("--headless", action="store_true", help="write the video even where there is a display")
    _bridges(demo)
    _session_options(demo, seconds=20.0)
    logs.add_arguments(demo)

    change = commands.add_parser(
        "set", help='turn controls of a running engine: engine set nod_rate=1.5 effort=high prompt="wave"'
    )
    change.add_argument(
        "values",
        nargs="*",
        metavar="NAME=VALUE",
        help="NAME=auto lets it follow by itself again, NAME=none takes a text, or what is held in words, away",
    )
    change.add_argument(
        "--file",
        type=Path,
        metavar="FILE.json",
        help='also what stands in this file, an object of names and values: {"prompt": "walk", "mood": "happy"}',
    )
    listed = commands.add_parser("controls", help="list the controls of a running engine, or all that one may be")
    listed.add_argument("name", nargs="?", metavar="NAME", help="of the control")
    listed.add_argument("words", nargs="*", metavar="WORD", help="only what has these words in its name: left elbow")
    wish = commands.add_parser("ask", help="let a language model turn a wish into settings of a running engine")
    wish.add_argument("wish", metavar="WISH", help='in your own words: "raise your left hand for two seconds"')
    wish.add_argument(
        "--endpoint", required=True, metavar="ADDRESS", help="OpenAI-compatible, e.g. http://127.0.0.1:8000/v1"
    )
    wish.add_argument("--model", required=True, metavar="NAME", help="which of its models")
    wish.add_argument("--key-env", metavar="VAR", help="environment variable that holds its key")
    which = wish.add_mutually_exclusive_group()
    which.add_argument("--hold", dest="which", action="store_const", const="hold", help="set postures only")
    which.add_argument("--fields", dest="which", action="store_const", const="fields", help="set texts only")
    wish.set_defaults(which="all")
    wish.add_argument("--timeout", type=_positive, default=60.0, metavar="S", help="for an answer, default 60")
    wish.add_argument("--insecure", action="store_true", help="ask another machine without encryption (http://)")
    stats = commands.add_parser("stats", help="print the statistics of a running engine as JSON")
    for command in (change, listed, wish, stats):
        command.add_argument("--control", default=CONTROL, metavar="ADDRESS", help=f"default {CONTROL}")
        command.add_argument("--token", default="", help="of the engine's token file, where it has one")
        command.add_argument("--keys", type=Path, metavar="FOLDER", help="a client's keys, where the engine has keys")

    config = commands.add_parser("config", help="explain the settings of serve --config, or check a file of them")
    config.add_argument("file", nargs="?", type=Path, metavar="FILE.yaml", help="is checked; what it sets is told")
    config.add_argument("--explain", action="store_true", help="every setting with its default and what it means")
    commands.add_parser("devices", help="list microphones and webcams")
    doctor = commands.add_parser(
        "doctor", help="why does my avatar not move? checks this machine, or the engine that runs"
    )
    doctor.add_argument("--json", action="store_true", help="one JSON object a part")
    doctor.add_argument("--token", default="", help="of the engine's token file, where one runs that has one")
    doctor.add_argument("--mic", metavar="DEVICE", help="the microphone that is listened to, by number or name")
    _session_options(doctor)
    logs.add_arguments(doctor)
    doctor.set_defaults(log_level="warning")  # its findings are what it says
    replay = commands.add_parser("replay", help="run a recording (serve --record) again and compare, byte for byte")
    replay.add_argument("recording", type=Path, metavar="RECORDING.mcap")
    replay.add_argument("--bundle", metavar="NAME", help="the bundle to run, by default the one that was recorded")
    logs.add_arguments(replay)
    keys = commands.add_parser("keys", help="make a key pair for encrypted sockets")
    keys.add_argument("folder", type=Path)
    bvh = commands.add_parser("bvh", help="turn a recording (serve --record) into a BVH file")
    bvh.add_argument("recording", type=Path, metavar="RECORDING.mcap")
    bvh.add_argument("out", type=Path, metavar="OUT.bvh")
    bvh.add_argument("--stream", metavar="NAME", help="stream of joint positions, by default the first there is")
    bvh.add_argument(
        "--for",
        dest="program",
        choices=("blender", "motionbuilder", "mixamo", "unity"),
        default="blender",
        help="whose names and channels: blender (the skeleton's own names, default), motionbuilder (HIK's names, six "
        "channels on every joint), mixamo (mixamorig:Hips ...) or unity (Humanoid's names)",
    )
    foxglove = commands.add_parser(
        "foxglove", help="turn a recording (serve --record) into one that Foxglove and rerun open"
    )
    foxglove.add_argument("recording", type=Path, metavar="RECORDING.mcap")
    foxglove.add_argument("out", type=Path, metavar="OUT.mcap")
    assets = commands.add_parser("assets", help="fetch the face tracker's model file into the cache")
    assets.add_argument(
        "--web", action="store_true", help="fetch what the page (serve --web) needs to see faces, besides that model"
    )
    assets.add_argument("path", nargs="?", type=Path, help="take it from this file or folder instead of fetching")
    return whole


def serve_parser() -> argparse.ArgumentParser:
    """Of ``engine serve`` alone: its options, without the name of the command."""
    commands = next(one for one in parser()._actions if isinstance(one, argparse._SubParsersAction))
    found: argparse.ArgumentParser = commands.choices["serve"]
    return found


def _bridges(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--bridge",
        action="append",
        default=[],
        metavar="URL",
        help="hand the avatar on to a program: vmc://HOST:PORT (VSeeFace, Warudo ...), livelink:// (Unreal), "
        "ifacialmocap:// or vts:// (VTube Studio); may be given several times",
    )


def _session_options(parser: argparse.ArgumentParser, seconds: float | None = None) -> None:
    parser.add_argument(
        "--bundle",
        nargs="+",
        default=[BUNDLE],
        metavar="NAME",
        help=f"bundled models or bundles' folders, side by side (default {BUNDLE})",
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


def _capacity(text: str) -> int:
    value = _count(text)
    if not 1 <= value <= 1024:
        raise argparse.ArgumentTypeError(f"{text!r}: give 1 to 1024 sessions")
    return value


def _window(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1000.0:
        raise argparse.ArgumentTypeError(f"{text!r}: give 0 to 1000 milliseconds")
    return value


def _seconds(text: str) -> float:
    return 0.0 if text in ("0", "0.0") else _positive(text)


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
