// Short messages: those the server put on the page, and those a script or an HX-Trigger header asks for.
const LASTS = 6000;
const box = document.getElementById("toasts");
const blank = document.getElementById("toast-template");

function leave(toast) {
  let timer = setTimeout(() => toast.remove(), LASTS);
  toast.addEventListener("pointerenter", () => clearTimeout(timer));
  toast.addEventListener("focusin", () => clearTimeout(timer));
  toast.addEventListener("pointerleave", () => { timer = setTimeout(() => toast.remove(), LASTS); });
}

// Errors and warnings stay until they are closed.
function settle(toast) {
  if (["success", "info"].includes(toast.dataset.toast)) leave(toast);
}

/** Show `text`; `tone` is info, success, warning or error. */
export function toast(text, tone = "info") {
  const source = box?.querySelector(`[data-toast="${tone}"]`) ?? blank?.content.querySelector(".toast");
  if (!source) return;
  const made = source.cloneNode(true);
  made.className = `toast tone-${tone}`;
  made.dataset.toast = tone;
  made.querySelector("p").textContent = text;
  box.append(made);
  settle(made);
}

document.addEventListener("click", (event) => event.target.closest("[data-toast-close]")?.closest(".toast")?.remove());
document.addEventListener("toast", (event) => toast(event.detail?.text ?? "", event.detail?.tone));
box?.querySelectorAll(".toast").forEach(settle);
