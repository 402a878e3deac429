// In the place of a browser's devices: a tone for a microphone, a moving picture for a camera, which a test plugs in and
// pulls out. What is asked for while it is out fails as a browser's does.
(() => {
  const there = { audio: true, video: true };
  const tracks = { audio: [], video: [] };
  let gain = null;
  let painter = 0;
  const NAMES = { audio: "a tone", video: "a picture" };

  function tone() {
    const context = new AudioContext();
    const source = new OscillatorNode(context, { frequency: 440 });
    gain = new GainNode(context, { gain: window.bench.loud });
    const out = context.createMediaStreamDestination();
    source.connect(gain).connect(out);
    source.start();
    void context.resume();
    return out.stream;
  }

  function picture() {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [320, 240];
    const brush = canvas.getContext("2d");
    let number = 0;
    painter = setInterval(() => {
      // Covered it is nearly black all over; covered "a little" a lamp is left, and nobody.
      const { covered } = window.bench;
      brush.fillStyle = covered ? "rgb(2, 3, 3)" : "rgb(200, 40, 40)";
      brush.fillRect(0, 0, 320, 240);
      brush.fillStyle = covered === true ? "rgb(6, 5, 4)" : covered ? "rgb(0, 90, 255)" : "black";
      brush.fillRect(0, (number++ * 7) % 200, 160, 40);
    }, 50);
    return canvas.captureStream(20);
  }

  window.bench = {
    loud: 0.3,
    covered: false,
    asked: { audio: 0, video: 0 },
    /** Change how loud the tone is; 0 gives exact zeros. */
    turn(loud) {
      window.bench.loud = loud;
      if (gain) gain.gain.value = loud;
    },
    /** `silently`: no track says that it has ended. */
    pull(kind, silently = false) {
      there[kind] = false;
      for (const track of tracks[kind].splice(0)) {
        track.stop();
        if (!silently) track.dispatchEvent(new Event("ended"));
      }
      navigator.mediaDevices.dispatchEvent(new Event("devicechange"));
    },
    plug(kind, silently = false) {
      there[kind] = true;
      if (!silently) navigator.mediaDevices.dispatchEvent(new Event("devicechange"));
    },
    /** The camera gives no pictures any more, and nobody says so. */
    stall() {
      clearInterval(painter);
    },
    /** The system takes it away and gives it back, or says so. */
    hold(kind, held) {
      for (const track of tracks[kind]) {
        Object.defineProperty(track, "muted", { value: held, configurable: true });
        track.dispatchEvent(new Event(held ? "mute" : "unmute"));
      }
    },
  };

  navigator.mediaDevices.getUserMedia = async (wanted) => {
    const kind = wanted.audio ? "audio" : "video";
    window.bench.asked[kind]++;
    if (!there[kind]) throw new DOMException("Requested device not found", "NotFoundError");
    const stream = kind === "audio" ? tone() : picture();
    const track = stream.getTracks()[0];
    Object.defineProperty(track, "label", { value: NAMES[kind] });
    const settings = track.getSettings.bind(track);
    track.getSettings = () => ({ ...settings(), deviceId: kind });
    tracks[kind].push(track);
    return stream;
  };
  navigator.mediaDevices.enumerateDevices = async () =>
    Object.keys(there)
      .filter((kind) => there[kind])
      .map((kind) => ({ deviceId: kind, kind: `${kind}input`, label: NAMES[kind], groupId: "" }));
})();
