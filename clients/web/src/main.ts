// The page: opens a session, gives it what the visitor gives, draws what comes back, and says how it goes.

import { type Announcement, heldTexts } from "./announced";
import { unpack } from "./avatar/pack";
import { Stage } from "./avatar/stage";
import { Wardrobe } from "./avatar/wardrobe";
import { PictureChoice } from "./choice";
import { Controls } from "./controls";
import { heardWords, seenWords, troubleWords } from "./given";
import { Recent } from "./latency";
import { element, ms, notice, say, showLevel, showState } from "./panel";
import { type Offered, Saying } from "./saying";
import { Senses, type Source } from "./senses";
import { type Ended, Session } from "./session";
import { AT_REST, Shown } from "./shown";
import { flagWords } from "./wire";

interface About extends Offered {
  /** `words`: whether the model asks which words its avatar says. */
  bundles: { name: string; takes: string[]; codecs: string[]; words: boolean }[];
  token: boolean;
  pictures: boolean;
  assets: string[];
}

const FACE_FILES = ["face_landmarker.task", "vision_wasm_internal.js", "vision_wasm_internal.wasm"];
const PANEL_MS = 250;
const STALE_MS = 1500;
const MOST_WAIT_MS = 10_000;

/** What stands behind # in the page's address: a browser sends that to nobody. */
function wish(name: string): string {
  return new URLSearchParams(location.hash.slice(1)).get(name) ?? "";
}

class Page {
  private session: Session | null = null;
  private shown: Shown | null = null;
  private whole = false;
  private readonly stage = new Stage(element<HTMLCanvasElement>("view"), wish("quality") === "full");
  private readonly wardrobe = new Wardrobe(this.stage);
  private readonly senses = new Senses({ push: (...all) => this.session?.push(...all) }, (text) => notice(text));
  private readonly controls = new Controls(element("control-list"), (name, value) =>
    this.session?.say({ set: { [name]: value } }),
  );
  private readonly saying: Saying;
  private readonly frames = new Recent(24);
  private readonly choice = new PictureChoice((sending) => void this.send(sending));
  private bundle = "";
  private wait = 500;
  private paused = false;
  private recorded = false;
  private over = "";
  private lastDraw = 0;
  private drawn = 0;

  constructor(private readonly about: About) {
    this.saying = new Saying(
      { push: (...all) => this.session?.push(...all), say: (message) => this.session?.say(message) },
      about,
      () => wish("token"),
      () => this.shown?.delay ?? 0,
      () => this.model?.words ?? false,
    );
  }

  async start(): Promise<void> {
    const pick = element<HTMLSelectElement>("bundle");
    pick.append(...this.about.bundles.map(({ name }) => new Option(name, name)));
    element("bundle-label").hidden = this.about.bundles.length < 2;
    this.bundle = this.about.bundles[0].name;
    pick.addEventListener("change", () => {
      this.bundle = pick.value;
      this.saying.stop();
      this.connect();
    });
    this.buttons();
    new ResizeObserver(() => this.stage.fit()).observe(element("view"));
    window.setInterval(() => this.tell(), PANEL_MS);
    addEventListener("hashchange", () => this.connect()); // another token
    const file = await fetch("face.bin");
    if (!file.ok) throw new Error(`the avatar's file does not come (${file.status})`);
    this.wardrobe.open(unpack(await file.arrayBuffer()));
    this.stage.draw(Number.NaN); // which takes its time at first: no frame shall wait for it
    this.connect();
    requestAnimationFrame((now) => this.draw(now));
  }

  private connect(): void {
    this.session?.close();
    this.shown = null;
    const address = new URL("session", location.href);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    address.hash = "";
    const takes = this.model?.takes ?? [];
    const token = wish("token");
    const open = {
      bundles: [this.bundle],
      gives: [
        ...takes.filter((each) => /^(audio|face)\/partner$|^(audio|words)\/self$/.test(each)),
        ...(this.about.pictures && takes.includes("face/partner") ? ["pictures/partner"] : []),
      ],
      monitor: true,
      token,
    };
    showState("starting", "connecting");
    const session = new Session(address.href, open, {
      opened: (told) => this.opened(told),
      frame: (frame, now) => this.shown?.take(frame, now),
      notice,
      held: (told) => this.controls.held({ ...told, texts: Object.fromEntries(heldTexts(told.texts)) }),
      stats: (told) => this.stats(told),
      ended: (ended) => this.ended(ended),
    });
    this.session = session;
  }

