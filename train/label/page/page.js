// The page: which clip is shown, keys and clicks, and what the server says is labelled.

import * as api from "./api.js";
import { Figure } from "./figure.js";
import { Panel } from "./panel.js";
import { Player, SPEEDS } from "./player.js";

const find = (id) => document.getElementById(id);
const ONWARD = 450; // ms in which a finished label is seen before the next block comes
const POLL = 3000; // ms between looks at what another window has labelled

const task = await api.task().catch(alarm);
let labels = await api.labels().catch(alarm);
const figure = new Figure(find("figure"));
const player = new Player(moment);
const panel = new Panel(task.scales, give);
const blocks = [];
let clip = 0, onward = 0, queue = Promise.resolve();

function alarm(error) {
  find("alarm").textContent = error.message;
  find("alarm").hidden = false;
  throw error;
}

const values = (number) => labels.labels[number]?.values || {};
const whole = (number) => Object.keys(values(number)).length === task.scales.length;
const take = (number) => task.clips[number].take;

// ---- what is seen

function moment(at) {
  figure.draw(at);
  const frame = Math.floor(at), frames = player.frames;
  find("scrub").value = frame;
  find("frame").textContent = `frame ${frame + 1} / ${frames}`;
}

async function go(number) {
  clearTimeout(onward);
  clip = number;
  history.replaceState(null, "", `#${clip}`);
  const about = task.clips[clip];
  const positions = await api.positions(clip).catch(alarm);
  if (clip !== number) return; // another was asked for meanwhile
  figure.show(positions, task.bodies[about.body], about.floor);
  player.frames = about.frames;
  find("scrub").max = about.frames - 1;
  player.seek(0);
  lay();
  show();
  if (clip + 1 < task.clips.length) api.positions(clip + 1).catch(() => {});
}

// The row of blocks: those of the take that is shown, or of a blind task all.
function lay() {
  const wanted = [...task.clips.keys()].filter((number) => task.blind || take(number) === take(clip));
  if (blocks.length === wanted.length && blocks[0].number === wanted[0]) return;
  blocks.splice(0, Infinity, ...wanted.map((number) => {
    const button = document.createElement("button");
    button.onclick = () => go(number);
    return { number, button };
  }));
  find("blocks").replaceChildren(...blocks.map((block) => block.button));
  find("blocks").classList.toggle("dense", blocks.length > 150);
}

function show() {
  const about = task.clips[clip], done = task.clips.filter((_, number) => whole(number)).length;
  for (const [place, { number, button }] of blocks.entries()) {
    button.className = whole(number) ? "done" : labels.labels[number] ? "half" : "";
    button.setAttribute("aria-current", number === clip);
    button.title = `block ${place + 1}${whole(number) ? ", labelled" : ""}`;
  }
  const place = blocks.findIndex((block) => block.number === clip) + 1;
  const name = document.createElement("b"), where = document.createElement("span");
  name.textContent = task.blind ? `Block ${place}` : task.takes[about.take];
  where.textContent = task.blind ? ` of ${blocks.length}`
    : ` block ${place} of ${blocks.length} · ${(about.start / task.rate).toFixed(1)} s`;
  find("where").replaceChildren(name, where);
  if (!task.blind) {
    const counts = task.takes.map(() => [0, 0]);
    task.clips.forEach((other, number) => { counts[other.take][0] += whole(number); counts[other.take][1] += 1; });
    counts.forEach(([ready, all], number) => { find("take").options[number].text = `${task.takes[number]} (${ready} of ${all})`; });
    find("take").value = about.take;
  }
  find("bar").firstElementChild.style.width = `${100 * done / task.clips.length}%`;
  find("count").textContent = `${done} of ${task.clips.length} blocks labelled`
    + (labels.elsewhere ? `, ${labels.elsewhere} more rows in the file` : "");
  find("undo").disabled = !labels.undo;
  find("clear").disabled = !labels.labels[clip];
  find("unlabelled").disabled = done === task.clips.length;
  panel.show(values(clip), labels.labels);
  transport();
  const missing = task.scales.filter((scale) => !(scale.name in values(clip)));
  const half = missing.length && missing.length < task.scales.length;
  const by = labels.labels[clip]?.by;
  find("saved").className = half ? "half" : whole(clip) ? "good" : "";
  find("saved").textContent = half ? `not saved yet: ${missing.map((scale) => scale.name).join(", ")} is missing`
    : done === task.clips.length ? `all labelled, and saved in ${task.file}`
    : whole(clip) ? `saved in ${task.file}${by === task.by ? "" : ` by ${by}`}` : "not labelled yet";
}

