// The list of a collection's documents: filters that apply themselves, and how many rows are chosen.

for (const form of document.querySelectorAll("form[data-autosubmit]")) {
  let timer;
  form.addEventListener("change", () => form.requestSubmit());
  form.addEventListener("input", (event) => {
    if (event.target.type !== "search") return;
    clearTimeout(timer);
    timer = setTimeout(() => form.requestSubmit(), 600);
  });
}

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