  private opened(told: Announcement): void {
    this.wait = 500;
    this.over = "";
    this.paused = false;
    element("pause").setAttribute("aria-pressed", "false");
    this.shown = new Shown(told, (this.session as Session).clock);
    this.controls.build(told);
    element("whole").hidden = !(this.shown.face && this.shown.joints);
    void this.wardrobe.show((this.whole || !this.shown.face) && this.shown.joints !== undefined);
    element("welcome").hidden = this.senses.source !== "none" || !this.listens;
    element("speech").hidden = !told.inputs.has("audio/self");
    if (this.choice.offer(told.inputs.has("pictures/partner"))) void this.send(this.choice.sending);
    this.recorded = told.recording !== "";
    if (this.recorded) notice(`this session is recorded: ${told.recording}`);
  }

  private ended({ why: told, again }: Ended): void {
    const where = this.about.token && !again ? " (the page takes its token from its address: /#token=...)" : "";
    const why = told + where;
    this.over = why;
    notice(`session over: ${why}`);
    if (!again) {
      showState("ended", "over", why);
      return;
    }
    showState("lost", "connection lost", `Connection lost (${why}); trying again`);
    window.setTimeout(() => this.over && this.connect(), this.wait);
    this.wait = Math.min(MOST_WAIT_MS, this.wait * 2);
  }

  private draw(now: number): void {
    requestAnimationFrame((next) => this.draw(next));
    if (!this.stage.ready) return;
    const refresh = this.frames.count ? this.frames.percentile(0.5) : 16.7;
    if (this.lastDraw) this.frames.add(now - this.lastDraw);
    this.lastDraw = now;
    this.drawn++;
    const face = this.shown?.faceAt(performance.now(), refresh);
    const joints = this.wardrobe.whole ? this.shown?.at(this.shown.joints, performance.now(), refresh) : null;
    this.wardrobe.move(face ?? AT_REST, this.shown?.skeleton, joints ?? null);
    this.stage.draw(this.frames.percentile(0.5));
  }

  /** Bring the panel up to date. */
  private tell(): void {
    const now = performance.now();
    const { senses, shown } = this;
    senses.check(now, this.drawn);
    const none = senses.source === "none";
    showLevel("you", senses.level, heardWords(senses, now));
    document.body.dataset.microphone = senses.hearing;
    document.body.dataset.camera = senses.sight;
    this.mirror();
    const heard = shown && this.session?.told ? shown.heardDb : -90;
    showLevel("model", heard, heard > -45 ? "hears you" : "silence");
    say("seen", seenWords(senses, flagWords(shown?.flags ?? 0).includes("no face")));
    const told = shown?.measured();
    for (const [id, value] of [
      ["p50", told?.p50],
      ["p95", told?.p95],
      ["engine", told?.engine],
      ["held", told?.frames ? shown?.delay : Number.NaN],
      ["jitter", told?.jitter],
      ["trip", this.session?.clock.tripMs],
    ] as const)
      say(id, ms(value ?? Number.NaN));
    say("missed", told?.frames ? `${told.missed} of ${told.frames + told.missed}` : "–");
    const rate = 1000 / this.frames.percentile(0.5);
    say("fps", this.frames.count ? `${rate.toFixed(rate < 9.5 ? 1 : 0)} /s` : "–");
    document.body.dataset.frames = String(told?.frames ?? 0);
    if (!this.session?.told || this.over) return;
    // That nobody is there yet is no fault.
    const usual = ["silent", "no face", "first", ...(none ? ["degraded"] : [])];
    const words = flagWords(shown?.flags ?? 0).filter((each) => !usual.includes(each));
    const trouble = troubleWords(senses);
    document.body.classList.toggle("trouble", trouble.length > 0);
    words.unshift(...trouble);
    if (this.recorded) words.unshift("recorded");
    if (this.paused) showState("paused", "paused", "Paused");
    else if ((shown?.age(now) ?? 0) > STALE_MS && told?.frames)
      showState("lost", "no frames", "No frames come from the engine");
    else if (told?.frames) showState("live", words.length ? `live (${words.join(", ")})` : "live");
  }

