"""How many sessions an engine serves in time: the knee, by visitors who talk to it over the network, open loop.

``python -m benchmarks throughput [--mix rules=3 reaction=1] [--seconds 12]``. Engine and visitors are two processes on
this machine (:mod:`benchmarks.visitors`), so what the visitors cost is part of the load. Each visitor sends a hop of
sound and a face 25 times a second at its own moments, and delays count from those, also where the generator or a socket
was late. *Capture to send* is from the moment a hop was captured to the publishing of its frame; a frame that was
skipped counts as one that never came. The knee is the largest number of sessions of which 99 % of all frames are sent
within one period of their capture; it is found by doubling and then halving the step, every level with an engine of its
own. The shares of time are those of the engine: model steps and the Python around them (gathering inputs, settling
outputs) of each loop by the wall clock, and the processor time of the thread that serves the network.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import report
from benchmarks.serving import serving, visitors
from benchmarks.visitors import ROW, Plan, Visit
from benchmarks.voices import PERIOD_NS
from engine.errors import EngineError
from engine.wire import Flag

WARM_UP_S = 2.0
PERIOD_MS = PERIOD_NS / 1e6
MOST = 1024


def main(arguments: list[str]) -> int:
    """Print a table and the JSON line; 1 where not even one session is served in time."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks throughput", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--mix", nargs="+", default=["rules=1"], metavar="BUNDLE=SHARE", help="default rules=1")
    parser.add_argument("--seconds", type=float, default=12.0, help="of each level, without warm-up (default 12)")
    parser.add_argument("--begin", type=int, default=8, metavar="N", help="sessions of the first level (default 8)")
    parser.add_argument("--only", type=int, metavar="N", help="measure this number of sessions and look for no knee")
    parser.add_argument("--window", type=float, default=4.0, metavar="MS", help="gathering window (default 4)")
    parser.add_argument("--resolution", type=float, default=0.06, help="of the knee, as a share of it (default 0.06)")
    options = parser.parse_args(arguments)
    mix = parse_mix(options.mix)
    if options.seconds < 1 or not 1 <= (options.only or options.begin) <= MOST:
        raise EngineError(f"--seconds 1 or more, and 1 to {MOST} sessions")
    print(_head())
    levels: dict[int, dict[str, Any]] = {}

    def measure(count: int) -> bool:
        levels[count] = level(mix, count, options.seconds, options.window)
        print(_row(count, levels[count]), flush=True)
        return bool(levels[count]["in_time"])

    if options.only:
        knee = options.only if measure(options.only) else 0
    else:
        knee = find_knee(measure, options.begin, options.resolution)
    at = levels.get(knee)
    print(
        f"knee: {knee} sessions ({' '.join(options.mix)}), 99 % of frames sent within {PERIOD_MS:g} ms of their capture"
    )
    if at is not None:
        told = ", ".join(f"{name} {100 * share:.0f} %" for name, share in at["share"].items())
        print(f"share of time there: {told}; processor: engine {at['engine_cpu']:.2f}, all threads")
    figures = {"mix": options.mix, "seconds": options.seconds, "window_ms": options.window}
    report("throughput", {**figures, "knee": knee, "levels": {str(count): row for count, row in levels.items()}})
    return 0 if knee else 1


def parse_mix(items: list[str]) -> list[str]:
    """Bundles in the order in which seats are given to them, for ``rules=3 reaction=1``."""
    seats: list[str] = []
    for item in items:
        name, _, share = item.partition("=")
        if not name or not (share or "1").isdecimal() or not 1 <= int(share or "1") <= 100:
            raise EngineError(f"--mix {item!r}: write BUNDLE=SHARE with a whole share, for example rules=3 reaction=1")
        seats += [name] * int(share or "1")
    return seats


