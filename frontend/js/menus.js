// Drawer, menus, help and dialogs: what opens closes by Escape, by a click elsewhere, and gives the focus back.
const root = document.documentElement;
const side = document.getElementById("side");
const opener = document.querySelector("[data-drawer-open]");
const narrow = matchMedia("(max-width: 63.99rem)");

function drawer(open) {
  root.classList.toggle("drawer", open);
  opener?.setAttribute("aria-expanded", String(open));
  document.querySelectorAll(".column").forEach((each) => { each.inert = open; });
  if (open) side.querySelector("a")?.focus();
  else if (side?.contains(document.activeElement)) opener?.focus();
}

opener?.addEventListener("click", () => drawer(true));
narrow.addEventListener("change", () => drawer(false));

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-drawer-close]")) drawer(false);
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  const copier = event.target.closest("[data-copy]");
  if (copier) copy(copier);
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.querySelector("details.menu[open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  } else if (root.classList.contains("drawer")) drawer(false);
  document.activeElement?.closest(".help")?.classList.add("is-closed");
});
document.addEventListener("focusout", (event) => event.target.closest?.(".help")?.classList.remove("is-closed"));

// Arrows walk through an open menu.
document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.("details.menu[open]");
  if (!menu || !["ArrowDown", "ArrowUp"].includes(event.key)) return;
  const items = [...menu.querySelectorAll(".menu-box a, .menu-box button")];
  const step = event.key === "ArrowDown" ? 1 : -1;
  items[(items.indexOf(document.activeElement) + step + items.length) % items.length]?.focus();
  event.preventDefault();
});

async function copy(button) {
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
  } catch {
    // No clipboard without https: the old way.
    const field = document.createElement("textarea");
    field.value = button.dataset.copy;
    (button.closest("dialog") ?? document.body).append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
    button.focus();
  }
  button.classList.add("is-done");
  setTimeout(() => button.classList.remove("is-done"), 1600);
}

// Browsers without invoker commands.
if (!("command" in HTMLButtonElement.prototype)) {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[commandfor]");
    const dialog = button && document.getElementById(button.getAttribute("commandfor"));
    if (dialog && button.getAttribute("command") === "show-modal") dialog.showModal();
    if (dialog && button.getAttribute("command") === "close") dialog.close();
  });
}
