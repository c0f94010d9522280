// Forms: asked before what cannot be undone, sent once, and a choice that submits itself.
const dialog = document.getElementById("confirm");
const agreed = new WeakSet();

/** A promise of true when the reader agrees to `sentence`. */
export function ask(sentence) {
  dialog.querySelector("#confirm-text").textContent = sentence;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

document.addEventListener("click", async (event) => {
  const asker = event.target.closest("[data-confirm]");
  if (!asker || agreed.has(asker) || asker.disabled) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (!(await ask(asker.dataset.confirm))) return;
  agreed.add(asker);
  asker.click();
  agreed.delete(asker);
}, true);

// A second click on a slow page does not send a second time. A form that htmx sends is htmx's to mind.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method === "dialog" || form.matches("[hx-post], [hx-get], [hx-put], [hx-delete]")) return;
  if (form.dataset.sent && Date.now() - Number(form.dataset.sent) < 8000) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = String(Date.now());
  const button = event.submitter;
  // After the browser has read the button's own value.
  setTimeout(() => button?.setAttribute("aria-busy", "true"));
});

// Back from the cache of pages: the buttons work again.
addEventListener("pageshow", () => {
  document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent);
  document.querySelectorAll("[aria-busy=true]").forEach((button) => button.removeAttribute("aria-busy"));
});

document.addEventListener("change", (event) => {
  if (event.target.matches("select[data-submit]")) event.target.form.requestSubmit();
});

// Every request of htmx carries the token that Django asks for.
document.addEventListener("htmx:config:request", (event) => {
  const token = document.querySelector("input[name=csrfmiddlewaretoken]")?.value;
  if (token) event.detail.ctx.request.headers["X-CSRFToken"] = token;
});
