// The server's interface (train/label/server.py). A refusal is thrown as an Error with the server's words; where no
// server answers, the error says what that means for the person who labels.

async function ask(path, options) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Error("The program behind this page does not answer, so labels are not saved. "
      + "Start it again with the same --out, then reload this page: nothing that was saved is lost.");
  }
  if (!answer.ok) {
    const told = await answer.json().catch(() => ({}));
    throw new Error(told.error || `${path}: ${answer.status}`);
  }
  return answer;
}

const json = async (path, options) => (await ask(path, options)).json();

// Changes name the session of the task that is shown, so that a page of an earlier start cannot label other clips.
const post = (path, body) => json(path, {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify(body),
});

let session = "";
export async function task() {
  const told = await json("/api/task");
  session = told.session;
  return told;
}
export const labels = (after) => json(after === undefined ? "/api/labels" : `/api/labels?after=${after}`);
export const label = (clip, values) => post("/api/labels", { session, clip, values });
export const undo = () => post("/api/undo", { session });

// Positions of a clip as a Float32Array, frame by frame and joint by joint x, y, z (little-endian, as browsers run on).
const kept = new Map();
export function positions(clip) {
  if (!kept.has(clip)) {
    if (kept.size > 200) kept.delete(kept.keys().next().value);
    const coming = ask(`/api/clips/${clip}`).then(async (answer) => new Float32Array(await answer.arrayBuffer()));
    coming.catch(() => kept.delete(clip));
    kept.set(clip, coming);
  }
  return kept.get(clip);
}
