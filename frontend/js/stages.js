// A filter applies as soon as a choice is made; without this script its button does.
document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-submit-on-change]");
  if (form && event.target.matches("select")) form.requestSubmit();
});

// A link to something folded opens it.
function unfold() {
  const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
  if (target instanceof HTMLDetailsElement) target.open = true;
}
addEventListener("hashchange", unfold);
unfold();

// The head moves by itself; when its run reaches another state the result below has changed too.
const began = document.getElementById("st-head")?.dataset.state;
document.addEventListener("htmx:after:swap", () => {
  const state = document.getElementById("st-head")?.dataset.state;
  if (began !== undefined && state !== undefined && state !== began && !document.querySelector("dialog[open]")) location.reload();
});
