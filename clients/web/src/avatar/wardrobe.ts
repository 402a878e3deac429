// Who is on the stage: the page's own person, a visitor's model that was dropped or chosen, or the whole body.

import type { Skeleton } from "../announced";
import { element, notice, say } from "../panel";
import { Body } from "./body";
import { ownAvatar } from "./own";
import type { FaceModel } from "./pack";
import { type Avatar, type Face, Person } from "./person";
import { BUST, type Stage, WHOLE } from "./stage";

export class Wardrobe {
  private avatar: Avatar | null = null;
  private body: Body | null = null;
  private model: FaceModel | null = null;

  constructor(private readonly stage: Stage) {}

  /** Whether the whole body is shown. */
  get whole(): boolean {
    return this.body?.root.parent !== null && this.body !== null;
  }

  /** Begin with the page's own person, and take what is dropped on the page, or chosen. */
  open(model: FaceModel): void {
    this.model = model;
    this.wear(new Person(model, this.stage.plain));
    const input = element<HTMLInputElement>("model-file");
    const take = (file: File | undefined): void => {
      if (file) void this.own(file);
    };
    input.addEventListener("change", () => take(input.files?.[0]));
    addEventListener("dragover", (event) => {
      event.preventDefault();
      document.body.classList.add("drop");
    });
    addEventListener("dragleave", (event) => event.relatedTarget || document.body.classList.remove("drop"));
    addEventListener("drop", (event) => {
      event.preventDefault();
      document.body.classList.remove("drop");
      take(event.dataTransfer?.files[0]);
    });
    element("own-avatar").addEventListener("click", () => {
      this.wear(new Person(this.model as FaceModel, this.stage.plain));
      element("own-avatar").hidden = true;
      say("avatar-text", "");
      input.value = "";
      input.focus();
    });
  }

  /** Show the whole body, or the bust. */
  async show(whole: boolean): Promise<void> {
    try {
      if (whole) this.body ??= await Body.load("body.glb", this.stage.plain);
    } catch (error) {
      notice((error as Error).message);
    }
    const body = whole ? this.body : null;
    if (this.body) this.stage.scene.remove(this.body.root);
    if (body) this.stage.scene.add(body.root);
    if (this.avatar) this.avatar.root.visible = !body;
    this.stage.look(body ? WHOLE : BUST);
  }

  /** Move whoever is there: by a body's joints where the body is shown, by the face otherwise. */
  move(face: Face, skeleton: Skeleton | undefined, joints: Float32Array | null): void {
    if (!this.whole) this.avatar?.show(face);
    else if (skeleton && joints) this.body?.show(skeleton, joints);
  }

  private wear(avatar: Avatar): void {
    if (this.avatar) this.stage.scene.remove(this.avatar.root);
    this.avatar?.dispose();
    this.avatar = avatar;
    avatar.root.visible = !this.whole;
    this.stage.scene.add(avatar.root);
  }

  private async own(file: File): Promise<void> {
    say("avatar-text", `reading ${file.name}`);
    try {
      const { avatar, told } = await ownAvatar(file, this.stage.plain);
      this.wear(avatar);
      element("own-avatar").hidden = false;
      say("avatar-text", `${file.name}: ${told}`);
    } catch (error) {
      say("avatar-text", (error as Error).message);
    }
  }
}
