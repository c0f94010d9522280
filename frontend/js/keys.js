// Keys of a page: "?" lists them, wherever a page has a list of its own.

/** Whether a key pressed at `target` belongs to a field or an open dialog. One that just closed has the focus for a
 * moment more. */
export function held(target) {
  const holder = target.closest?.("input:not([type=checkbox]), textarea, select, dialog, [contenteditable]");
  return Boolean(holder && !holder.closest("dialog:not([open])"));
}

/** Whether a key press belongs to what the reader types, to the browser, or to an open dialog. */
export function typing(event) {
  return event.ctrlKey || event.metaKey || event.altKey || held(event.target);
}

/** The next of `rows` gets the focus; the first where none had it. */
export function step(rows, by) {
  const at = rows.findIndex((row) => row === document.activeElement || row.contains(document.activeElement));
  const next = rows[at < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, at + by))];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

document.addEventListener("keydown", (event) => {
  const list = document.querySelector("dialog[data-keys]");
  if (!list || event.key !== "?" || typing(event)) return;
  event.preventDefault();
  list.showModal();
});
