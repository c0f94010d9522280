// The lab by keyboard: "/" to the question, j and k through the passages, Enter opens (a details element does that).
import "./parts.js";
import { step, typing } from "./keys.js";

const form = document.querySelector("[data-lab]");
const question = form?.querySelector("[data-lab-question]");
const passages = () => [...document.querySelectorAll("[data-lab-row] > summary")];

function second() {
  const compare = form.elements.compare;
  form.querySelector("[data-lab-second]").hidden = !compare.checked;
}

function tick() {
  document.activeElement?.closest("tr")?.querySelector("input[name=chunk]")?.click();
}

function options() {
  const part = form.querySelector(".lab-options");
  part.open = !part.open;
  if (part.open) part.querySelector("input, select")?.focus();
}

const KEYS = { "/": () => question.select(), j: () => step(passages(), 1), k: () => step(passages(), -1), x: tick, o: options };

if (form) {
  second();
  form.elements.compare.addEventListener("change", second);
  document.addEventListener("keydown", (event) => {
    if (typing(event) || !Object.hasOwn(KEYS, event.key)) return;
    event.preventDefault();
    KEYS[event.key]();
  });
}
