// The review queue by keyboard: a approves, r rejects, e edits, j and k move. Without it the buttons do the same.
import { typing } from "./keys.js";

const queue = document.querySelector("[data-review]");
const left = document.querySelector("[data-review-left]");
const items = () => [...(queue?.querySelectorAll("[data-review-item]") ?? [])];

function move(from, by) {
  const all = items();
  const next = all[Math.max(0, Math.min(all.length - 1, all.indexOf(from) + by))];
  next?.focus();
}

async function review(item, button) {
  const form = item.querySelector("[data-review-form]");
  const body = new FormData(form, button);
  const answer = await fetch(form.action, { method: "POST", body, headers: { "X-Requested-With": "fetch" } });
  if (!answer.ok) return form.requestSubmit(button);
  const all = items();
  const next = all[all.indexOf(item) + 1] ?? all[all.indexOf(item) - 1];
  item.remove();
  const proposed = document.querySelector("[data-review-left]")?.closest("a")?.getAttribute("aria-current");
  if (proposed && left) left.textContent = Math.max(0, Number(left.textContent) - 1);
  if (next) next.focus();
  else location.reload();
}

queue?.addEventListener("submit", (event) => {
  const form = event.target.closest("[data-review-form]");
  if (!form || !event.submitter) return;
  event.preventDefault();
  review(form.closest("[data-review-item]"), event.submitter);
});

const keys = {
  a: (item) => item.querySelector("button[value=approved]")?.click(),
  r: (item) => item.querySelector("button[value=rejected]")?.click(),
  e: (item) => {
    const edit = item.querySelector(".eval-edit");
    if (!edit) return;
    edit.open = true;
    edit.querySelector("textarea").focus();
  },
  j: (item) => move(item, 1),
  k: (item) => move(item, -1),
};

document.addEventListener("keydown", (event) => {
  if (!queue || typing(event) || !Object.hasOwn(keys, event.key)) return;
  const item = document.activeElement?.closest("[data-review-item]") ?? items()[0];
  if (!item) return;
  event.preventDefault();
  keys[event.key](item);
});

items().at(0)?.focus({ preventScroll: true });
