// A page and its chunks point at each other: choose one, the other shows where it stands.
import { step, typing } from "./keys.js";

const doc = document.querySelector("[data-doc]");

function mark(blocks, { scroll = false } = {}) {
  const wanted = new Set(blocks.map(String));
  let first = null;
  for (const place of doc.querySelectorAll("[data-block]")) {
    const on = wanted.has(place.dataset.block);
    place.classList.toggle("is-marked", on);
    // A picture's text lies folded below it; what is not shown cannot be scrolled to.
    if (on && !first && place.getClientRects().length) first = place;
  }
  for (const pick of doc.querySelectorAll(".chunk-pick")) {
    const on = blocks.length > 0 && pick.dataset.blocks.split(" ").some((each) => wanted.has(each));
    pick.setAttribute("aria-pressed", String(on));
    pick.parentElement.classList.toggle("is-marked", on);
  }
  if (scroll && first) first.scrollIntoView({ block: "center", behavior: "smooth" });
}

function remember(block) {
  const url = new URL(location.href);
  url.searchParams.set("block", block);
  for (const other of ["page", "chunk"]) url.searchParams.delete(other);
  history.replaceState(null, "", url);
}

if (doc) {
  doc.addEventListener("click", (event) => {
    const pick = event.target.closest(".chunk-pick");
    if (pick) {
      const blocks = pick.dataset.blocks.split(" ").filter(Boolean);
      mark(blocks, { scroll: true });
      if (blocks[0]) remember(blocks[0]);
      return;
    }
    const place = event.target.closest("[data-block]");
    if (!place || window.getSelection()?.toString()) return;
    mark([place.dataset.block]);
    remember(place.dataset.block);
    doc.querySelector(".chunk.is-marked")?.scrollIntoView({ block: "nearest", behavior: "smooth" });
  });
  const marked = [...doc.querySelectorAll(".box.is-marked, .sheet-blocks .is-marked")];
  marked[0]?.scrollIntoView({ block: "center" });
  doc.querySelector(".chunk.is-marked")?.scrollIntoView({ block: "nearest" });
}

const picks = () => [...doc.querySelectorAll(".chunk-pick")];
function pick(by) {
  step(picks(), by);
  document.activeElement?.closest(".chunk-pick")?.click();
}

const KEYS = {
  "/": () => document.querySelector(".doc-find input[type=search]")?.select(),
  j: () => pick(1),
  k: () => pick(-1),
  e: () => document.querySelector("a[data-edit]")?.click(),
  "[": () => document.querySelector(".doc-pages a[rel=prev]")?.click(),
  "]": () => document.querySelector(".doc-pages a[rel=next]")?.click(),
};

// Where chunks are edited, the keys are that page's own.
if (doc && !doc.matches("[data-desk]")) {
  document.addEventListener("keydown", (event) => {
    if (typing(event) || !Object.hasOwn(KEYS, event.key)) return;
    event.preventDefault();
    KEYS[event.key]();
  });
}
