// What an engine says of its session, read into plain types; whatever does not fit is refused in words.

export interface Stream {
  stream: number;
  name: string;
  kind: string;
  codec: string;
  of: string;
  names: string[];
  layout: number;
  skeleton: string;
  rate: number;
}

export interface Control {
  name: string;
  low: number;
  high: number;
  default: number;
  value: number | number[];
  choices: string[];
  about: string;
  follows: string;
  words?: string;
}

export interface Skeleton {
  name: string;
  joints: string[];
  parents: number[];
  rest: number[][];
}

export interface Input {
  input: number;
  gives: string;
  count: number;
}

export interface Announcement {
  session: number;
  bundle: string;
  bundles: string[];
  rate: number;
  lookahead: number;
  streams: Map<number, Stream>;
  controls: Control[];
  texts: Map<string, string>;
  skeletons: Map<string, Skeleton>;
  inputs: Map<string, Input>;
  recording: string;
}

type Told = { [key: string]: unknown };

function object(told: unknown, what: string): Told {
  if (typeof told !== "object" || told === null || Array.isArray(told)) throw new Error(`${what} is no object`);
  return told as Told;
}

function list(told: unknown, what: string): unknown[] {
  if (!Array.isArray(told) || told.length > 65535) throw new Error(`${what} is no list`);
  return told;
}

function number(told: unknown, what: string): number {
  if (typeof told !== "number" || !Number.isFinite(told)) throw new Error(`${what} is no number`);
  return told;
}

const text = (told: unknown): string => (typeof told === "string" ? told.slice(0, 1000) : "");
const texts = (told: unknown, what: string): string[] => list(told, what).map(text);

function stream(told: unknown, rate: number): Stream {
  const one = object(told, "a stream");
  const name = text(one.name);
  return {
    stream: number(one.stream, `number of stream ${name}`),
    name,
    kind: text(one.kind),
    codec: text(one.codec),
    of: text(one.of),
    names: texts(one.names, `names of stream ${name}`),
    layout: number(one.layout, `layout of stream ${name}`),
    skeleton: text(one.skeleton),
    rate: number(one.rate ?? rate, `rate of stream ${name}`),
  };
}

function control(told: unknown): Control {
  const one = object(told, "a control");
  const name = text(one.name);
  const value = Array.isArray(one.value) ? one.value.map((each) => number(each, name)) : number(one.value, name);
  return {
    name,
    low: number(one.low, `low of ${name}`),
    high: number(one.high, `high of ${name}`),
    default: typeof one.default === "number" ? one.default : 0,
    value,
    choices: texts(one.choices ?? [], `choices of ${name}`),
    about: text(one.about),
    follows: text(one.follows),
    words: typeof one.words === "string" ? one.words : undefined,
  };
}

function skeleton(told: unknown): Skeleton {
  const one = object(told, "a skeleton");
  const joints = texts(one.joints, "joints");
  const parents = list(one.parents, "parents").map((each) => number(each, "a parent"));
  const rest = list(one.rest, "rest").map((each) => list(each, "an offset").map((n) => number(n, "an offset")));
  const whole = parents.every((parent, joint) => parent < joint) && rest.every((each) => each.length === 3);
  if (!whole || parents.length !== joints.length || rest.length !== joints.length)
    throw new Error(`skeleton ${text(one.name)} does not fit together`);
  return { name: text(one.name), joints, parents, rest };
}

/** The announcement that answers an opening, from parsed JSON. Throws an Error that names what cannot be used. */
export function announcement(answer: unknown): Announcement {
  const whole = object(answer, "the answer");
  const told = object(whole.session, "the announcement");
  const rate = number(told.rate, "rate");
  const streams = list(told.streams, "streams").map((each) => stream(each, rate));
  const skeletons = Object.values(object(told.skeletons ?? {}, "skeletons")).map(skeleton);
  const inputs = list(whole.inputs ?? [], "inputs").map((each): Input => {
    const one = object(each, "an input");
    return { input: number(one.input, "an input"), gives: text(one.gives), count: number(one.count, "a count") };
  });
  return {
    session: number(told.session, "session"),
    bundle: text(told.bundle),
    bundles: texts(told.bundles ?? [told.bundle], "bundles"),
    rate,
    lookahead: number(told.lookahead_frames ?? 0, "lookahead_frames"),
    streams: new Map(streams.map((each) => [each.stream, each])),
    controls: list(told.controls ?? [], "controls").map(control),
    texts: heldTexts(told.texts),
    skeletons: new Map(skeletons.map((each) => [each.name, each])),
    inputs: new Map(inputs.map((each) => [each.gives, each])),
    recording: text(told.recording),
  };
}

/** Texts in force by name, of an announcement or of the answer to a setting. */
export function heldTexts(told: unknown): Map<string, string> {
  const found = new Map<string, string>();
  for (const [name, value] of Object.entries(object(told ?? {}, "texts")))
    found.set(name, text(typeof value === "object" && value !== null ? (value as Told).text : value));
  return found;
}
