// "3 min ago" stays true while the page is open.
const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60]];
const words = new Intl.RelativeTimeFormat(document.documentElement.lang || "en", { numeric: "always", style: "short" });

function refresh() {
  for (const each of document.querySelectorAll("time[data-relative]")) {
    const seconds = (new Date(each.dateTime) - Date.now()) / 1000;
    // What is overdue keeps its words until the page hears what became of it.
    if (each.dataset.relative === "until" && seconds < 0) continue;
    const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? [];
    if (unit && Math.abs(seconds) < 30 * 86400) each.textContent = words.format(Math.round(seconds / size), unit);
  }
}
setInterval(refresh, 30_000);
