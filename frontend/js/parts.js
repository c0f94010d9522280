// The parts of a collection by number: documents, lab, evaluation, sources, index.
import { typing } from "./keys.js";

document.addEventListener("keydown", (event) => {
  if (typing(event) || !/^[1-9]$/.test(event.key)) return;
  const part = document.querySelectorAll("[data-parts] a")[Number(event.key) - 1];
  if (!part) return;
  event.preventDefault();
  part.click();
});
