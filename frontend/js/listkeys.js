// Keys of a page that is a list: through its rows, to its filter, something new.
import "./parts.js";
import { step, typing } from "./keys.js";

const rows = () => [...document.querySelectorAll("main table tbody :is(.row-link, th a)")];
const KEYS = {
  j: () => step(rows(), 1),
  k: () => step(rows(), -1),
  "/": () => document.querySelector("main input[type=search]")?.select(),
  n: () => document.querySelector("[data-new]")?.click(),
};

document.addEventListener("keydown", (event) => {
  if (typing(event) || !Object.hasOwn(KEYS, event.key)) return;
  event.preventDefault();
  KEYS[event.key]();
});
