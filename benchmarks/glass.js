// The eyewitness of `benchmarks glass`, put into the page before its own scripts: it is camera and microphone, makes
// flashes and clicks in them at known times, and writes down what passes: pictures to the tracker's thread and faces
// from it, messages to and from the engine, and whether the avatar's pixels have changed in a frame. Nothing of the page
// is replaced: classes of the browser are subclassed to listen, and the page's code runs as it is. All times are ms of
// performance.now(). `GLASS` (pictures, indices and thresholds) is given by benchmarks/glass.py.
(() => {
  const log = { events: [], sent: [], received: {}, clock: [], frames: [], tracked: [], found: [], pictures: [] };
  const { jaw, smile, loud, open } = GLASS;
  const now = () => performance.now();
  const PING = 1_000_000; // far from the page's own, which counts from 1
  let pings = PING;
  let follow = 0; // messages after which the engine is still asked when it had them

  // -- messages ------------------------------------------------------------------------------------------------------
  const base = { ns: null };
  const engineMs = (ns) => {
    base.ns ??= ns;
    return Number(ns - base.ns) / 1e6;
  };

  function record(data, at) {
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    const [kind, valid, count] = [view.getUint8(0), view.getUint8(2), view.getUint32(4, true)];
    const one = { sent: at, at: Number(view.getBigInt64(8, true)) / 1e6, count, voice: kind === 1 };
    if (kind === 1) {
      one.onset = -1;
      for (let i = 0; i < count && one.onset < 0; i++)
        if (Math.abs(view.getInt16(16 + 2 * i, true)) > 32768 * loud) one.onset = i;
    } else one.answers = valid === 1 && count === 58 && view.getFloat32(16 + 4 * jaw, true) > open;
    return one;
  }

  const Socket = window.WebSocket;
  window.WebSocket = class extends Socket {
    constructor(...all) {
      super(...all);
      this.addEventListener("message", (event) => this.heard(event.data, now()));
      this.clock = setInterval(() => this.ask(null), 250);
      this.addEventListener("close", () => clearInterval(this.clock));
    }

    // Messages stay in order, so the engine's answer to a ping says when it had what was sent before.
    ask(after) {
      if (this.readyState !== Socket.OPEN || !base.ready) return;
      pings++;
      log.received[pings] = { after, sent: now() };
      super.send(`{"ping":${pings}}`);
    }

    send(data) {
      const at = now();
      super.send(data);
      if (typeof data === "string") return;
      const one = record(data, at);
      log.sent.push(one);
      const begins = one.voice ? one.onset >= 0 : one.answers;
      if (begins && log.events.length && !log.events.at(-1).followed) {
        log.events.at(-1).followed = true;
        follow = 40;
      }
      if (follow > 0) {
        follow--;
        this.ask(log.sent.length - 1);
      }
    }

    heard(data, at) {
      if (typeof data === "string") {
        base.ready ||= data.includes('"session"');
        const found = /"pong":\s*(\d+),\s*"at":\s*(\d+)/.exec(data);
        if (!found || Number(found[1]) <= PING) return;
        const asked = log.received[found[1]];
        asked.engine = engineMs(BigInt(found[2]));
        if (asked.after === null) log.clock.push({ sent: asked.sent, heard: at, engine: asked.engine });
        else log.sent[asked.after].received = asked.engine;
        delete log.received[found[1]];
        return;
      }
      const view = new DataView(data);
      if (view.getUint16(8, true) >= 256 || view.getUint16(52, true) !== 58) return;
      const time = (offset) => engineMs(view.getBigInt64(offset, true));
      log.frames.push({
        arrived: at,
        seq: Number(view.getBigUint64(16, true)),
        capture: time(24),
        due: time(32),
        publish: time(40),
        step: view.getUint32(12, true) / 1000,
        click: view.getFloat32(56 + 4 * jaw, true),
        flash: view.getFloat32(56 + 4 * smile, true),
      });
    }
  };

  // -- the tracker's thread ------------------------------------------------------------------------------------------
  const Thread = window.Worker;
  window.Worker = class extends Thread {
    constructor(...all) {
      super(...all);
      this.addEventListener("message", ({ data }) => {
        if (data.ready) log.ready = now();
        if ("face" in data) log.found.push({ heard: now(), at: data.at, took: data.took, jaw: data.face?.[jaw] ?? -1 });
      });
    }

    postMessage(...all) {
      if (all[0]?.at !== undefined) log.tracked.push({ posted: now(), at: all[0].at });
      return super.postMessage(...all);
    }
  };

  // -- the devices ---------------------------------------------------------------------------------------------------
  const devices = { sound: null, out: null, line: Number.POSITIVE_INFINITY, shown: 0 };

  function microphone() {
    const sound = new AudioContext({ sampleRate: 48000, latencyHint: "interactive" });
    devices.sound = sound;
    devices.out = new MediaStreamAudioDestinationNode(sound, { channelCount: 1 });
    // A source that is never silent of itself keeps the stream running.
    const still = new ConstantSourceNode(sound, { offset: 0 });
    still.connect(devices.out);
    still.start();
    // When a sample leaves: of the context's time against the page's the quickest counts.
    setInterval(() => {
      if (sound.currentTime > 0) devices.line = Math.min(devices.line, now() - 1000 * sound.currentTime);
    }, 3);
    return devices.out.stream.getAudioTracks();
  }

  async function camera() {
    const bitmaps = await Promise.all(
      GLASS.pictures.map(async (text) =>
        createImageBitmap(new Blob([Uint8Array.from(atob(text), (each) => each.charCodeAt(0))])),
      ),
    );
    const track = new MediaStreamTrackGenerator({ kind: "video" });
    const writer = track.writable.getWriter();
    setInterval(() => {
      const event = devices.pending;
      const frame = new VideoFrame(bitmaps[devices.shown], { timestamp: Math.round(1000 * now()) });
      const at = now();
      void writer.write(frame);
      if (event) event.made = at;
      devices.pending = null;
    }, 1000 / 30);
    return [track];
  }

  navigator.mediaDevices.getUserMedia = async ({ audio, video }) =>
    new MediaStream([...(audio ? microphone() : []), ...(video ? await camera() : [])]);

  // -- the avatar's pixels -------------------------------------------------------------------------------------------
  const picture = { rest: null, size: "", looking: null, copies: [], spare: [] };

  // Have the mouth and what is around it copied once what was asked for before is drawn; nobody waits for it here.
  function copy(then) {
    const gl = document.querySelector("#view").getContext("webgl2");
    const [wide, high] = [gl.drawingBufferWidth, gl.drawingBufferHeight];
    const [w, h] = [Math.floor(0.3 * wide), Math.floor(0.22 * high)];
    const one = picture.spare.pop() ?? { buffer: gl.createBuffer(), bytes: 0 };
    gl.bindBuffer(gl.PIXEL_PACK_BUFFER, one.buffer);
    if (one.bytes !== 4 * w * h) gl.bufferData(gl.PIXEL_PACK_BUFFER, 4 * w * h, gl.STREAM_READ);
    Object.assign(one, { gl, then, bytes: 4 * w * h, size: `${wide}x${high}` });
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.readPixels(Math.floor(0.35 * wide), Math.floor(0.26 * high), w, h, gl.RGBA, gl.UNSIGNED_BYTE, 0);
    gl.bindBuffer(gl.PIXEL_PACK_BUFFER, null);
    one.fence = gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0);
    gl.flush();
    picture.copies.push(one);
  }

  setInterval(() => {
    while (picture.copies.length) {
      const one = picture.copies[0];
      const { gl } = one;
      if (gl.getSyncParameter(one.fence, gl.SYNC_STATUS) !== gl.SIGNALED) return;
      const at = now();
      const out = new Uint8Array(one.bytes);
      gl.bindBuffer(gl.PIXEL_PACK_BUFFER, one.buffer);
      gl.getBufferSubData(gl.PIXEL_PACK_BUFFER, 0, out);
      gl.bindBuffer(gl.PIXEL_PACK_BUFFER, null);
      gl.deleteSync(one.fence);
      picture.copies.shift();
      picture.spare.push(one);
      one.then(out, one.size, at);
    }
  }, 2);

  // For comparison: in place of triangles a field whose colour tells how the mesh lies that was handed over last.
  if (GLASS.clear) {
    const kind = WebGL2RenderingContext.prototype;
    let lies = 0;
    const listen = (name) => {
      const whole = kind[name];
      kind[name] = function (...all) {
        const data = all.find((each) => each instanceof Float32Array);
        if (data?.length > 30_000) lies = data.reduce((sum, each, i) => sum + (i % 3 === 1 ? each : 0), 0);
        return whole.apply(this, all);
      };
    };
    listen("bufferData");
    listen("bufferSubData");
    kind.drawElements = function () {
      this.clearColor((Math.abs(lies) % 7) / 7, (Math.abs(lies) % 61) / 61, 0.5, 1);
      this.clear(this.COLOR_BUFFER_BIT);
    };
  }

  // Runs in each frame after the page has drawn: whoever asks for frames first, is called first.
  function look(stamp) {
    requestAnimationFrame(look);
    const event = picture.looking;
    if (!event) return;
    const begun = now();
    copy((out, size, read) => {
      let differs = 0;
      if (size === picture.size) for (let i = 0; i < out.length; i++) differs += Math.abs(out[i] - picture.rest[i]);
      event.pictures.push({ stamp, begun, read, differs, size });
    });
  }

  const pause = (ms) => new Promise((done) => setTimeout(done, ms));

  async function happen(kind, holdMs) {
    await new Promise((done) =>
      copy((out, size) => {
        [picture.rest, picture.size] = [out, size];
        done();
      }),
    );
    const event = { kind, made: null, pictures: [], followed: false };
    log.events.push(event);
    picture.looking = event;
    if (kind === "click") {
      const { sound } = devices;
      const length = Math.round((sound.sampleRate * holdMs) / 1000);
      const buffer = new AudioBuffer({ length, sampleRate: sound.sampleRate });
      const wave = buffer.getChannelData(0);
      for (let i = 0; i < length; i++) wave[i] = 0.5 * Math.cos((2 * Math.PI * 1000 * i) / sound.sampleRate);
      const source = new AudioBufferSourceNode(sound, { buffer });
      source.connect(devices.out);
      const when = sound.currentTime + 0.06;
      source.start(when);
      event.when = 1000 * when;
      await pause(holdMs + 60);
    } else {
      devices.shown = 1;
      devices.pending = event;
      await pause(holdMs);
      devices.shown = 0;
    }
  }

  window.glass = {
    log,
    begin: () => requestAnimationFrame(look),
    ready: () => log.clock.length > 8 && (!GLASS.pictures.length || log.found.length > 20),
    async run(events, holdMs) {
      log.done = false;
      for (const { kind, afterMs } of events) {
        await pause(afterMs);
        await happen(kind, holdMs);
        picture.looking = null;
      }
      await pause(500);
      log.line = devices.line;
      log.done = true;
    },
  };
})();
