"""The command line: ``engine serve | demo | set | controls | ask | stats | config | devices | doctor | replay | bvh |
foxglove | keys | assets``.

Heavy packages are imported by the command that needs them, so that ``engine --help`` answers at once. Whatever a user
can mend arrives as one line on stderr and exit code 2, never as a traceback. Answers go to stdout, all else to the log.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine import logs, stdio
from engine.cli_parser import parser
from engine.errors import EngineError, reason

if TYPE_CHECKING:
    from engine.serve import ServeOptions, Serving

_LONGEST_VALUES = 16 * 1024
"""Bytes of a file of settings; a request to an engine is no longer."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    stdio.stand_in()
    try:
        return _run(arguments)
    finally:
        try:
            sys.stdout.flush()
        except (OSError, ValueError):  # what nobody reads, a help page among it, is no error when the process ends
            stdio.forget_stdout()


def _run(arguments: Sequence[str] | None) -> int:
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = parser().parse_args(given)
    name = f"engine {options.command}"
    try:
        options = _with_file(options, given)
    except EngineError as error:
        with logs.set_up(options):
            logs.refused(name, error)
        return 2
    with logs.set_up(options, queued=options.command in ("serve", "demo")):
        try:
            code = int(COMMANDS[options.command](options) or 0)
            sys.stdout.flush()  # here, where a closed pipe is still met by the handlers below
            return code
        except EngineError as error:
            logs.refused(name, error)
            return 2
        except KeyboardInterrupt:
            return 130
        except BrokenPipeError:
            stdio.forget_stdout()
            return 141
        except OSError as error:
            if error.filename is not None:
                raise
            logs.refused(name, EngineError(f"the answer cannot be written: {error.strerror}; send it elsewhere"))
            stdio.forget_stdout()
            return 2


def _with_file(options: argparse.Namespace, given: list[str]) -> argparse.Namespace:
    """The options together with those of ``--config``, if there is one; those given on the command line win."""
    path = getattr(options, "config", None)
    if path is None:
        return options
    from engine.configuration import arguments

    return parser().parse_args([given[0], *arguments(path), *given[1:]])


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
        listen=_listens(options),
        web=getattr(options, "web", None) is not None,
        pictures=_pictures(options),
        capacity=getattr(options, "capacity", 1),
        window_ms=getattr(options, "window", 0.0),
        idle_s=getattr(options, "idle", 0.0),
        drain_s=getattr(options, "drain", 0.0),
        origins=tuple(getattr(options, "origin", ())),
        head=getattr(options, "head", "face"),
        raw_sound=getattr(options, "raw_sound", False),
        echo=getattr(options, "echo", "say"),
        access=Access.of(options.keys, options.tokens, options.insecure),
        bridges=tuple(getattr(options, "bridge", ())),
        keys=options.keys,
    )


def _serve(options: argparse.Namespace) -> None:
    from engine.bundle import Bundle
    from engine.serve import serve
    from engine.sources.choose import choose

    local = not _listens(options) or options.source is not None
    asked = _serve_options(options, local)
    sources = choose(options, [Bundle.load(name) for name in asked.bundles]) if local else []
    stats = serve(asked, sources, _show_page if asked.web and options.browser else None)
    if local:
        stdio.tell(stats.table())


def _listens(options: argparse.Namespace) -> str:
    """Where network sessions come in: --web and --listen open the same door."""
    listen, page = str(getattr(options, "listen", "")), getattr(options, "web", None)
    if listen and page is not None:
        raise EngineError(f"--web {page} and --listen {listen}: the page's server takes sessions too; give --web alone")
    return listen if page is None else str(page)


def _pictures(options: argparse.Namespace) -> int:
    """Of how many sessions at a time pictures are looked at."""
    most = getattr(options, "pictures", None) or 0
    if most and not _listens(options):
        raise EngineError("--pictures: they come over the network; give --web, or --listen, as well")
    return int(most)


def _show_page(serving: Serving) -> None:
    """Open the page in this machine's browser, where there is a display to show it on."""
    import webbrowser

    from engine.serve import page_address

    screens = ("DISPLAY", "WAYLAND_DISPLAY")
    if sys.platform in ("win32", "darwin") or any(os.environ.get(name) for name in screens):
        webbrowser.open(page_address(serving.url))


def _demo(options: argparse.Namespace) -> int:
    from engine.demo import demo

    return demo(_serve_options(options), options.out, options.headless)


