// Parts of a page that follow a run or a solution: fetched anew when something happens to it, changed in place.
const PAUSE = 400;
const waiting = new Map(); // the element's id → its timer
const running = new Set();
const stale = new Set(); // in use or on their way when news came: looked at again afterwards

const find = (id) => document.getElementById(id);
const inUse = (element) => element.contains(document.activeElement) && document.activeElement.closest("form, [contenteditable]");

/** Everything on the page that follows what `payload` is about. */
export function concerned({ solution_id: solution, run_id: run }) {
  const found = [];
  if (solution) found.push(`[data-live-solution~="${CSS.escape(solution)}"]`);
  if (run) found.push(`[data-live-run~="${CSS.escape(run)}"]`);
  return found.length ? document.querySelectorAll(found.map((each) => `${each}[data-live-url][id]`).join(",")) : [];
}

/** Fetch `element` soon: news of one moment cost one request. */
export function refresh(element) {
  const { id } = element;
  if (waiting.has(id)) return;
  waiting.set(id, setTimeout(() => { waiting.delete(id); fetchNow(id); }, PAUSE));
}

export function refreshAll() {
  document.querySelectorAll("[data-live-url][id]").forEach(refresh);
}

async function fetchNow(id) {
  const element = find(id);
  if (!element) return;
  // A form is not pulled from under the reader's fingers.
  if (running.has(id) || inUse(element)) { stale.add(id); return; }
  running.add(id);
  try {
    const answer = await fetch(element.dataset.liveUrl, { headers: { "HX-Request": "true" }, redirect: "manual" });
    const text = answer.status === 200 ? await answer.text() : "";
    const target = find(id);
    if (text && target && !inUse(target)) await window.htmx.swap({ text, target, sourceElement: target, swap: "outerMorph" });
    else if (text && target) stale.add(id);
  } catch {
    // No connection: everything is looked at again when there is one.
  } finally {
    running.delete(id);
    tidy();
  }
}

function tidy() {
  for (const id of stale) {
    const element = find(id);
    if (element && (inUse(element) || running.has(id))) continue;
    stale.delete(id);
    if (element) refresh(element);
  }
}

document.addEventListener("focusout", () => setTimeout(tidy));
