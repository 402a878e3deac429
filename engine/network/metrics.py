"""What the network side counts, and all of it in the text form that Prometheus reads.

Counters only ever grow, also over sessions that are gone, so rates can be taken of them. The delay of frames, from the
capture of their newest input to their sending, is a histogram, and so is their A/V offset (:mod:`engine.stats`);
quantiles over any time and any number of engines follow from them (``histogram_quantile``).
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from engine.session.host import Host
from engine.stats import Buckets
from engine.wire import Flag, Frame

BOUNDS_S = (0.005, 0.01, 0.015, 0.02, 0.025, 0.03, 0.035, 0.04, 0.05, 0.06, 0.08, 0.12, 0.2, 0.5, 1.0)
"""Upper bounds of the delay histogram, seconds: fine around one frame."""
_COUNTERS = {
    "opened": ("engine_sessions_opened", "Network sessions that were opened"),
    "frames": ("engine_frames", "Frames published to network sessions"),
    "missed": ("engine_frames_missed", "Frames that were skipped to catch up, never published"),
    "dropped": ("engine_frames_dropped", "Messages that a client was too slow for"),
    "sent": ("engine_sent_messages", "Messages with frames that were sent"),
    "sent_bytes": ("engine_sent_bytes", "Bytes sent over sessions"),
    "received": ("engine_received_messages", "Messages received over sessions"),
    "received_bytes": ("engine_received_bytes", "Bytes received over sessions"),
    "refused": ("engine_refused_messages", "Messages that were none, or not allowed"),
    "too_fast": ("engine_too_fast_samples", "Samples of sound beyond real time, thrown away"),
    "pictures": ("engine_pictures", "Pictures of sessions in which a face was looked for"),
    "pictures_skipped": ("engine_pictures_skipped", "Pictures for which a newer one was taken, or the same again"),
    "pictures_bad": ("engine_pictures_bad", "Pictures that were none, or too large"),
    "pictures_unseen": ("engine_pictures_unseen", "Pictures for which no face tracker was free"),
    "too_many_words": ("engine_too_many_words", "Words faster than anybody speaks, thrown away"),
}


class Traffic:
    """Counters of all network sessions; any thread may count."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.turned_away: Counter[str] = Counter()
        """Sessions and pages that were refused, by reason."""
        self.ended: Counter[str] = Counter()
        """Sessions that the engine ended, by reason."""
        self.flagged: Counter[Flag] = Counter()
        self._delays = Buckets(BOUNDS_S)
        self._lock = threading.Lock()

    def count(self, what: str, amount: int = 1) -> None:
        """One of the plain counters."""
        with self._lock:
            self.counts[what] += amount

    def received(self, size: int) -> None:
        """A message of ``size`` bytes came."""
        with self._lock:
            self.counts["received"] += 1
            self.counts["received_bytes"] += size

    def frame(self, frame: Frame, missed: int) -> None:
        """A frame was published, after ``missed`` that were skipped."""
        delay = max(0, frame.publish_ns - frame.capture_ns) / 1e9
        with self._lock:
            self.counts["frames"] += 1
            self.counts["missed"] += missed
            self._delays.add(delay)
            if frame.flags:
                self.flagged[frame.flags] += 1

    def delays(self) -> tuple[list[tuple[str, float]], float]:
        """Upper bounds (s, as text) with how many frames were no later, and the sum of all delays in seconds."""
        with self._lock:
            return self._delays.rows()


class EngineCollector(Collector):
    """The host and its traffic at the moment of asking; asked in the network's thread, whose time it tells."""

    def __init__(self, host: Host, traffic: Traffic) -> None:
        self._host, self._traffic = host, traffic

    def collect(self) -> Iterator[Metric]:
        """All metrics."""
        host, traffic = self._host.stats(), self._traffic
        yield GaugeMetricFamily("engine_ready", "1 while sessions can be served", float(self._host.ready))
        yield GaugeMetricFamily("engine_sessions", "Sessions there are", host["sessions"])
        yield GaugeMetricFamily("engine_capacity", "Sessions at most", host["capacity"])
        for key, (name, about) in _COUNTERS.items():
            yield CounterMetricFamily(name, about, traffic.counts[key])
        yield _labelled("engine_turned_away", "Openings and pages refused", "reason", traffic.turned_away)
        yield _labelled("engine_sessions_ended", "Sessions that the engine ended", "reason", traffic.ended)
        flags: Counter[str] = Counter()
        for flagged, count in list(traffic.flagged.items()):
            for flag in flagged:
                flags[str(flag.name).lower()] += count
        yield _labelled("engine_frames_flagged", "Frames by what is said of them", "flag", flags)
        rows, total = traffic.delays()
        delay = "From the capture of a frame's newest input to its sending"
        yield HistogramMetricFamily("engine_capture_to_publish_seconds", delay, rows, total)
        about = "From an own voice's sound to the sending of its frame, less the look-ahead; positive: lips late"
        offset = HistogramMetricFamily("engine_av_offset_seconds", about, labels=["bundle"])
        for bundle, counted in self._host.av_offsets().items():
            offset.add_metric([bundle], *counted.rows())
        yield offset
        share = GaugeMetricFamily("engine_loop_share", "Share of time of a loop's parts", labels=["bundle", "part"])
        full = GaugeMetricFamily("engine_rows_used", "Rows that counted of those that were run", labels=["bundle"])
        slots = GaugeMetricFamily("engine_slots", "Sessions of a bundle", labels=["bundle"])
        for bundle, work in host["bundles"].items():
            for part in ("step", "gather", "settle"):
                share.add_metric([bundle, part], work[f"{part}_share"])
            full.add_metric([bundle], work["rows_used"])
            slots.add_metric([bundle], work["slots"])
        yield from (share, full, slots)
        about = "Processor time of the thread that serves the network"
        yield CounterMetricFamily("engine_network_cpu_seconds", about, time.thread_time())


def registry(host: Host, traffic: Traffic) -> CollectorRegistry:
    """What is told under ``/metrics``: the engine's own numbers, and the process's memory and time."""
    made = CollectorRegistry()
    made.register(EngineCollector(host, traffic))
    ProcessCollector(registry=made)
    return made


def exposed(made: CollectorRegistry) -> bytes:
    """The text."""
    return generate_latest(made)


def _labelled(name: str, about: str, label: str, counts: Counter[str]) -> CounterMetricFamily:
    family = CounterMetricFamily(name, about, labels=[label])
    for key, count in sorted(counts.items()):
        family.add_metric([key], count)
    return family