def _set(options: argparse.Namespace) -> None:
    from engine.control import shown

    values: dict[str, Any] = {} if options.file is None else _values(options.file)
    values |= _pairs(options.values)
    if not values:
        raise EngineError("nothing to set: write NAME=VALUE, or name a --file; `engine controls` lists the names")
    print(shown(_asked(options, "set", controls=values)))


def _controls(options: argparse.Namespace) -> None:
    from engine.listing import one, overview

    told = _asked(options, "describe")
    print(overview(told) if options.name is None else one(told, options.name, options.words))


def _ask(options: argparse.Namespace) -> None:
    from engine.control import shown
    from engine.endpoint import Endpoint
    from engine.wishes import settings

    key = "" if options.key_env is None else os.environ.get(options.key_env, "")
    if options.key_env is not None and not key:
        raise EngineError(f"--key-env {options.key_env}: there is no such environment variable, or it is empty; set it")
    model = Endpoint(options.endpoint, options.model, key, options.timeout, options.insecure)
    values = settings(options.wish, _asked(options, "describe"), model.answer, options.which)
    print(shown(_asked(options, "set", controls=values), only=values))


def _stats(options: argparse.Namespace) -> None:
    print(json.dumps({key: value for key, value in _asked(options, "stats").items() if key != "ok"}))


def _asked(options: argparse.Namespace, op: str, **more: Any) -> dict[str, Any]:
    """What the running engine replies."""
    from engine.control import ask

    return ask(options.control, {"op": op, "token": options.token, **more}, keys=options.keys)


def _config(options: argparse.Namespace) -> None:
    from engine.configuration import arguments, explained

    if options.explain == (options.file is not None):
        raise EngineError("give a FILE.yaml to check, or --explain to see all settings")
    if options.explain:
        print(explained())
    else:
        print(f"{options.file} is right; it stands for: engine serve {shlex.join(arguments(options.file))}".rstrip())


def _devices(_: argparse.Namespace) -> None:
    from engine.sources.choose import devices

    print(devices())


def _doctor(options: argparse.Namespace) -> int:
    from engine.doctor import examine

    return examine(_serve_options(options), options.mic, options.token, options.keys, options.json)


def _replay(options: argparse.Namespace) -> int:
    from engine.record.command import replay_command

    return replay_command(options.recording, options.bundle)


def _keys(options: argparse.Namespace) -> None:
    from engine.access import make_keys

    print(make_keys(options.folder))


def _bvh(options: argparse.Namespace) -> None:
    from engine.body.export import export

    print(export(options.recording, options.out, options.stream, options.program))


def _foxglove(options: argparse.Namespace) -> None:
    from engine.record.foxglove import convert

    print(convert(options.recording, options.out))


def _assets(options: argparse.Namespace) -> None:
    if options.web:
        from engine import page_assets

        print("\n".join(f"face tracker of the page: {path}" for path in page_assets.fetch(options.path)))
        return
    from engine.assets import fetch

    print(f"face tracker model: {fetch(options.path)}")


def _values(path: Path) -> dict[str, Any]:
    """Names and values in a JSON file."""
    wanted = 'give a JSON object of names and values, as {"prompt": "walk", "mood": "happy"}'
    try:
        with path.open("rb") as file:
            content = file.read(_LONGEST_VALUES + 1)
        found = json.loads(content) if len(content) <= _LONGEST_VALUES else None
    except (OSError, ValueError, RecursionError) as error:
        raise EngineError(f"{path} cannot be read ({reason(error)}); {wanted}") from None
    if not isinstance(found, dict) or not found:
        raise EngineError(f"{path} holds no settings, or more than {_LONGEST_VALUES} bytes; {wanted}")
    return found


def _pairs(items: Sequence[str]) -> dict[str, str]:
    pairs = {}
    for item in items:
        name, equals, value = item.partition("=")
        if not equals or not name:
            raise EngineError(f"{item!r}: write NAME=VALUE, for example nod_rate=1.5")
        pairs[name] = value
    return pairs


COMMANDS: dict[str, Callable[[argparse.Namespace], int | None]] = {
    "serve": _serve,
    "demo": _demo,
    "set": _set,
    "controls": _controls,
    "ask": _ask,
    "stats": _stats,
    "config": _config,
    "devices": _devices,
    "doctor": _doctor,
    "replay": _replay,
    "bvh": _bvh,
    "foxglove": _foxglove,
    "keys": _keys,
    "assets": _assets,
}

if __name__ == "__main__":
    sys.exit(main())
