// The panel beside the avatar: what is measured, heard and seen, and what the engine has to say.

export function element<T extends HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found as T;
}

export function say(id: string, text: string): void {
  const found = element(id);
  if (found.textContent !== text) found.textContent = text;
}

const MOST_NOTICES = 6;
const LOWEST_DB = -60;

export type State = "starting" | "live" | "paused" | "lost" | "ended";

/** Show how the connection is; what is not live is said over the avatar as well, so that nothing freezes silently. */
export function showState(state: State, text: string, veil = ""): void {
  document.body.dataset.state = state;
  say("state-text", text);
  say("veil", veil);
  element("veil").hidden = veil === "";
}

/** A level meter of -60 to 0 dB. */
export function showLevel(id: string, decibels: number, text: string): void {
  const meter = element(id);
  const shown = Math.round(Math.max(LOWEST_DB, decibels));
  meter.style.setProperty("--share", String(Math.min(1, Math.max(0, 1 - decibels / LOWEST_DB))));
  meter.setAttribute("aria-valuenow", String(shown));
  meter.setAttribute("aria-valuetext", text);
  say(`${id}-text`, text);
}

/** Add a notice, each text once; the newest stands first. */
export function notice(text: string): void {
  const list = element("notices");
  const items = [...list.querySelectorAll("li")];
  if (items[0]?.textContent === text) return;
  for (const item of items) if (item.classList.contains("note") || item.textContent === text) item.remove();
  const item = document.createElement("li");
  item.textContent = text;
  list.prepend(item);
  while (list.children.length > MOST_NOTICES) list.lastElementChild?.remove();
}

/** A number of ms for people. */
export function ms(value: number): string {
  return Number.isFinite(value) ? `${value.toFixed(value < 9.95 ? 1 : 0)} ms` : "–";
}
