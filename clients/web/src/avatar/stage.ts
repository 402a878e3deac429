// Light, camera and renderer. What is drawn are avatars; a loop elsewhere says when.

import {
  ACESFilmicToneMapping,
  DirectionalLight,
  HemisphereLight,
  Mesh,
  PCFShadowMap,
  PerspectiveCamera,
  PMREMGenerator,
  Scene,
  SRGBColorSpace,
  Vector3,
  WebGLRenderer,
} from "three";
import { RoomEnvironment } from "three/examples/jsm/environments/RoomEnvironment.js";
import { LAMPS, ROOM } from "./light";

export interface View {
  /** Where the camera looks, and from how far, m; height of what it sees there, m. */
  target: Vector3;
  height: number;
}

export const BUST: View = { target: new Vector3(0, -0.015, 0.02), height: 0.46 };
export const WHOLE: View = { target: new Vector3(0, 0.9, 0), height: 2.15 };

/** Shares of the screen's own points that are drawn, coarse to fine. */
const FINENESS = [0.45, 0.6, 0.8, 1];
const [SLOW_MS, FAST_MS] = [40, 18];

/** Whether this browser draws without a graphics card: then smooth edges and shadows cost more than they are worth. */
function drawnBySoftware(): boolean {
  const gl = document.createElement("canvas").getContext("webgl2");
  const about = gl?.getExtension("WEBGL_debug_renderer_info");
  const name = gl && about ? String(gl.getParameter(about.UNMASKED_RENDERER_WEBGL)) : "";
  gl?.getExtension("WEBGL_lose_context")?.loseContext();
  return /swiftshader|llvmpipe|software|basic render/i.test(name);
}

export class Stage {
  readonly scene = new Scene();
  readonly renderer: WebGLRenderer;
  readonly camera = new PerspectiveCamera(24, 1, 0.05, 30);
  /** Whether surfaces have to be quick to draw. */
  readonly plain: boolean;
  private readonly steady: boolean;
  private view = BUST;
  private fineness = FINENESS.length - 1;
  private finest = FINENESS.length - 1;
  private drawn = 0;
  private asked: WebGLSync | null = null;

  /** `full`: as fine as it can be, however long that takes. */
  constructor(
    private readonly canvas: HTMLCanvasElement,
    full: boolean,
  ) {
    this.plain = !full && drawnBySoftware();
    if (this.plain) this.fineness = this.finest = 0;
    this.steady = full;
    // The picture stays readable after it is drawn: tests look at it, and people may save it.
    this.renderer = new WebGLRenderer({ canvas, antialias: !this.plain, alpha: true, preserveDrawingBuffer: true });
    this.renderer.outputColorSpace = SRGBColorSpace;
    this.renderer.toneMapping = ACESFilmicToneMapping;
    this.renderer.toneMappingExposure = 1.0;
    this.renderer.shadowMap.enabled = !this.plain;
    this.renderer.shadowMap.type = PCFShadowMap;
    if (!this.plain) {
      const room = new PMREMGenerator(this.renderer);
      this.scene.environment = room.fromScene(new RoomEnvironment(), 0.04).texture;
      this.scene.environmentIntensity = 0.34;
      room.dispose();
    }
    this.scene.add(new HemisphereLight(ROOM.above, ROOM.below, this.plain ? ROOM.plain : ROOM.full));
    const lamps = LAMPS.map(({ colour, strength, from }) => {
      const made = new DirectionalLight(colour, strength);
      made.position.set(...from);
      this.scene.add(made, made.target);
      return made;
    });
    const key = lamps[0];
    key.castShadow = true;
    key.shadow.mapSize.set(1024, 1024);
    key.shadow.bias = -0.0006;
    key.shadow.normalBias = 0.004;
    key.shadow.radius = 6;
    Object.assign(key.shadow.camera, { left: -0.5, right: 0.5, top: 0.4, bottom: -0.6, near: 0.1, far: 4 });
    this.fit();
  }

  look(view: View): void {
    this.view = view;
    this.fit();
  }

  /** Take the size that the canvas has on the page. */
  fit(): void {
    const { clientWidth: wide, clientHeight: high } = this.canvas;
    if (!wide || !high) return;
    this.renderer.setPixelRatio(FINENESS[this.fineness] * Math.min(2, window.devicePixelRatio));
    this.renderer.setSize(wide, high, false);
    this.camera.aspect = wide / high;
    const { target, height } = this.view;
    // What is narrow is looked at from further: shoulders stay in the picture.
    const seen = Math.max(height, (0.78 * height) / this.camera.aspect);
    const far = seen / 2 / Math.tan((this.camera.fov * Math.PI) / 360);
    this.camera.position.set(target.x, target.y + 0.02 * height, target.z + far);
    this.camera.lookAt(target);
    this.camera.updateProjectionMatrix();
  }

  /** Whether the picture that was asked for last is drawn. Where drawing is slow, others would only queue up behind it,
   * and each would be that much older when it is seen. */
  get ready(): boolean {
    const gl = this.renderer.getContext() as WebGL2RenderingContext;
    if (!this.asked) return true;
    if (!gl.isContextLost() && gl.getSyncParameter(this.asked, gl.SYNC_STATUS) !== gl.SIGNALED) return false;
    gl.deleteSync(this.asked);
    this.asked = null;
    return true;
  }

  /** Draw; `took`: ms from picture to picture of late. Where that is long the picture gets coarser, so that the avatar
   * still moves in time on a machine without a graphics card, and finer again where there is room. */
  draw(took: number): void {
    this.renderer.render(this.scene, this.camera);
    const gl = this.renderer.getContext() as WebGL2RenderingContext;
    if (this.asked) gl.deleteSync(this.asked);
    this.asked = gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0);
    gl.flush();
    this.drawn++;
    if (this.steady || this.drawn < 12 || !Number.isFinite(took)) return;
    const step = took > SLOW_MS && this.fineness > 0 ? -1 : took < FAST_MS && this.fineness < this.finest ? 1 : 0;
    if (!step) return;
    this.drawn = 0;
    // What was too slow once is not tried again.
    if (step < 0) this.finest = this.fineness - 1;
    this.fineness += step;
    this.renderer.shadowMap.enabled = this.fineness > 1;
    this.scene.traverse((each) => {
      if (each instanceof Mesh) for (const one of [each.material].flat()) one.needsUpdate = true;
    });
    this.fit();
  }
}
