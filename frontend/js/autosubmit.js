// Filters that apply themselves. Heard at the document: a form that a live update brought counts as well.
let timer;

document.addEventListener("change", (event) => {
  event.target.closest?.("form[data-autosubmit]")?.requestSubmit();
});

document.addEventListener("input", (event) => {
  const form = event.target.closest?.("form[data-autosubmit]");
  if (!form || event.target.type !== "search") return;
  clearTimeout(timer);
  timer = setTimeout(() => form.requestSubmit(), 600);
});
