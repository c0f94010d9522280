// Which icons the templates and the code name, and one sprite with just those.
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
const IN_TEMPLATE = [/<c-icon\b[^>]*?\bname="([^"]*)"/g, /<c-[a-z-]+\b[^>]*?\bicon="([^"]*)"/g, /\{% icon "([^"]*)"/g];
// Place(_("Home"), "home", "house") · icon="house" · "icon": "house" · every literal of a table whose name ends in ICONS.
const IN_PYTHON = [/\bPlace\(\w*\(?"[^"]*"\)?, "[^"]*", "([^"]*)", "/g, /\bicon="([^"]*)"/g, /"icon": "([^"]*)"/g];
const PYTHON_TABLE = /\b[A-Z_]*ICONS\b[^=\n]*= ?[({[]([\s\S]*?)\n?[)}\]]\n/g;
// A place of another shape: whichever of its words is an icon.
const PYTHON_PLACE = /\b_?[pP]lace\([^\n]*/g;
const IN_SCRIPT = [/\bicon\("([^"]*)"/g];

function* filesBelow(folder, ending) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path, ending);
    else if (entry.name.endsWith(ending)) yield path;
  }
}

function* found(text, patterns) {
  for (const pattern of patterns) for (const match of text.matchAll(pattern)) yield match[1];
}

// "{% if open %}x{% else %}plus{% endif %}" names two icons, "{{ place.icon }}" none that can be known here.
function* words(value) {
  for (const word of value.replace(/\{%.*?%\}|\{\{.*?\}\}/g, " ").split(/\s+/)) if (word) yield word;
}

/** Map of icon name to the file that asks for it, and the names that are only maybe icons. */
export function iconsUsed(root) {
  const sure = new Map();
  const maybe = new Set();
  for (const file of filesBelow(join(root, "templates"), ".html")) {
    for (const value of found(readFileSync(file, "utf8"), IN_TEMPLATE)) for (const word of words(value)) sure.set(word, file);
  }
  for (const area of ["portal", "console"]) {
    for (const file of filesBelow(join(root, "platform/liaoyuan", area), ".py")) {
      const text = readFileSync(file, "utf8");
      for (const value of found(text, IN_PYTHON)) for (const word of words(value)) sure.set(word, file);
      for (const [line] of text.matchAll(PYTHON_PLACE)) for (const [, word] of line.matchAll(/"([^"]*)"/g)) maybe.add(word);
      for (const [, table] of text.matchAll(PYTHON_TABLE)) for (const [, word] of table.matchAll(/"([^"]*)"/g)) maybe.add(word);
    }
  }
  for (const file of filesBelow(join(root, "frontend/js"), ".js")) {
    for (const value of found(readFileSync(file, "utf8"), IN_SCRIPT)) sure.set(value, file);
  }
  return { sure, maybe };
}

const known = (folder) => (name) => NAME.test(name) && existsSync(join(folder, `${name}.svg`));

/** Who asked for an icon that does not exist, as "name (file)". */
export function iconsUnknown({ sure }, folder) {
  return [...sure].filter(([name]) => !known(folder)(name)).map(([name, file]) => `${name} (${file})`);
}

/** An SVG with a symbol for each name that there is. */
export function spriteOf({ sure, maybe }, folder) {
  const symbols = [...new Set([...sure.keys(), ...maybe])].filter(known(folder)).sort().map((name) => {
    const body = readFileSync(join(folder, `${name}.svg`), "utf8").match(/<svg[\s\S]*?>([\s\S]*)<\/svg>/)[1];
    return `<symbol id="${name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round">${body.replace(/\s*\n\s*/g, "")}</symbol>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>`;
}
