// The editor's desk: keys move and act, hovering shows the place on the page, and other editors are noticed.
import { typing } from "./keys.js";

const desk = document.querySelector("[data-desk]");
const cards = [...document.querySelectorAll("[data-card]")];
const area = document.querySelector("[data-area]");
const EVERY = 8000;

function here() {
  const focused = document.activeElement?.closest?.("[data-card]");
  return focused || document.querySelector("[data-card].is-current") || null;
}

function show(card) {
  const wanted = new Set(card.querySelector("[data-blocks]").dataset.blocks.split(" ").filter(Boolean));
  let first = null;
  for (const place of desk.querySelectorAll("[data-block]")) {
    const on = wanted.has(place.dataset.block);
    place.classList.toggle("is-marked", on);
    if (on && !first && place.getClientRects().length) first = place;
  }
  for (const other of cards) other.classList.toggle("is-marked", other === card);
  return first;
}

function go(card) {
  if (!card) return;
  for (const other of cards) other.classList.toggle("is-current", other === card);
  card.focus({ preventScroll: true });
  card.scrollIntoView({ block: "nearest" });
  show(card)?.scrollIntoView({ block: "nearest" });
}

function step(by) {
  const at = cards.indexOf(here());
  go(cards[at < 0 ? (by > 0 ? 0 : cards.length - 1) : Math.min(cards.length - 1, Math.max(0, at + by))]);
}

function act(key) {
  const tool = here()?.querySelector(`[data-key="${key}"]`);
  if (tool) tool.click();
  return Boolean(tool);
}

function turn(relation) {
  document.querySelector(`.desk .doc-pages a[rel="${relation}"]`)?.click();
}

const KEYS = {
  j: () => step(1), k: () => step(-1), "[": () => turn("prev"), "]": () => turn("next"),
};

function leave() {
  document.querySelector("[data-form] [data-leave]")?.click();
}

document.addEventListener("keydown", (event) => {
  if (!desk || event.defaultPrevented) return;
  if (event.target === area) return inArea(event);
  if (typing(event)) return;
  if (event.key === "Escape" && document.querySelector("[data-form]")) return leave();
  const known = KEYS[event.key];
  if (known) {
    known();
    event.preventDefault();
  } else if ("esmxah".includes(event.key) && act(event.key)) {
    event.preventDefault();
  }
});

// ------ the open form ------

function inArea(event) {
  const control = event.ctrlKey || event.metaKey;
  if (event.key === "Escape" && area.value === area.dataset.stored) leave();
  if (control && event.key === "Enter") {
    event.preventDefault();
    area.form.requestSubmit();
  }
  if (control && event.key === ".") {
    event.preventDefault();
    document.querySelector("[data-split]:not([disabled])")?.click();
  }
}

const split = document.querySelector("[data-split]");

// A place in the text means the stored text: once it was changed, it has to be saved first.
function splittable() {
  if (!split) return;
  split.disabled = area.value.replaceAll("\r\n", "\n") !== area.dataset.stored.replaceAll("\r\n", "\n");
  // The server counts characters, a browser counts halves of the rare ones.
  split.value = String([...area.value.slice(0, area.selectionStart)].length);
}

if (area) {
  area.addEventListener("input", splittable);
  document.addEventListener("selectionchange", splittable);
  area.form.addEventListener("submit", () => { area.dataset.saving = "yes"; });
  addEventListener("beforeunload", (event) => {
    if (area.value !== area.defaultValue && !area.dataset.saving) event.preventDefault();
  });
  document.querySelector("[data-leave]")?.addEventListener("click", () => { area.dataset.saving = "yes"; });
  // A browser moves the focus to the place that the address names once the page is there.
  const begin = () => requestAnimationFrame(() => { area.focus(); splittable(); });
  if (document.readyState === "complete") begin();
  else addEventListener("load", begin);
}

// ------ page and chunks ------

if (desk) {
  desk.addEventListener("pointerover", (event) => {
    const card = event.target.closest("[data-card]");
    if (card && !document.querySelector("[data-form]")) show(card);
  });
  desk.addEventListener("focusin", (event) => {
    const card = event.target.closest("[data-card]");
    if (card) show(card);
  });
  desk.addEventListener("click", (event) => {
    const place = event.target.closest("[data-block]");
    if (!place || place.closest("[data-card]")) return;
    go(cards.find((card) => card.querySelector("[data-blocks]").dataset.blocks.split(" ").includes(place.dataset.block)));
  });
  const current = document.querySelector("[data-card].is-current");
  if (current && !area) go(current);
  setInterval(watch, EVERY);
}

// ------ other editors ------

async function watch() {
  if (document.hidden) return;
  const answer = await fetch(desk.dataset.state, { headers: { Accept: "application/json" } }).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  const { tags } = await answer.json();
  let news = Object.keys(tags).length !== cards.length;
  for (const card of cards) {
    const changed = tags[card.dataset.id] !== card.dataset.tag;
    card.classList.toggle("is-changed", changed);
    news ||= changed;
  }
  const line = document.querySelector("[data-news]");
  if (line) line.hidden = !news;
}
