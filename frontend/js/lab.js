// The lab by keyboard: "/" to the question, j and k through the passages, Enter opens (a details element does that).
const form = document.querySelector("[data-lab]");
const question = form?.querySelector("[data-lab-question]");

function second() {
  const compare = form.elements.compare;
  form.querySelector("[data-lab-second]").hidden = !compare.checked;
}

function move(by) {
  const rows = [...document.querySelectorAll("[data-lab-row] > summary")];
  const at = rows.indexOf(document.activeElement);
  rows[Math.min(rows.length - 1, Math.max(0, at + by))]?.focus();
}

if (form) {
  second();
  form.elements.compare.addEventListener("change", second);
  document.addEventListener("keydown", (event) => {
    if (event.target.closest("input, textarea, select") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/") {
      event.preventDefault();
      question.select();
    }
    if (event.key === "j") move(1);
    if (event.key === "k") move(-1);
  });
}
