"""Sessions that come and go for minutes: does everybody get their own frames, and every frame or word of its loss?

``python -m benchmarks soak [--minutes 10] [--rules 60] [--reaction 20] [--check 0.2]``. One engine serves both bundles;
visitors with voices, faces, seeds and clocks of their own (:mod:`benchmarks.visitors`) come and go at random, in a
process on the same machine. Held against all of them:

- every frame carries the session it came to, and only streams that this session has;
- sequence numbers rise by one; a gap is followed by a frame that says SKIPPED, or was counted as dropped and told;
- all streams of a frame came;
- nobody was sent away who should not have been, and nobody was ended by the engine.

A random share of the visits is run again alone, frame by frame, and compared (:mod:`benchmarks.proof`): a frame of
another's voice, face, seed or state would not be the same. Delays are told, too, but not judged here.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from typing import Any

import numpy as np

from benchmarks.machine import report, resident_mib
from benchmarks.proof import Proof
from benchmarks.serving import serving, visitors
from benchmarks.throughput import delays
from benchmarks.visitors import ROW, Plan, Visit
from benchmarks.voices import Voices
from engine.bundle import Bundle
from engine.errors import EngineError
from engine.streams import streams
from engine.wire import Flag

VISIT_S = 30.0
LATER_S = 0.02
"""Between the end of a hop and its sending; the delays that are told begin at its end."""
SPARE = 4
"""Places beyond the visitors', as who leaves is gone a moment later than who comes next is there."""
MOST_TIES = 1e-3
"""Of the frames compared, beyond two, so many may be ties."""
COMPARED = 0.8
"""Of the frames of the visits that are run again so many have to be comparable."""


def main(arguments: list[str]) -> int:
    """Print what was found and the JSON line; 1 where anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks soak", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rules", type=int, default=60, help="visitors of the rule listener at a time (default 60)")
    parser.add_argument("--reaction", type=int, default=20, help="visitors of the learned one (default 20)")
    parser.add_argument("--check", type=float, default=0.2, help="share of visits that are run again (default 0.2)")
    parser.add_argument("--window", type=float, default=4.0, metavar="MS", help="gathering window (default 4)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    seats = ["rules"] * options.rules + ["reaction"] * options.reaction
    if not seats or not 0 <= options.check <= 1 or options.minutes <= 0:
        raise EngineError("soak: give visitors, minutes above 0 and a --check from 0 to 1")
    names = sorted(set(seats))
    memory: list[float] = []
    with serving(names, len(seats) + SPARE, options.window) as engine:
        plan = Plan(
            engine.url, "", seats, 60.0 * options.minutes, VISIT_S, options.check, seed=options.seed, later_s=LATER_S
        )
        end = time.monotonic() + plan.seconds
        with visitors(plan) as visits:
            while time.monotonic() < end - 2.0:
                time.sleep(1.0)
                memory.append(resident_mib(engine.pid))
            last = engine.metrics()
    bundles = {name: Bundle.load(name) for name in names}
    wrong = [trouble for visit in visits for trouble in troubles(visit, _streams(bundles[visit.bundle]))]
    proven = prove(visits, bundles)
    for row in proven.values():
        wrong += row["wrong"]
        if row["visits"] and row["compared"] < COMPARED * row["in_all"]:
            wrong.append(f"{row['compared']} of {row['in_all']} frames could be compared; give the engine less to do")
        if row["ties"] > 2 + MOST_TIES * row["compared"]:
            wrong.append(f"{row['ties']} ties in {row['compared']} frames are too many to be rounding")
    figures = {
        "visits": len(visits),
        "messages": sum(len(visit.rows) // ROW for visit in visits),
        "dropped": sum(visit.dropped for visit in visits),
        "turned_away": {key[1]: value for key, value in last.items() if key[0] == "engine_turned_away_total"},
        **delays(visits, 5.0),
        "memory_mib": {"after a minute": memory[min(60, len(memory) - 1)], "last": memory[-1], "most": max(memory)},
        "proof": proven,
        "wrong": wrong[:20],
    }
    _print(figures)
    report("soak", {"minutes": options.minutes, "rules": options.rules, "reaction": options.reaction, **figures})
    return 1 if wrong else 0


def _streams(bundle: Bundle) -> frozenset[int]:
    return frozenset(stream.number for stream in streams(bundle.spec, False))


def troubles(visit: Visit, known: frozenset[int]) -> list[str]:
    """What is wrong with the frames of a visit, whatever they hold."""
    who = f"visit {visit.number} of {visit.bundle}"
    found = [f"{who}: {visit.ended}"] if visit.ended else []
    rows = np.array(visit.rows, np.int64).reshape(-1, ROW)
    if set(rows[:, 1].tolist()) - known:
        found.append(f"{who}: streams {sorted(set(rows[:, 1].tolist()))}, it has {sorted(known)}")
    unflagged = 0
    for stream in known:
        own = rows[rows[:, 1] == stream]
        steps = np.diff(own[:, 0])
        if (steps < 1).any():
            found.append(f"{who}: frames out of order on stream {stream}")
        lost = (steps > 1) & ((own[1:, 2] & int(Flag.SKIPPED)) == 0)
        unflagged += int((steps[lost] - 1).sum())
    counts = Counter(rows[:, 0].tolist())
    inner = list(counts)[1:-1] if visit.dropped == 0 else []
    if any(counts[seq] != len(known) for seq in inner):
        found.append(f"{who}: a frame came without some of its streams")
    if unflagged > visit.dropped:
        found.append(f"{who}: {unflagged} messages are missing, {visit.dropped} were told")
    if visit.hops > 50 and not len(rows):
        found.append(f"{who}: no frame came")
    return found


def prove(visits: list[Visit], bundles: dict[str, Bundle]) -> dict[str, dict[str, Any]]:
    """Run the visits that were kept again, bundle by bundle."""
    voices, proven = Voices.load(), {}
    for name, bundle in bundles.items():
        proof = Proof(bundle, voices)
        verdicts = [proof.check(visit) for visit in visits if visit.keep and visit.bundle == name and visit.frames]
        proven[name] = {
            "visits": len(verdicts),
            "compared": sum(verdict.compared for verdict in verdicts),
            "in_all": sum(verdict.in_all for verdict in verdicts),
            "largest": max((verdict.largest for verdict in verdicts), default=0.0),
            "ties": sum(verdict.ties for verdict in verdicts),
            "wrong": [verdict.wrong for verdict in verdicts if verdict.wrong],
        }
    return proven


def _print(figures: dict[str, Any]) -> None:
    counts = "  ".join(f"{name} {figures[name]}" for name in ("visits", "frames", "missed", "silent", "dropped"))
    print(
        f"{counts}  turned away {figures['turned_away'] or 'nobody'}  memory of the engine {figures['memory_mib']} MiB"
    )
    for name in ("capture_to_send_ms", "capture_to_receive_ms", "generator_late_ms"):
        print(f"{name}: " + "  ".join(f"{key} {value:.1f}" for key, value in figures[name].items()))
    for name, row in figures["proof"].items():
        print(
            f"{name}: {row['visits']} visits run again, {row['compared']} of {row['in_all']} frames compared, "
            f"largest difference {row['largest']:.2e}, {row['ties']} ties, {len(row['wrong'])} wrong"
        )
    for trouble in figures["wrong"]:
        print(f"WRONG: {trouble}")
