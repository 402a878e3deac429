// Statistics of the newest times: percentiles, jitter, and how one clock relates to another.

/** The newest `size` numbers. */
export class Recent {
  private readonly kept: number[] = [];
  private next = 0;

  constructor(private readonly size = 250) {}

  add(value: number): void {
    if (!Number.isFinite(value)) return;
    this.kept[this.next] = value;
    this.next = (this.next + 1) % this.size;
  }

  get count(): number {
    return this.kept.length;
  }

  clear(): void {
    this.kept.length = 0;
    this.next = 0;
  }

  /** The value below which `share` (0 to 1) of the numbers are, or between two where it falls there; NaN of none. */
  percentile(share: number): number {
    if (!this.kept.length) return Number.NaN;
    const sorted = [...this.kept].sort((a, b) => a - b);
    const at = Math.min(1, Math.max(0, share)) * (sorted.length - 1);
    const low = Math.floor(at);
    return sorted[low] + (at - low) * (sorted[Math.min(low + 1, sorted.length - 1)] - sorted[low]);
  }
}

/** Jitter of arrivals, ms: the running mean of how much two neighbours' times on the way differ (RFC 3550, 6.4.1). */
export class Jitter {
  value = 0;
  private last: number | null = null;

  add(onTheWayMs: number): void {
    if (this.last !== null) this.value += (Math.abs(onTheWayMs - this.last) - this.value) / 16;
    this.last = onTheWayMs;
  }
}

interface Exchange {
  at: number;
  offset: number;
  trip: number;
}

/** How the engine's clock relates to this page's. Of the exchanges of the last minute the quickest counts: a delay can
 * only make the error larger, and its error is half its trip at most. Times in ms; the offset is engine minus page. */
export class ClockOffset {
  private kept: Exchange[] = [];
  private baseNs: bigint | null = null;

  /** The engine said `engineNs` between `sentMs` and `heardMs` of this page. */
  exchanged(engineNs: bigint, sentMs: number, heardMs: number): void {
    this.baseNs ??= engineNs;
    const engine = Number(engineNs - this.baseNs) / 1e6;
    this.kept = this.kept.filter((each) => heardMs - each.at < 60_000);
    this.kept.push({ at: heardMs, offset: engine - (sentMs + heardMs) / 2, trip: heardMs - sentMs });
  }

  get known(): boolean {
    return this.kept.length > 0;
  }

  /** The quickest exchange's time to and fro, ms. */
  get tripMs(): number {
    return this.kept.length ? this.best().trip : Number.NaN;
  }

  /** When it was on this page's clock (ms); NaN while nothing is known. */
  toPage(engineNs: bigint): number {
    if (this.baseNs === null || !this.kept.length) return Number.NaN;
    return Number(engineNs - this.baseNs) / 1e6 - this.best().offset;
  }

  private best(): Exchange {
    return this.kept.reduce((a, b) => (b.trip <= a.trip ? b : a));
  }
}
