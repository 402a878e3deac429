// A session of this page's own on the engine (engine/network/messages.py): opened over WebSocket, fed with sound and
// faces, heard. It ends when the engine says so or the connection breaks; whoever made it makes another.

import { type Announcement, announcement } from "./announced";
import { ClockOffset } from "./latency";
import { decode, type Frame, joined, type Numbers, record } from "./wire";

const PING_MS = 1000;
const FIRST_PINGS = 6;
const ANSWER_MS = 8000;
const MOST_WAITING = 128 * 1024;
/** For pictures, each of which is as long as a second of sound. */
const MOST_BEFORE_PICTURE = 32 * 1024;

/** Messages of numbers a second, and at once: half of what the engine allows (engine/network/connection.py), and three
 * times what a page has to say. A page that stood still for long has more, all of it late. */
const MOST_MESSAGES = 400;

/** So many a second, and as many at once. */
export class Allowance {
  private left: number;
  private last = 0;

  constructor(private readonly perSecond: number) {
    this.left = perSecond;
  }

  /** Whether one more may be at `now` ms. */
  take(now: number): boolean {
    this.left = Math.min(this.perSecond, this.left + (this.perSecond * Math.max(0, now - this.last)) / 1000);
    this.last = now;
    if (this.left < 1) return false;
    this.left--;
    return true;
  }
}

/** Why a session is over: `again` says whether trying again may help. */
export interface Ended {
  why: string;
  again: boolean;
}

export interface Listener {
  opened(told: Announcement): void;
  frame(frame: Frame, nowMs: number): void;
  /** What the engine says of the sound, a refused message, or how many frames were dropped. */
  notice(text: string): void;
  held(told: { [key: string]: unknown }): void;
  stats(told: { [key: string]: unknown }): void;
  ended(ended: Ended): void;
}

/** This page's clock in whole nanoseconds; as a number, exact for some months. */
export function nowNs(): number {
  return Math.round(performance.now() * 1e6);
}

export class Session {
  readonly clock = new ClockOffset();
  told: Announcement | null = null;
  /** Messages not sent because the connection, or this page, was behind. */
  unsent = 0;
  private readonly allowance = new Allowance(MOST_MESSAGES);
  private readonly socket: WebSocket;
  private readonly sent = new Map<number, number>();
  private pings = 0;
  private timer = 0;
  private over = false;
  private last = "";

  constructor(
    url: string,
    open: { [key: string]: unknown },
    private readonly listener: Listener,
  ) {
    this.socket = new WebSocket(url);
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => this.say({ open: { ...open, at: nowNs() } });
    this.socket.onmessage = (event) => this.take(event.data);
    this.socket.onclose = (event) => this.end(event.code);
    this.timer = window.setTimeout(() => this.socket.close(), ANSWER_MS);
  }

  /** Send what was captured at `atNs` of this page's clock; `null`, or sound that is not `valid`: nothing was seen or
   * heard. */
  push(gives: string, numbers: Numbers | null, atNs: number, valid = true): void {
    const input = this.told?.inputs.get(gives);
    if (!input || this.socket.readyState !== WebSocket.OPEN) return;
    // What waits here would come late and make the avatar late: better a gap than lag that grows.
    const most = numbers instanceof Uint8Array ? MOST_BEFORE_PICTURE : MOST_WAITING;
    if (this.socket.bufferedAmount > most || !this.allowance.take(performance.now())) {
      this.unsent++;
      return;
    }
    const values = numbers ?? new Float32Array(input.count || 1);
    this.socket.send(joined([record(input.input, values, atNs, valid && numbers !== null)]) as BufferSource);
  }

  takes(gives: string): boolean {
    return this.told?.inputs.has(gives) ?? false;
  }

  /** Send a message of the protocol as JSON. */
  say(message: { [key: string]: unknown }): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  close(): void {
    this.over = true;
    window.clearTimeout(this.timer);
    this.socket.close();
  }

  private take(data: unknown): void {
    if (data instanceof ArrayBuffer) {
      const frame = decode(data);
      if (frame && !this.over) this.listener.frame(frame, performance.now());
    } else if (typeof data === "string") this.answer(data, performance.now());
  }

  private answer(message: string, heardMs: number): void {
    // Times of the engine pass what a number holds: they are taken from the text, and given back as they came.
    const told = JSON.parse(message) as { [key: string]: unknown };
    const asked = "time" in told && /"time":\s*(-?\d+)\s*}$/.exec(message)?.[1];
    if (asked) this.socket.send(`{"time":${asked},"at":${nowNs()}}`);
    if (typeof told.pong === "number") {
      const at = /"at":\s*(-?\d+)/.exec(message)?.[1];
      const sentMs = this.sent.get(told.pong);
      this.sent.delete(told.pong);
      if (at && sentMs !== undefined) this.clock.exchanged(BigInt(at), sentMs, heardMs);
    } else if (told.session && !this.told) {
      try {
        this.told = announcement(told);
      } catch (error) {
        this.last = `the engine's announcement cannot be used: ${(error as Error).message}`;
        this.socket.close();
        return;
      }
      window.clearTimeout(this.timer);
      this.ping();
      this.listener.opened(this.told);
    } else if (typeof told.ended === "string") this.last = told.ended;
    else if (typeof told.refused === "string") this.listener.notice(`not taken: ${told.refused}`);
    else if (typeof told.notice === "string") this.listener.notice(told.notice);
    else if (typeof told.dropped === "number") this.listener.notice(`${told.dropped} frames were dropped on their way`);
    else if (told.set) this.listener.held(told.set as { [key: string]: unknown });
    else if (told.stats) this.listener.stats(told.stats as { [key: string]: unknown });
  }

  private ping(): void {
    if (this.over) return;
    this.pings++;
    this.sent.set(this.pings, performance.now());
    if (this.sent.size > 8) this.sent.delete(this.sent.keys().next().value as number);
    this.say({ ping: this.pings });
    if (this.pings > FIRST_PINGS) this.say({ stats: true });
    this.timer = window.setTimeout(() => this.ping(), this.pings < FIRST_PINGS ? 100 : PING_MS);
  }

  private end(code: number): void {
    window.clearTimeout(this.timer);
    if (this.over) return;
    this.over = true;
    const why = this.last || (this.told ? "the connection to the engine broke" : "the engine does not answer");
    this.listener.ended({ why, again: code !== 1008 });
  }
}
