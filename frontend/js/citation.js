// The evidence beside the answer: opened from a citation mark, moved through with the arrow keys, closed with Escape.
import { held } from "./keys.js";

const chat = document.querySelector("[data-chat]");
const panel = chat?.querySelector("[data-evidence]");
let opener = null;

export async function openSource(link, { focus = true } = {}) {
  expand(opener, false);
  opener = link;
  expand(link, true);
  await show(link.href);
  if (focus) panel.focus({ preventScroll: true });
}

export function closeSource({ focus = true } = {}) {
  if (!panel || panel.hidden) return;
  panel.hidden = true;
  panel.replaceChildren();
  chat.classList.remove("has-evidence");
  expand(opener, false);
  if (focus) opener?.focus();
  opener = null;
}

function expand(link, on) {
  if (!link?.isConnected) return;
  if (on) link.setAttribute("aria-expanded", "true");
  else link.removeAttribute("aria-expanded");
}

async function show(address) {
  panel.setAttribute("aria-busy", "true");
  panel.hidden = false;
  chat.classList.add("has-evidence");
  try {
    const response = await fetch(address, { headers: { "HX-Request": "true" } });
    if (!response.ok || response.redirected) {
      // Signed out, or gone: the address itself says it in full.
      location.assign(address);
      return;
    }
    const holder = document.createElement("template");
    holder.innerHTML = await response.text();
    panel.replaceChildren(holder.content);
    panel.scrollTop = 0;
    reveal();
  } finally {
    panel.removeAttribute("aria-busy");
  }
}

// The panel scrolls to the quote, not the page.
function reveal() {
  const marked = panel.querySelector(".quote-line, .box.is-marked, .sheet-blocks .is-marked");
  if (!marked) return;
  const place = marked.getBoundingClientRect();
  const frame = panel.getBoundingClientRect();
  const below = place.bottom - frame.bottom;
  if (below > 0) panel.scrollTop += Math.min(below + 24, place.top - frame.top - 80);
}

async function move(step) {
  const others = [...panel.querySelectorAll("[data-other]")];
  const here = others.findIndex((each) => each.getAttribute("aria-current"));
  const next = others[here + step];
  if (!next) return;
  const turn = opener?.closest("[data-turn]");
  const twin = [...(turn?.querySelectorAll("a[data-cite]") ?? [])].find((each) => each.href === next.href);
  if (twin) await openSource(twin);
  else await show(next.href);
  panel.focus({ preventScroll: true });
}

if (panel) {
  panel.addEventListener("click", (event) => {
    if (event.target.closest("[data-evidence-close]")) closeSource();
    const other = event.target.closest("[data-other]");
    if (!other || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const others = [...panel.querySelectorAll("[data-other]")];
    move(others.indexOf(other) - others.findIndex((each) => each.getAttribute("aria-current")));
  });
  document.addEventListener("keydown", (event) => {
    if (panel.hidden || held(event.target)) return;
    if (event.key === "Escape") closeSource();
    if (event.key === "ArrowRight") move(1);
    if (event.key === "ArrowLeft") move(-1);
  });
}
