// Draws a body of joints and lines on a canvas: a perspective camera that a drag turns and a wheel moves, a floor with
// the body's shadow, limbs by depth, and the trails of hands and feet. Metres, Y up; at rest a body faces +Z with its
// left at +X. The camera starts half in front of the body, wherever the piece takes place.

const COLOURS = { "-1": [242, 149, 90], 0: [205, 211, 222], 1: [87, 168, 242] };
const FOCAL = 1.7; // of the picture's height: a vertical angle of 33 degrees
const TRAIL = 14; // frames
const HEAD = 0.054; // radius, of the height

export class Figure {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.trails = true;
    this.at = 0;
    this.reset();
    new ResizeObserver(() => this.draw(this.at)).observe(canvas);
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      canvas.classList.add("turning");
    });
    canvas.addEventListener("pointermove", (event) => {
      if (event.buttons) this.turn(-event.movementX * 0.008, event.movementY * 0.006);
    });
    canvas.addEventListener("pointerup", () => canvas.classList.remove("turning"));
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoom = Math.min(4, Math.max(0.3, this.zoom * Math.exp(-event.deltaY * 0.001)));
      this.draw(this.at);
    }, { passive: false });
    canvas.addEventListener("dblclick", () => { this.reset(); this.draw(this.at); });
  }

  reset() {
    this.yaw = 0.5;
    this.pitch = 0.2;
    this.zoom = 1;
  }

  turn(yaw, pitch) {
    this.yaw += yaw;
    this.pitch = Math.min(1.5, Math.max(-0.1, this.pitch + pitch));
    this.draw(this.at);
  }

  // Shows another piece: positions (frames, joints, 3), the body that task.bodies tells, and the floor's height.
  show(positions, body, floor) {
    Object.assign(this, { positions, body, floor, frames: positions.length / body.joints / 3 });
    const low = [Infinity, floor, Infinity], high = [-Infinity, -Infinity, -Infinity];
    positions.forEach((value, index) => {
      low[index % 3] = Math.min(low[index % 3], value);
      high[index % 3] = Math.max(high[index % 3], value);
    });
    this.centre = low.map((value, axis) => (value + high[axis]) / 2);
    this.size = Math.max(1e-3, high[1] - low[1]);
    this.tall = 0.56 * this.size; // half of it, and the ball of the head
    this.radius = Math.max(1e-3, Math.hypot(high[0] - low[0], high[2] - low[2]) / 2);
    this.front = this.facing();
  }

  // Where the body faces over the whole piece, in radians about Y: a quarter turn from its right side to its left.
  facing() {
    let x = 0, z = 0;
    for (let index = 0; index < this.positions.length; index += 3) {
      const side = this.body.sides[(index / 3) % this.body.joints];
      x += side * this.positions[index];
      z += side * this.positions[index + 2];
    }
    return Math.atan2(-z, x);
  }

  // The pose at a frame that need not be whole: [x, y, z] by joint.
  pose(at) {
    const width = this.body.joints * 3, from = Math.floor(at), to = Math.min(from + 1, this.frames - 1), share = at - from;
    return Array.from({ length: this.body.joints }, (_, joint) => [0, 1, 2].map((axis) => {
      const place = joint * 3 + axis;
      return this.positions[from * width + place] * (1 - share) + this.positions[to * width + place] * share;
    }));
  }

  // Where a point lies on the canvas, and how many pixels a metre is there; null behind the camera.
  project([x, y, z]) {
    const across = x - this.centre[0], up = y - this.centre[1], along = z - this.centre[2];
    const turn = this.front + this.yaw;
    const side = across * Math.cos(turn) - along * Math.sin(turn);
    const near = across * Math.sin(turn) + along * Math.cos(turn);
    const depth = this.far - (up * Math.sin(this.pitch) + near * Math.cos(this.pitch));
    if (depth < this.far * 0.05) return null;
    const metre = this.focal / depth;
    const height = up * Math.cos(this.pitch) - near * Math.sin(this.pitch);
    return { x: this.width / 2 + side * metre, y: this.height / 2 - height * metre, metre, depth };
  }

  draw(at) {
    this.at = at;
    if (!this.positions || !this.canvas.clientWidth) return;
    const ratio = window.devicePixelRatio || 1;
    this.width = this.canvas.clientWidth;
    this.height = this.canvas.clientHeight;
    const pixels = [Math.round(this.width * ratio), Math.round(this.height * ratio)];
    if (this.canvas.width !== pixels[0] || this.canvas.height !== pixels[1]) [this.canvas.width, this.canvas.height] = pixels;
    this.focal = FOCAL * this.height;
    // So far away that the upright cylinder around the piece is seen; a body seldom reaches where it is nearest.
    const tall = this.tall * Math.cos(this.pitch) + this.radius * Math.abs(Math.sin(this.pitch));
    const shares = [tall / (this.height / 2 - 24), this.radius / (this.width / 2 - 24)];
    this.far = (this.focal * Math.max(...shares) + 0.6 * this.radius) / this.zoom;
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.context.clearRect(0, 0, this.width, this.height);
    this.context.lineCap = "round";
    const pose = this.pose(at);
    this.drawFloor();
    this.drawShadow(pose);
    if (this.trails) this.drawTrails(at);
    this.drawBody(pose);
  }

  drawFloor() {
    const step = [0.05, 0.1, 0.25, 0.5, 1, 2, 5].find((metres) => metres * 5 > this.size) || 10;
    const reach = Math.ceil(Math.max(this.radius * 2.5, 2 * this.size) / step);
    const middle = [0, 2].map((axis) => Math.round(this.centre[axis] / step));
    const shade = (a, b) => Math.max(0, 0.2 * (1 - (Math.hypot(a, b) / reach) ** 2));
    for (let a = -reach; a <= reach; a++) {
      for (let b = -reach; b < reach; b++) {
        for (const [i, j] of [[0, 1], [1, 0]]) {
          const [x, z] = i ? [b, a] : [a, b];
          const from = [(middle[0] + x) * step, this.floor, (middle[1] + z) * step];
          const to = [from[0] + i * step, this.floor, from[2] + j * step];
          this.line(from, to, 1, `rgba(170, 182, 205, ${shade(x, z)})`);
        }
      }
    }
  }

  drawShadow(pose) {
    const context = this.context;
    context.beginPath();
    for (const line of this.body.lines) {
      const [a, b] = line.map((joint) => this.project([pose[joint][0], this.floor, pose[joint][2]]));
      if (!a || !b) continue;
      context.moveTo(a.x, a.y);
      context.lineTo(b.x, b.y);
    }
    context.strokeStyle = "rgba(0, 0, 0, 0.4)"; // in one stroke, so that it is nowhere darker where limbs cross
    context.lineWidth = this.thick([pose[0][0], this.floor, pose[0][2]]) * 1.4;
    context.stroke();
  }

  drawTrails(at) {
    this.context.lineCap = "butt"; // round ends would overlap and show as beads
    for (const end of this.body.ends) {
      const colour = COLOURS[this.body.sides[end]];
      let before = null;
      for (let frame = Math.max(0, at - TRAIL); frame <= at; frame += 0.5) {
        const here = this.pose(frame)[end];
        const age = (at - frame) / TRAIL;
        if (before) this.line(before, here, this.thick(here) * 0.45, `rgba(${colour}, ${0.55 * (1 - age)})`);
        before = here;
      }
    }
    this.context.lineCap = "round";
  }

  drawBody(pose) {
    const parts = this.body.lines.map(([from, to]) => {
      const middle = [0, 1, 2].map((axis) => (pose[from][axis] + pose[to][axis]) / 2);
      const side = this.body.sides[to] === this.body.sides[from] ? this.body.sides[to] : 0;
      return { near: this.project(middle), paint: (light) => this.limb(pose[from], pose[to], side, light) };
    });
    if (this.body.head.length) {
      const middle = [0, 1, 2].map((axis) => this.body.head.reduce((sum, joint) => sum + pose[joint][axis], 0) / this.body.head.length);
      const near = this.project(middle);
      if (near) near.depth -= HEAD * this.size; // a ball hides the neck inside it
      parts.push({ near, paint: (light) => this.head(pose, middle, light) });
    }
    const seen = parts.filter((part) => part.near).sort((a, b) => b.near.depth - a.near.depth);
    const span = 2 * this.size;
    for (const part of seen) part.paint(Math.max(0.6, Math.min(1.15, 0.95 - (part.near.depth - this.far) / span)));
  }

  limb(from, to, side, light) {
    const colour = COLOURS[side].map((value) => Math.min(255, Math.round(value * light)));
    this.line(from, to, this.thick(to) + 2.5, "rgba(15, 18, 24, 0.75)");
    this.line(from, to, this.thick(to), `rgb(${colour})`);
  }

  // A ball; what belongs to the head beside its root (eyes) are dots on it, seen from the front only.
  head(pose, middle, light) {
    const at = this.project(middle), radius = HEAD * this.size * at.metre;
    this.disc(at, radius + 1.5, "rgba(15, 18, 24, 0.75)");
    this.disc(at, radius, `rgb(${COLOURS[0].map((value) => Math.min(255, Math.round(value * light)))})`);
    for (const joint of this.body.head.slice(1)) {
      const eye = this.project(pose[joint]);
      if (eye && eye.depth < at.depth) this.disc(eye, radius * 0.16, "#1a1d24");
    }
  }

  thick(place) {
    const at = this.project(place);
    return at ? Math.max(1.5, this.body.thickness * this.size * at.metre) : 0;
  }

  disc(at, radius, colour) {
    this.context.fillStyle = colour;
    this.context.beginPath();
    this.context.arc(at.x, at.y, radius, 0, 2 * Math.PI);
    this.context.fill();
  }

  line(from, to, width, colour) {
    const [a, b] = [this.project(from), this.project(to)];
    if (!a || !b) return;
    this.context.strokeStyle = colour;
    this.context.lineWidth = width;
    this.context.beginPath();
    this.context.moveTo(a.x, a.y);
    this.context.lineTo(b.x, b.y);
    this.context.stroke();
  }
}
