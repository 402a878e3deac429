// Builds the page into engine/data/web (or, with --tests, its tests into out/tests): one script for the page, one for
// the sound's thread, one for the face tracker's; the styles; the licences of what is bundled; the sources' digest.
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "../../engine/data/web");
const SOURCES = ["src", "static", "package.json", "package-lock.json", "build.mjs", "tsconfig.json"];

function files(path) {
  const inside = (name) => readdirSync(join(here, name), { withFileTypes: true });
  const walk = (name) =>
    inside(name).flatMap((e) => (e.isDirectory() ? walk(`${name}/${e.name}`) : [`${name}/${e.name}`]));
  return path.includes(".") ? [path] : walk(path);
}

/** sha256 over the paths and contents of the sources: tests compare it with what is shipped. */
export function digest() {
  const hash = createHash("sha256");
  for (const name of SOURCES.flatMap(files).sort()) hash.update(`${name}\n`).update(readFileSync(join(here, name)));
  return hash.digest("hex");
}

function licences() {
  const parts = ["three", "@pixiv/three-vrm", "@mediapipe/tasks-vision"].map((name) => {
    const folder = join(here, "node_modules", name);
    const about = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
    const text = file
      ? readFileSync(join(folder, file), "utf8")
      : "Apache License 2.0: http://www.apache.org/licenses/LICENSE-2.0";
    return `${name} ${about.version} (${about.license})\n\n${text.trim()}\n`;
  });
  const made = [
    ["face.bin: made from the ICT Face Model Light", "LICENSE.ict.txt"],
    ["body.glb: made from Microsoft Rocketbox", "LICENSE.rocketbox.txt"],
  ].map(([what, file]) => `${what} (MIT)\n\n${readFileSync(join(here, file), "utf8").trim()}\n`);
  return [...parts, ...made].join(`\n${"=".repeat(80)}\n\n`);
}

const common = { bundle: true, target: "es2022", logLevel: "warning", legalComments: "none", absWorkingDir: here };

if (process.argv.includes("--tests")) {
  const tests = readdirSync(join(here, "test")).filter((name) => name.endsWith(".test.ts"));
  rmSync(join(here, "out"), { recursive: true, force: true });
  await build({
    ...common,
    entryPoints: tests.map((name) => join(here, "test", name)),
    outdir: join(here, "out"),
    platform: "node",
    format: "esm",
    outExtension: { ".js": ".mjs" },
    external: ["node:*"],
  });
} else {
  mkdirSync(out, { recursive: true });
  await build({ ...common, entryPoints: ["src/main.ts"], outfile: join(out, "app.js"), format: "esm", minify: true });
  await build({
    ...common,
    entryPoints: ["src/worklet.ts"],
    outfile: join(out, "worklet.js"),
    format: "iife",
    minify: true,
  });
  await build({
    ...common,
    entryPoints: ["src/tracker.ts"],
    outfile: join(out, "tracker.js"),
    format: "iife",
    minify: true,
  });
  await build({
    ...common,
    entryPoints: ["src/jpeg.ts"],
    outfile: join(out, "jpeg.js"),
    format: "iife",
    minify: true,
  });
  for (const name of readdirSync(join(here, "static"))) copyFileSync(join(here, "static", name), join(out, name));
  writeFileSync(join(out, "licences.txt"), licences());
  writeFileSync(join(out, "build.json"), `${JSON.stringify({ sources: digest() })}\n`);
}
