// The visitor's choice between numbers and pictures, and what is said of where their picture goes: always what is true.

import { element, say } from "./panel";

/** The switch "Send pictures to the engine instead". It is off whenever the page is opened. */
export class PictureChoice {
  private readonly box = element<HTMLInputElement>("pictures");

  constructor(changed: (sending: boolean) => void) {
    this.box.checked = false; // a browser may remember it otherwise
    this.box.addEventListener("change", () => {
      this.tell();
      changed(this.sending);
    });
    this.tell();
  }

  /** Whether pictures are to be sent: only where they may be, and the visitor wants it. */
  get sending(): boolean {
    return this.box.checked && !element("pictures-choice").hidden;
  }

  /** Whether this session's engine looks for faces in pictures. Returns whether that changed what is sent. */
  offer(offered: boolean): boolean {
    const before = this.sending;
    element("pictures-choice").hidden = !offered;
    this.tell();
    return before !== this.sending;
  }

  /** What is said under the small picture of the visitor; `here`: whether the camera gives any. */
  under(here: boolean): void {
    const { sending } = this;
    document.body.dataset.pictures = sending && here ? "sent" : "kept";
    say("self-text", !here ? "no picture comes" : sending ? "pictures go to the engine" : "stays on this machine");
  }

  private tell(): void {
    const { sending } = this;
    this.under(true);
    const where = sending ? "its pictures go to the engine" : "it stays on this machine";
    element("mirror").setAttribute("aria-label", `What your camera sees; ${where}`);
    say(
      "welcome-text",
      sending
        ? "It nods, looks and smiles back. The engine gets your voice and your camera's pictures, looks for your face in " +
            "each and keeps none."
        : "It nods, looks and smiles back. Your picture stays in this page: the engine gets your voice and 58 numbers " +
            "that describe your face.",
    );
  }
}
