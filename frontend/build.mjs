// Builds static/ from frontend/, templates/ and the packages of the lock file: `node build.mjs`, from anywhere.
// Every file is written beside its place and moved there, so that a reader never sees half of one.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants } from "node:zlib";

import { iconsUnknown, iconsUsed, spriteOf } from "./icons.mjs";

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = dirname(HERE);
const OUT = join(ROOT, "static");
const PACKAGES = join(HERE, "node_modules");
const VENDOR = {
  "htmx.js": "htmx.org/dist/htmx.min.js",
  "alpine.js": "@alpinejs/csp/dist/cdn.min.js",
  "echarts.js": "echarts/dist/echarts.min.js",
};
// What ends up in the browser, whole or in part, and so needs its licence beside it.
const SHIPPED = ["htmx.org", "@alpinejs/csp", "@vue/reactivity", "echarts", "zrender", "lucide-static", "daisyui", "tailwindcss"];
const LUCIDE = join(PACKAGES, "lucide-static/icons");
const COMPRESSED = /\.(css|js|svg|json|txt)$/;

const written = new Set();

function write(path, content) {
  const target = join(OUT, path);
  mkdirSync(dirname(target), { recursive: true });
  const files = [[target, Buffer.from(content)]];
  if (COMPRESSED.test(path)) {
    const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: content.length > 400_000 ? 9 : 11 } };
    files.push([`${target}.br`, brotliCompressSync(files[0][1], quality)]);
  }
  for (const [file, bytes] of files) {
    const draft = `${file}.${process.pid}.part`;
    writeFileSync(draft, bytes);
    renameSync(draft, file);
    written.add(relative(OUT, file));
  }
}

function names(folder, ending) {
  return readdirSync(join(HERE, folder)).filter((name) => name.endsWith(ending)).sort();
}

// app.css first: it names the layers that the others write into.
function styles() {
  const others = names("css", ".css").filter((name) => name !== "app.css");
  const entry = ["app.css", ...others].map((name) => `@import "./css/${name}";`).join("\n");
  const cli = join(PACKAGES, "@tailwindcss/cli/dist/index.mjs");
  const made = execFileSync(process.execPath, [cli, "--input", "-", "--minify"], {
    cwd: HERE, input: entry, encoding: "utf8", maxBuffer: 1 << 26, stdio: ["pipe", "pipe", "pipe"],
  });
  write("css/app.css", made);
}

const IMPORT = /\b(from|import)(\s*\(?\s*)"\.\/([a-z0-9_-]+\.js)"/g;

// A module is what its address says: one that is imported and one that a page loads must have the same, so an import
// gets the version that Django's `{% static %}` writes (the digest of the file, which holds its own imports' versions).
function moduleText(name, made, above = []) {
  if (above.includes(name)) throw new Error(`Modules import each other: ${[...above, name].join(" > ")}`);
  if (!made.has(name)) {
    const text = readFileSync(join(HERE, "js", name), "utf8").replace(IMPORT, (_, word, gap, other) => {
      const digest = createHash("sha256").update(moduleText(other, made, [...above, name])).digest("hex").slice(0, 12);
      return `${word}${gap}"./${other}?v=${digest}"`;
    });
    made.set(name, text);
  }
  return made.get(name);
}

function scripts() {
  const made = new Map();
  for (const name of names("js", ".js")) write(`js/${name}`, moduleText(name, made));
  for (const [name, from] of Object.entries(VENDOR)) {
    // A map would be asked for by the developer tools and not be there.
    const text = readFileSync(join(PACKAGES, from), "utf8").replace(/^\/\/# sourceMappingURL=.*$/m, "");
    write(`vendor/${name}`, text);
  }
}

function pictures() {
  for (const name of names("img", "")) write(`img/${name}`, readFileSync(join(HERE, "img", name)));
  write("icons.svg", spriteOf(icons, LUCIDE));
}

function licences() {
  const parts = SHIPPED.map((name) => {
    const { version, license } = JSON.parse(readFileSync(join(PACKAGES, name, "package.json"), "utf8"));
    const there = readdirSync(join(PACKAGES, name), { withFileTypes: true }).filter((entry) => entry.isFile());
    const files = there.map((entry) => entry.name).filter((file) => /^(licen[cs]e|notice)/i.test(file)).sort();
    const text = files.map((file) => readFileSync(join(PACKAGES, name, file), "utf8").trim()).join("\n\n");
    return `${name} ${version} (${license})\n${"-".repeat(72)}\n${text || `Licensed under ${license}.`}\n`;
  });
  write("vendor/LICENSES.txt", parts.join("\n\n"));
}

function sweep(folder = OUT) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) sweep(path);
    else if (!written.has(relative(OUT, path)) && !entry.name.endsWith(".part") && entry.name !== ".built") rmSync(path);
  }
}

const icons = iconsUsed(ROOT);
styles();
scripts();
pictures();
licences();
sweep();
const digest = createHash("sha256").update([...written].sort().join("\n")).digest("hex").slice(0, 8);
console.log(`${basename(OUT)}/: ${written.size} files (${digest})`);
// Last, so that a name mistyped in one place leaves all others with what is right.
const unknown = iconsUnknown(icons, LUCIDE);
if (unknown.length) {
  console.error(`No such icon: ${unknown.join(", ")}`);
  process.exit(1);
}
