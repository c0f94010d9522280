// The list of a collection's documents: filters that apply themselves, how many rows are chosen, and its keys.
import "./autosubmit.js";
import "./dropping.js";
import "./parts.js";
import { step, typing } from "./keys.js";

function count() {
  const form = document.querySelector("form[data-bulk]");
  const place = form?.querySelector("[data-bulk-count]");
  if (!place) return;
  const boxes = [...form.querySelectorAll("input[name=document]")];
  const chosen = boxes.filter((box) => box.checked).length;
  const all = form.querySelector("[data-bulk-all]");
  all.checked = chosen === boxes.length;
  all.indeterminate = chosen > 0 && chosen < boxes.length;
  place.textContent = chosen ? `${chosen} / ${boxes.length}` : place.dataset.none;
}

document.addEventListener("change", (event) => {
  const form = event.target.closest?.("form[data-bulk]");
  if (!form) return;
  if (event.target.matches("[data-bulk-all]")) {
    for (const box of form.querySelectorAll("input[name=document]")) box.checked = event.target.checked;
  }
  count();
});

const place = document.querySelector("[data-bulk-count]");
if (place) place.dataset.none = place.textContent;

const rows = () => [...document.querySelectorAll("form[data-bulk] .row-link, .files .row-link")];
const KEYS = {
  "/": () => document.querySelector(".filters input[type=search]")?.select(),
  j: () => step(rows(), 1),
  k: () => step(rows(), -1),
  x: () => document.activeElement?.closest("tr")?.querySelector("input[name=document]")?.click(),
  u: () => document.getElementById("upload")?.showModal(),
  "[": () => document.querySelector("a[rel=prev]")?.click(),
  "]": () => document.querySelector("a[rel=next]")?.click(),
};

document.addEventListener("keydown", (event) => {
  if (!document.querySelector(".filters, .files, #upload") || typing(event) || !Object.hasOwn(KEYS, event.key)) return;
  event.preventDefault();
  KEYS[event.key]();
});