  private stats(told: { [key: string]: unknown }): void {
    const offset = (told.av_offset_ms ?? told.av_offset) as { p50?: number } | undefined;
    element("av-row").hidden = typeof offset?.p50 !== "number";
    if (typeof offset?.p50 === "number") say("av", ms(offset.p50));
  }

  private buttons(): void {
    const on = (id: string, act: () => void): void => element(id).addEventListener("click", act);
    on("allow", () => this.begin("devices"));
    on("voice", () => this.begin("voice"));
    on("partner", () => this.begin("partner"));
    on("leave", () => {
      this.senses.stop();
      this.layout();
    });
    const toggle = (id: string, act: (on: boolean) => void): void =>
      on(id, () => {
        const pressed = element(id).getAttribute("aria-pressed") !== "true";
        element(id).setAttribute("aria-pressed", String(pressed));
        act(pressed);
      });
    toggle("mute", (muted) => this.senses.mute(muted));
    toggle("camera", (off) => this.senses.look(off));
    toggle("whole", (whole) => {
      this.whole = whole;
      void this.wardrobe.show(whole);
    });
    toggle("pause", (paused) => {
      this.paused = paused;
      this.session?.say(paused ? { pause: true } : { resume: true });
    });
    on("reset", () => this.session?.say({ reset: true }));
    on("defaults", () => this.controls.reset());
  }

  /** What is told of the model in use. */
  private get model(): About["bundles"][number] | undefined {
    return this.about.bundles.find(({ name }) => name === this.bundle);
  }

  /** Whether the model has a use for somebody's voice. */
  private get listens(): boolean {
    return this.session?.takes("audio/partner") ?? true;
  }

  private async begin(source: Exclude<Source, "none">): Promise<void> {
    const missing = FACE_FILES.filter((each) => !this.about.assets.includes(each));
    const blind = missing.length ? "the face tracker is not here: run `engine assets` and `engine assets --web`" : "";
    try {
      if (source === "partner") await this.senses.demo();
      else {
        if (!navigator.mediaDevices)
          throw new Error("a browser gives devices to https:// and localhost only; open the page there");
        await this.senses.devices(source === "devices", blind);
        if (source === "devices" && blind && !this.choice.sending)
          notice(`${blind}; the voice counts alone${this.about.pictures ? ", or send pictures to the engine" : ""}`);
      }
    } catch (error) {
      const why =
        error instanceof DOMException && error.name === "NotAllowedError"
          ? "the browser does not allow it"
          : (error as Error).message;
      say("welcome-note", `It cannot listen: ${why}. The demo partner needs no device.`);
      element("welcome-note").hidden = false;
      notice(`no microphone: ${why}`);
    }
    this.layout();
  }

  private async send(sending: boolean): Promise<void> {
    await this.senses.send(sending);
    this.mirror();
  }

  /** Show what belongs to the source in use. */
  private layout(): void {
    const { source } = this.senses;
    element("welcome").hidden = source !== "none" || !this.listens;
    element("bar").hidden = source === "none";
    for (const id of ["mute", "camera"]) element(id).setAttribute("aria-pressed", "false");
    this.mirror();
    if (this.session?.told) (source === "none" ? element("allow") : element("mute")).focus();
  }

  /** The small picture of the visitor, where a camera looks; a camera that is back shows in it again. */
  private mirror(): void {
    const { video, watching } = this.senses;
    element("camera").hidden = element("self").hidden = !watching;
    const mirror = element<HTMLVideoElement>("mirror");
    const stream = video?.srcObject ?? null;
    const { sight } = this.senses; // where no camera is asked for there is nothing to say of its picture
    this.choice.under(sight === "here" || sight === "off");
    if (mirror.srcObject === stream) return;
    mirror.srcObject = stream;
    if (stream) mirror.play().catch(() => {}); // another took its place meanwhile
  }
}

async function main(): Promise<void> {
  const answer = await fetch("about.json");
  if (!answer.ok) throw new Error(`the engine answers ${answer.status}`);
  await new Page((await answer.json()) as About).start();
}

main().catch((error: unknown) => {
  showState("ended", "does not start", `The page does not start: ${(error as Error).message}`);
});
