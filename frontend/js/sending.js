// Files and folders by drop or choice, each with its own progress. Without this file the plain form still sends them.
import { Server, Transfer } from "./upload.js";

const AT_ONCE = 2;
const LITTER = /(^|\/)(\.[^/]*|thumbs\.db|desktop\.ini|ehthumbs\.db)(\/|$)/i;

function bytes(size) {
  const unit = size < 1024 ? 0 : size < 1 << 20 ? 1 : size < 1 << 30 ? 2 : 3;
  const value = size / 1024 ** unit;
  return `${unit && value < 10 ? value.toFixed(1) : Math.round(value)} ${["B", "KB", "MB", "GB"][unit]}`;
}

/** Live transfers of a field of `portal/uploads/field.html`. `changed()` is called whenever something moved. */
export function uploads(root, changed = () => {}) {
  const form = root.closest("form");
  const find = (name) => root.querySelector(`[data-${name}]`);
  const words = (name, values = {}) =>
    Object.entries(values).reduce((text, [key, value]) => text.replace(`{${key}}`, value), root.dataset[`word${name[0].toUpperCase()}${name.slice(1)}`]);
  const token = form.querySelector("[name=csrfmiddlewaretoken]");
  const server = new Server(root.dataset.url, token.value, (ended) => {
    find("session").hidden = !ended;
    // The page's own form must not be sent with the token of the session before.
    if (!ended) token.value = server.token;
  });
  const transfers = [];
  const rows = new Map();
  let leftOut = 0;
  let held = false;

  root.classList.add("is-live");
  find("plain").hidden = true;
  const files = find("plain").querySelector("input[type=file]:not([data-folder])");
  const folder = find("folder");
  offer(find("pick"), files);
  if ("webkitdirectory" in folder) offer(find("pick-folder"), folder);
  server.list().then((told) => { server.largestPart = told.part; }).catch(() => { /* The first part says more. */ });

  function offer(button, input) {
    button.hidden = false;
    button.addEventListener("click", () => input.click());
    input.addEventListener("change", () => {
      add([...input.files].map((file) => ({ file, name: file.webkitRelativePath || file.name })));
      input.value = "";
    });
  }

  const drop = find("drop");
  for (const kind of ["dragenter", "dragover"]) drop.addEventListener(kind, (event) => { event.preventDefault(); drop.classList.add("is-over"); });
  for (const kind of ["dragleave", "drop"]) drop.addEventListener(kind, () => drop.classList.remove("is-over"));
  drop.addEventListener("drop", async (event) => {
    event.preventDefault();
    add(await dropped(event.dataTransfer));
  });
  // What an earlier visit sent and nobody wants any more.
  find("list").addEventListener("click", async (event) => {
    const row = event.target.closest("[data-remove]")?.closest(".upload");
    if (!row?.dataset.id || [...rows.values()].includes(row)) return;
    await server.remove(row.dataset.id).catch(() => { /* It is forgotten after three days. */ });
    row.remove();
    total();
  });

  function add(found) {
    for (const { file, name } of found) {
      if (LITTER.test(name) || file.size === 0) { leftOut += 1; continue; }
      const known = transfers.some((each) => each.name === name && each.size === file.size && each.state !== "removed" && each.state !== "wrong");
      if (!known) transfers.push(new Transfer(server, file, name, show));
    }
    for (const transfer of transfers) if (!rows.has(transfer)) place(transfer);
    next();
  }

  function place(transfer) {
    const row = find("row").content.firstElementChild.cloneNode(true);
    rows.set(transfer, row);
    row.querySelector(".upload-name").textContent = transfer.name;
    row.querySelector(".upload-size").textContent = bytes(transfer.size);
    row.querySelector("[data-pause]").addEventListener("click", () => { transfer.hold(); next(); });
    row.querySelector("[data-go]").addEventListener("click", () => { transfer.become("waiting"); next(); });
    row.querySelector("[data-remove]").addEventListener("click", () => { transfer.drop(); row.remove(); next(); });
    find("list").append(row);
    show(transfer);
  }

  function next() {
    const busy = transfers.filter((each) => ["checking", "sending", "broken"].includes(each.state)).length;
    for (const transfer of transfers.filter((each) => each.state === "waiting").slice(0, Math.max(0, AT_ONCE - busy))) {
      transfer.run().then(next);
    }
    total();
  }

  function show(transfer) {
    const row = rows.get(transfer);
    if (!row) return;
    const { state } = transfer;
    row.dataset.state = state;
    if (transfer.shown) row.querySelector(".upload-name").textContent = transfer.shown;
    if (transfer.id) {
      row.dataset.id = transfer.id;
      // The line that the server drew for the same file, before it was chosen again.
      for (const old of find("list").querySelectorAll(`[data-id="${transfer.id}"]`)) if (old !== row) old.remove();
    }
    const percent = transfer.size ? Math.floor((100 * (transfer.received + transfer.moving)) / transfer.size) : 0;
    const bar = row.querySelector("progress");
    bar.value = state === "done" ? 100 : percent;
    bar.setAttribute("aria-label", transfer.shown ?? transfer.name);
    const note = state === "sending" ? `${percent} %` : transfer.message || words(state === "removed" ? "wrong" : state);
    row.querySelector(".upload-note").textContent = note;
    row.querySelector("[data-pause]").hidden = !["waiting", "checking", "sending", "broken"].includes(state);
    row.querySelector("[data-go]").hidden = state !== "paused";
    total();
  }

  const going = () => transfers.filter((each) => ["waiting", "checking", "sending", "paused", "broken"].includes(each.state));

  function total() {
    const counted = transfers.filter((each) => each.state !== "removed" && each.state !== "wrong");
    const done = counted.filter((each) => each.state === "done");
    const sum = (name) => counted.reduce((all, each) => all + each[name], 0);
    let text = "";
    if (counted.length && done.length === counted.length) text = words("all", { all: counted.length });
    else if (counted.length) text = words("total", { done: done.length, all: counted.length, sent: bytes(sum("received") + sum("moving")), size: bytes(sum("size")) });
    if (leftOut) text += ` ${words("hidden", { n: leftOut })}`;
    // Who wanted to go on is told why not for as long as it holds: a file that is late to pause counts once more.
    if (held && going().length) text = `${words("leave")} ${text}`;
    // A reader of the screen hears it when it changes; it changes for each file, not for each part.
    if (find("total").textContent !== text) find("total").textContent = text;
    const size = sum("size");
    changed({ text, percent: size ? Math.floor((100 * (sum("received") + sum("moving"))) / size) : 0 });
  }

  return {
    server,
    add,
    going,
    words,
    /** Files that arrived, now or on an earlier visit. */
    arrived: () => find("list").querySelectorAll('.upload[data-state="done"], .upload[data-complete]').length,
    /** Somebody wants to go on: the line says why that has to wait. */
    hold() { held = true; total(); find("total").scrollIntoView({ block: "nearest" }); },
    say(text) { find("total").textContent = text; },
  };
}

/** What was dropped: files as they are, folders with everything below them. */
export async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return [...transfer.files].map((file) => ({ file, name: file.name }));
  const found = [];
  for (const entry of entries) await walk(entry, found);
  return found;
}

async function walk(entry, found) {
  if (entry.isFile) {
    const file = await new Promise((resolve) => entry.file(resolve, () => resolve(null)));
    if (file) found.push({ file, name: entry.fullPath.replace(/^\//, "") });
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    // A folder tells its entries in portions until one is empty.
    const portion = await new Promise((resolve) => reader.readEntries(resolve, () => resolve([])));
    if (!portion.length) return;
    for (const each of portion) await walk(each, found);
  }
}