def find_knee(measure: Any, begin: int, resolution: float) -> int:
    """The largest number for which ``measure`` holds, as far as ``resolution`` tells; 0 where none does."""
    good, bad, count = 0, MOST + 1, begin
    while bad - good > max(1.0, resolution * good):
        if measure(count):
            good = count
            count = min(2 * count, MOST) if bad > MOST else (good + bad) // 2
            if good == MOST:
                break
        else:
            bad = count
            count = max(1, (good + bad) // 2)
            if good == 0 and bad == 1:
                break
    return good


def level(mix: list[str], count: int, seconds: float, window_ms: float) -> dict[str, Any]:
    """What ``count`` sessions get from an engine of their own."""
    seats = [mix[place % len(mix)] for place in range(count)]
    with serving(sorted(set(mix)), count, window_ms) as engine:
        whole = WARM_UP_S + seconds + count * 0.013
        with visitors(Plan(engine.url, "", seats, whole, seed=count)) as visits:
            time.sleep(WARM_UP_S + count * 0.013)
            first, first_at = engine.metrics(), time.monotonic()
            time.sleep(seconds - 0.7)
            last, passed = engine.metrics(), time.monotonic() - first_at
        got = sum(len(visit.rows) > 0 for visit in visits)
    cpu = {name: (last[name,] - first[name,]) / passed for name in (_NETWORK, _PROCESS)}
    share = dict.fromkeys(("step", "python"), 0.0)
    for (name, *labels), value in last.items():
        if name == "engine_loop_share":
            share["step" if labels[1] == "step" else "python"] += value
    rows = {labels[0]: value for (name, *labels), value in last.items() if name == "engine_rows_used"}
    figures = delays(visits, WARM_UP_S + count * 0.013)
    in_time = got == count and figures["capture_to_send_ms"]["p99"] <= PERIOD_MS
    shares = {**share, "network": cpu[_NETWORK]}
    return {**figures, "in_time": in_time, "share": shares, "engine_cpu": cpu[_PROCESS], "rows_used": rows}


_NETWORK, _PROCESS = "engine_network_cpu_seconds_total", "process_cpu_seconds_total"


def delays(visits: list[Visit], from_s: float) -> dict[str, Any]:
    """Percentiles (ms) of all frames and of the worst session, and what was missed, from that time on."""
    begin = min((visit.begin_ns for visit in visits if visit.begin_ns), default=0) + round(from_s * 1e9)
    sent, received, worst, missed, silent, flagged = [], [], [], 0, 0, 0
    for visit in visits:
        rows = first_stream(visit)
        rows = rows[rows[:, 5] > begin]
        if len(rows) < 2:
            continue
        captured = captured_ns(visit, rows)
        never = int((np.diff(rows[:, 0]) - 1).sum())
        missed += never
        silent += int(((rows[:, 2] & int(Flag.SILENT)) != 0).sum())
        flagged += int(((rows[:, 2] & int(Flag.LATE)) != 0).sum())
        none = np.full(never, np.inf)
        sent.append(np.concatenate([(rows[:, 4] - captured) / 1e6, none]))
        received.append(np.concatenate([(rows[:, 5] - captured) / 1e6, none]))
        worst.append(float(np.quantile(sent[-1], 0.99, method="higher")))
    return {
        "frames": sum(map(len, sent)) - missed,
        "missed": missed,
        "silent": silent,
        "late": flagged,
        "capture_to_send_ms": _quantiles(sent),
        "capture_to_receive_ms": _quantiles(received),
        "session_p99_ms": {"median": float(np.median(worst or [np.inf])), "worst": max(worst, default=np.inf)},
        "generator_late_ms": _quantiles([np.array(visit.late, np.int64) / 1e6 for visit in visits]),
    }


def first_stream(visit: Visit) -> NDArray[np.int64]:
    """The rows of a visit's first stream, (frames, ROW)."""
    rows = np.array(visit.rows, np.int64).reshape(-1, ROW)
    return rows[rows[:, 1] == 0]


def captured_ns(visit: Visit, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """When the hops of frames were captured in truth: the visitor's moment next to what the engine takes it for."""
    hop = np.round((rows[:, 3] - visit.begin_ns) / PERIOD_NS).astype(np.int64)
    return visit.begin_ns + hop * PERIOD_NS


def _quantiles(values: list[NDArray[Any]]) -> dict[str, float]:
    every = np.concatenate([*values, np.full(0 if any(map(len, values)) else 1, np.inf)])
    return {f"p{100 * share:g}": float(np.quantile(every, share, method="higher")) for share in (0.5, 0.9, 0.99)}


def _head() -> str:
    return (
        f"{'':>9}{'capture to send, ms':>30}{'to receive':>12}{'worst':>9}{'':>16}{'share of time':>27}{'cpu':>7}\n"
        f"{'sessions':>9}{'p50':>10}{'p90':>10}{'p99':>10}{'p99':>12}{'p99':>9}{'missed':>8}{'silent':>8}"
        f"{'step':>9}{'python':>9}{'network':>9}{'engine':>7}"
    )


def _row(count: int, row: dict[str, Any]) -> str:
    sent, share = row["capture_to_send_ms"], row["share"]
    return (
        f"{count:>9}{sent['p50']:>10.1f}{sent['p90']:>10.1f}{sent['p99']:>10.1f}"
        f"{row['capture_to_receive_ms']['p99']:>12.1f}{row['session_p99_ms']['worst']:>9.1f}{row['missed']:>8}"
        f"{row['silent']:>8}{share['step']:>9.2f}{share['python']:>9.2f}{share['network']:>9.2f}{row['engine_cpu']:>7.2f}"
        f"{'' if row['in_time'] else '   too many'}"
    )
