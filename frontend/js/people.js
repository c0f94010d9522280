// Groups in use: one click adds the name to the field.
const field = document.querySelector("input[name=groups]");
for (const button of document.querySelectorAll("[data-add-group]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const have = field.value.split(/[,，;；、\n]/).map((name) => name.trim()).filter(Boolean);
    if (!have.includes(button.dataset.addGroup)) field.value = [...have, button.dataset.addGroup].join(", ");
    field.focus();
  });
}
