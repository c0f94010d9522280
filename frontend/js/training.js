// Feeds the loss chart while the run trains: the new steps are fetched when the ledger says that something happened.
import { chartOf } from "./chart.js";

const figure = document.querySelector("[data-curve]");
const address = figure?.dataset.curve;
const shown = new Map();
let busy = false, again = false;

const say = (number) => (Math.abs(number) < 1000 ? String(Number(number.toPrecision(3))) : Math.round(number).toLocaleString());

function show(last) {
  for (const stat of document.querySelectorAll("[data-number]")) {
    const value = last[stat.dataset.number];
    const place = stat.querySelector(".stat-value")?.firstChild;
    if (value === undefined || !place) continue;
    const rest = stat.dataset.number === "step" ? (place.textContent.match(/\/.*/)?.[0] ?? "") : "";
    place.textContent = rest ? `${say(value)} ${rest}` : say(value);
  }
}

async function fetchSteps() {
  const last = Math.max(0, ...shown.keys());
  const answer = await fetch(`${address}&after=${last}`, { headers: { Accept: "application/json" } });
  if (!answer.ok) return;
  const { points } = await answer.json();
  if (!points.length) return;
  for (const point of points) shown.set(point.step, point.loss);
  const chart = chartOf(figure.id);
  chart?.setOption({ series: [{ data: [...shown].sort((a, b) => a[0] - b[0]) }] });
  show(points.at(-1));
}

/** One question at a time; what happens meanwhile asks once more. */
async function refresh() {
  if (busy) { again = true; return; }
  busy = true;
  try { await fetchSteps(); } finally { busy = false; }
  if (again) { again = false; refresh(); }
}

if (address) {
  const option = JSON.parse(figure.querySelector("[data-chart-option]").textContent);
  for (const [step, loss] of option.series[0]?.data ?? []) shown.set(step, loss);
  document.addEventListener("ly:event", ({ detail }) => {
    if (String(detail.run_id ?? detail.run) === figure.dataset.run) refresh();
  });
}
