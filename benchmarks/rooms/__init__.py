"""Does a listener listen in every room? What it does at other levels, beside noises and music, on a telephone, to
whispers, in fifteen languages and to faces as trackers give them, beside what it does to a clean voice.

``python -m benchmarks rooms [--bundles rules reaction] [--minutes 2] [--seeds 2] [--only noise music] [--raw]``. The
voices are those of ``alive``, each clip at -26 dBFS. All goes through the front end as in a session, with ``--raw``
past it. Several listeners, each with its seed, hear a room, and twice as many those that others are compared with; more
seeds tell more where a listener draws what it does. Bands and marks are in ``counts.py``, the rooms in
``conditions.py``. ``--music FILE ...`` plays recordings beside the music made by code. Rooms that need what is not
installed are left out, and that is said. ``--film FILE --only 'mouthSmile alone: reading'`` writes a film of a room.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.alive import voices
from benchmarks.machine import report
from benchmarks.rooms import languages, music
from benchmarks.rooms.conditions import STILL, TRACKED, Condition, all_rooms
from benchmarks.rooms.counts import Counts, Marks, judge
from benchmarks.rooms.faces import FPS
from benchmarks.rooms.run import chosen, hear, listener
from benchmarks.rooms.table import Cells, failures, figures, heading, line
from engine.bundle import Bundle
from engine.errors import EngineError
from train.report.offline import labelled


def main(arguments: list[str]) -> int:
    """Print the tables and the JSON line; 1 where something fails."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks rooms", description=__doc__.partition("?")[0] + "?")
    parser.add_argument("--bundles", nargs="+", default=["rules", "reaction"], metavar="NAME|PATH|LABEL=PATH")
    parser.add_argument("--minutes", type=float, default=2.0, help="length of each room (default: 2)")
    parser.add_argument("--seeds", type=int, default=2, help="listeners in each room (default: 2)")
    parser.add_argument("--only", nargs="+", default=[], metavar="TEXT", help="a group of rooms, or a part of a name")
    parser.add_argument("--music", nargs="+", default=[], metavar="FILE", help="recordings of music to play as well")
    parser.add_argument(
        "--film", type=Path, metavar="FILE", help="write the one room chosen as an mp4 to look at instead"
    )
    parser.add_argument("--raw", action="store_true", help="past the front end, as a bundle alone hears")
    options = parser.parse_args(arguments)
    if not options.minutes >= 0.5 or options.seeds < 1:
        raise EngineError(f"{options.minutes:g} minutes, {options.seeds} listeners: give 0.5 or more, and 1 or more")
    bundles = {label: listener(name) for label, name in labelled(options.bundles, option="--bundles").items()}
    rate = next(iter(bundles.values())).spec.sample_rate
    if any(bundle.spec.sample_rate != rate for bundle in bundles.values()):
        raise EngineError("bundles that hear at different rates: run them one after the other")
    recorded = music.recordings(options.music)
    every = all_rooms(voices(rate), rate, round(options.minutes * 60 * rate), recorded)
    rooms = chosen(every, options.only)
    if options.film is not None:
        return _film(options.film, rooms, bundles, options.raw)
    names = list(bundles)
    counted: dict[str, dict[str, Counts]] = {}
    told: dict[str, Cells] = {}
    failed: list[str] = []
    hearing = hear(every, rooms, bundles, options.seeds, options.raw)
    print(heading(names), flush=True)
    for room in rooms:
        while room.name not in counted:
            heard = next(hearing)
            counted[heard.room.name] = heard.counts
        others, smiled_at = counted[room.against], room.group == "smile"
        if smiled_at and not any(earlier.group == "smile" for earlier in rooms[: rooms.index(room)]):
            _begin_smiles(names, counted)
        told[room.name] = {
            name: (counts, judge(counts, others[name], room.spoken, smiled_at))
            for name, counts in counted[room.name].items()
        }
        failed += failures(room.name, told[room.name], others, room.against)
        print(line(room.name, told[room.name], smiled_at), flush=True)
    for text in [*_missing(recorded), *(failed or ["nothing fails"])]:
        print(text)
    rows = {room: {name: figures(*cell) for name, cell in cells.items()} for room, cells in told.items()}
    figures_of_run = {"minutes": options.minutes, "seeds": options.seeds, "raw": options.raw, "rows": rows}
    report("rooms", figures_of_run | {"failed": failed})
    return int(bool(failed))


def _film(path: Path, rooms: Sequence[Condition], bundles: Mapping[str, Bundle], raw: bool) -> int:
    """Write a film in place of the tables."""
    try:
        from benchmarks.rooms import film
    except ImportError as error:
        raise EngineError(f"{error.name} is not installed, drawing needs it: pip install -e '.[viewer]'") from error
    film.check(path, rooms, bundles)
    frames = film.save(path, rooms[0], bundles, raw)
    print(f"{rooms[0].name}: {frames / FPS:.1f} s -> {path}")
    return 0


def _begin_smiles(names: Sequence[str], counted: dict[str, dict[str, Counts]]) -> None:
    """The second table's heading, and how often a listener smiles at those moments by chance."""
    print(f"\nshare of smiles answered\n{heading(names, smiled_at=True)}")
    for base in (STILL, TRACKED):
        if base not in counted:
            continue
        print(line(f"no smile: {base}", {name: (counts, Marks()) for name, counts in counted[base].items()}, True))


def _missing(recorded: Sequence[Path]) -> list[str]:
    """What was left out, and how to have it."""
    found = []
    if not recorded:
        found.append("no recorded music: install arcade or pygame, or give --music FILE")
    if not languages.available():
        found.append("no languages: pip install espeakng-loader")
    return found