function transport() {
  find("play").textContent = player.playing ? "❚❚" : "►";
  find("play").setAttribute("aria-label", player.playing ? "pause" : "play");
  for (const button of find("speeds").children) button.setAttribute("aria-pressed", Number(button.value) === player.speed);
}

// ---- what is done; changes go out one after the other, so that quick keys arrive in order

function change(ask, then) {
  clearTimeout(onward);
  queue = queue.then(async () => {
    try {
      const answer = await ask();
      labels = answer;
      find("alarm").hidden = true;
      show();
      then(answer);
    } catch (error) {
      find("alarm").textContent = error.message;
      find("alarm").hidden = false;
    }
  });
}

function give(wanted) {
  const number = clip, before = whole(number);
  change(() => api.label(number, wanted), () => {
    if (find("auto").checked && !before && whole(number) && number === clip) onward = setTimeout(unlabelled, ONWARD);
  });
}

const undo = () => change(api.undo, ({ clip: back }) => { if (back !== null && back !== clip) go(back); });
const clear = () => give(Object.fromEntries(task.scales.map((scale) => [scale.name, null])));

function unlabelled() {
  const order = [...task.clips.keys()];
  const next = [...order.slice(clip + 1), ...order.slice(0, clip + 1)].find((number) => !whole(number));
  if (next !== undefined && next !== clip) go(next);
}

const beside = (by) => go(Math.min(task.clips.length - 1, Math.max(0, clip + by)));
function otherTake(by) {
  if (task.blind) return;
  const wanted = take(clip) + by;
  const first = task.clips.findIndex((about) => about.take === wanted);
  if (first >= 0) go(first);
}

const play = () => { player.playing = !player.playing; transport(); };
const step = (by) => { player.step(by); transport(); };
const faster = (by) => { player.faster(by); transport(); };
const trails = () => { find("trails").checked = figure.trails = !figure.trails; figure.draw(figure.at); };

const keys = {
  " ": play, ArrowLeft: () => beside(-1), ArrowRight: () => beside(1), ArrowUp: () => otherTake(-1), ArrowDown: () => otherTake(1),
  ",": () => step(-1), ".": () => step(1), "-": () => faster(-1), "+": () => faster(1), "=": () => faster(1),
  n: unlabelled, z: undo, t: trails, Delete: clear, Backspace: clear,
};
for (const scale of task.scales) for (const level of scale.levels) keys[level.key] = () => give({ [scale.name]: level.value });

document.addEventListener("keydown", (event) => {
  const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code); // whatever the keyboard's language writes there
  const key = digit ? digit[1] : event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const action = keys[key];
  const withControl = event.ctrlKey || event.metaKey;
  if (!action || event.altKey || (withControl && key !== "z") || (event.repeat && action !== undo && !key.startsWith("Arrow") && !",.".includes(key))) return;
  if (document.activeElement?.matches("select") || (key === " " && document.activeElement?.matches("button, input"))) return;
  event.preventDefault();
  action();
});
// A clicked control gives the keyboard back; one that was reached by tab keeps it.
document.addEventListener("pointerup", () => setTimeout(() => {
  if (document.activeElement?.matches("button, input")) document.activeElement.blur();
}));

// ---- the start

find("title").textContent = document.title = task.title;
find("file").textContent = `${task.file} · by ${task.by}`;
find("blind").hidden = !task.blind;
find("takes").hidden = task.blind;
task.takes.forEach((name, number) => find("take").append(new Option(name, number)));
for (const speed of SPEEDS) {
  const button = Object.assign(document.createElement("button"), { value: speed, textContent: `${speed}×` });
  button.onclick = () => { player.speed = speed; transport(); };
  find("speeds").append(button);
}
find("take").onchange = (event) => { otherTake(Number(event.target.value) - take(clip)); event.target.blur(); };
find("scrub").oninput = (event) => { player.playing = false; player.seek(Number(event.target.value)); transport(); };
find("trails").onchange = trails;
find("play").onclick = play;
find("previous").onclick = () => beside(-1);
find("next").onclick = () => beside(1);
find("undo").onclick = undo;
find("clear").onclick = clear;
find("unlabelled").onclick = unlabelled;
player.rate = task.rate;

setInterval(async () => {
  try {
    const answer = await api.labels(labels.version);
    if (answer.session !== task.session) location.reload();
    if (answer.labels && answer.version > labels.version) { labels = answer; show(); }
  } catch (error) {
    find("alarm").textContent = error.message;
    find("alarm").hidden = false;
  }
}, POLL);

const asked = Number(location.hash.slice(1));
const first = task.clips.findIndex((_, number) => !whole(number));
await go(location.hash && task.clips[asked] ? asked : Math.max(0, first));
document.body.dataset.ready = "true";
