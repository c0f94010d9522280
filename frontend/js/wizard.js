// The wizard's third step: it goes on when every file has arrived.
import { uploads } from "./sending.js";

const root = document.getElementById("uploads");
if (root) begin(root);

function begin(root) {
  const form = root.closest("form");
  const sent = uploads(root);
  // A file that misses the field must not replace the page.
  for (const kind of ["dragover", "drop"]) addEventListener(kind, (event) => event.preventDefault());

  form.addEventListener("submit", (event) => {
    if (form.source.value !== "upload" || !sent.going().length) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    sent.hold();
  }, true);
  let leaving = false;
  form.addEventListener("submit", () => { leaving = true; });
  addEventListener("beforeunload", (event) => { if (!leaving && sent.going().length) event.preventDefault(); });
}
