// On a narrow screen a table with the class "table-stack" shows each row as a card: its cells are named by their column's
// head. Without this file the table scrolls sideways.
function name() {
  for (const table of document.querySelectorAll("table.table-stack")) {
    const heads = [...table.querySelectorAll("thead th")].map((head) => (head.matches(":has(.sr-only), .pick") ? "" : head.textContent.trim()));
    for (const row of table.querySelectorAll("tbody tr")) {
      [...row.cells].forEach((cell, at) => {
        if (cell.tagName === "TD" && heads[at] && cell.dataset.label !== heads[at]) cell.dataset.label = heads[at];
      });
    }
    table.classList.add("is-named");
  }
}

name();
document.addEventListener("htmx:after:swap", name);
