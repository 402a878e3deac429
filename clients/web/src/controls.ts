// Controls as the engine announces them: sliders, choices and texts, each with its label and what it is about.

import type { Announcement, Control } from "./announced";

type Send = (name: string, value: unknown) => void;
const WAIT_MS = 60;

function title(name: string): string {
  const words = name.replace(/_/g, " ");
  return words[0].toUpperCase() + words.slice(1);
}

function labelled(name: string, about: string, input: HTMLElement, beside: HTMLElement | null): HTMLElement {
  const row = document.createElement("div");
  row.className = "control";
  const label = document.createElement("label");
  input.id = `control-${name}`;
  label.htmlFor = input.id;
  label.textContent = title(name);
  row.append(label, beside ?? document.createElement("span"), input);
  if (about) {
    const note = document.createElement("span");
    note.className = "about";
    note.id = `about-${name}`;
    note.textContent = about;
    input.setAttribute("aria-describedby", note.id);
    row.append(note);
  }
  return row;
}

/** A step of a slider: a hundredth of its length or less, and a power of ten, so that no round value is missed. */
export function step(length: number): number {
  return 10 ** Math.floor(Math.log10(length / 100));
}

export class Controls {
  private readonly shown = new Map<string, (value: unknown) => void>();
  private defaults: { [name: string]: unknown } = {};
  private readonly waiting = new Map<string, number>();

  constructor(
    private readonly list: HTMLElement,
    private readonly send: Send,
  ) {
    list.addEventListener("submit", (event) => event.preventDefault());
  }

  /** Build the controls of a session. */
  build(told: Announcement): void {
    this.list.replaceChildren();
    this.shown.clear();
    this.defaults = {};
    for (const control of told.controls) {
      const row = this.row(control);
      if (row) this.list.append(row);
    }
    for (const [name, value] of told.texts) this.list.append(this.text(name, value, "Enter sets it", ""));
    if (!this.list.children.length) this.list.textContent = "This model has none.";
  }

  /** Show what is held now, as the engine answers a setting. */
  held(told: { [key: string]: unknown }): void {
    for (const kind of ["controls", "texts"])
      for (const [name, value] of Object.entries((told[kind] as { [key: string]: unknown }) ?? {}))
        this.shown.get(name)?.(typeof value === "object" && value !== null && "text" in value ? value.text : value);
  }

  /** Set all that have a number back to what they are by default. */
  reset(): void {
    for (const [name, value] of Object.entries(this.defaults)) this.send(name, value);
  }

  private row(control: Control): HTMLElement | null {
    const { name, about } = control;
    if (control.words !== undefined) return this.text(name, control.words, about, "none");
    if (typeof control.value !== "number") return null;
    this.defaults[name] = control.follows
      ? "auto"
      : control.choices.length
        ? control.choices[control.default]
        : control.default;
    return control.choices.length ? this.choice(control, control.value) : this.slider(control, control.value);
  }

  private choice({ name, about, choices }: Control, value: number): HTMLElement {
    const select = document.createElement("select");
    select.append(...choices.map((each) => new Option(each, each)));
    select.selectedIndex = Math.round(value);
    select.addEventListener("change", () => this.send(name, select.value));
    this.shown.set(name, (now) => {
      if (typeof now === "number") select.selectedIndex = Math.round(now);
    });
    return labelled(name, about, select, null);
  }

  private slider({ name, about, low, high, follows }: Control, value: number): HTMLElement {
    const input = document.createElement("input");
    Object.assign(input, { type: "range", min: String(low), max: String(high), step: String(step(high - low)) });
    const beside = document.createElement("span");
    const output = document.createElement("output");
    beside.append(output);
    const show = (now: unknown): void => {
      if (typeof now !== "number") return;
      input.value = String(now);
      output.textContent = now.toFixed(2);
    };
    show(value);
    input.addEventListener("input", () => {
      output.textContent = Number(input.value).toFixed(2);
      this.later(name, () => Number(input.value));
    });
    if (follows) {
      const auto = document.createElement("button");
      Object.assign(auto, { type: "button", textContent: "auto", title: `follow ${follows} again` });
      auto.addEventListener("click", () => this.send(name, "auto"));
      beside.append(" ", auto);
    }
    this.shown.set(name, show);
    return labelled(name, about, input, beside);
  }

  private text(name: string, value: string, about: string, nothing: string): HTMLElement {
    const input = document.createElement("input");
    Object.assign(input, { type: "text", value, maxLength: 300, autocomplete: "off" });
    input.addEventListener("change", () => this.send(name, input.value || nothing));
    this.shown.set(name, (now) => {
      if (typeof now === "string" && document.activeElement !== input) input.value = now;
    });
    return labelled(name, about, input, null);
  }

  /** A slider that is dragged sends some values a second, and its last one. */
  private later(name: string, value: () => unknown): void {
    if (this.waiting.has(name)) return;
    const send = (): void => {
      this.waiting.delete(name);
      this.send(name, value());
    };
    this.waiting.set(name, window.setTimeout(send, WAIT_MS));
  }
}
