// Draws every [data-chart] from the JSON beside it; the engine is fetched only where there is one.
const drawn = new Map();
let engine = null;

function fetchEngine(address) {
  engine ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.onload = () => resolve(window.echarts);
    script.onerror = reject;
    document.head.append(script);
  });
  return engine;
}

const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--color-${name}`).trim();

/** The page's colours and fonts as an ECharts theme. */
function theme() {
  const [ink, soft, line, ground] = ["base-content", "soft", "base-300", "base-100"].map(token);
  const axis = {
    axisLine: { lineStyle: { color: line } }, axisTick: { lineStyle: { color: line } },
    axisLabel: { color: soft, fontSize: 11 }, splitLine: { lineStyle: { color: line } }, nameTextStyle: { color: soft, fontSize: 11 },
  };
  return {
    color: [1, 2, 3, 4, 5, 6, 7, 8].map((number) => getComputedStyle(document.documentElement).getPropertyValue(`--chart-${number}`).trim()),
    backgroundColor: "transparent",
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: ink },
    title: { textStyle: { color: ink, fontSize: 13 } },
    legend: { textStyle: { color: soft, fontSize: 11 }, itemWidth: 14, itemHeight: 8 },
    tooltip: { backgroundColor: ground, borderColor: line, textStyle: { color: ink, fontSize: 12 } },
    categoryAxis: axis, valueAxis: axis, timeAxis: axis, logAxis: axis,
    line: { symbolSize: 4, lineStyle: { width: 2 } },
    // Neighbours of a stack are told apart by a line of the ground too, not by colour alone.
    bar: { barMaxWidth: 36, itemStyle: { borderColor: ground, borderWidth: 1 } },
    markLine: { lineStyle: { color: soft, type: "dashed" }, label: { color: soft, fontSize: 11 } },
  };
}

const short = new Intl.NumberFormat(document.documentElement.lang, { maximumSignificantDigits: 4, notation: "compact" });

/** How numbers are written; an option names one of these by "@name", since JSON holds no function. */
const FORMATS = {
  number: (value) => (value === null || value === undefined || value === "-" ? "–" : short.format(value)),
  percent: (value) => (typeof value === "number" ? `${Math.round(1000 * value) / 10} %` : "–"),
  seconds: (value) => (typeof value !== "number" ? "–" : value < 0.1 && value > 0 ? `${Math.round(1000 * value)} ms` : `${Number(value.toPrecision(3))} s`),
  bytes: (value) => {
    if (typeof value !== "number") return "–";
    const power = value < 1 ? 0 : Math.min(4, Math.floor(Math.log(value) / Math.log(1024)));
    return `${Number((value / 1024 ** power).toPrecision(3))} ${["B", "KB", "MB", "GB", "TB"][power]}`;
  },
};

function withFormats(option) {
  if (Array.isArray(option)) return option.map(withFormats);
  if (typeof option === "string" && option.startsWith("token:")) return token(option.slice(6));
  if (option === null || typeof option !== "object") return option;
  return Object.fromEntries(Object.entries(option).map(([key, value]) => [
    key, typeof value === "string" && value[0] === "@" && /formatter/i.test(key) ? FORMATS[value.slice(1)] ?? value : withFormats(value),
  ]));
}

/** An option as the server wrote it, with what every chart of ours shares. */
function complete(option) {
  return {
    animation: !matchMedia("(prefers-reduced-motion: reduce)").matches,
    animationDuration: 250,
    grid: { left: 8, right: 12, top: option.legend ? 30 : 12, bottom: 4, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
    ...option,
    ...(option.legend && { legend: { top: 0, right: 8, ...option.legend } }),
    // The default draws its own HTML with inline styles, which our policy forbids.
    tooltip: { trigger: "axis", confine: true, ...option.tooltip, renderMode: "richText" },
  };
}

async function draw(figure) {
  const source = figure.querySelector("[data-chart-option]");
  const canvas = figure.querySelector(".chart-canvas");
  const echarts = await fetchEngine(figure.dataset.engine);
  if (!figure.isConnected) return;
  canvas.style.height = `${Number(figure.dataset.height) || 240}px`;
  drawn.get(figure)?.dispose();
  canvas.replaceChildren();
  const chart = echarts.init(canvas, theme(), { renderer: "canvas" });
  chart.setOption(complete(withFormats(JSON.parse(source.textContent))));
  drawn.set(figure, chart);
  sizes.observe(canvas);
  figure.dispatchEvent(new CustomEvent("ly:chart", { detail: chart, bubbles: true }));
}

const sizes = new ResizeObserver((entries) => {
  for (const { target } of entries) drawn.get(target.closest("[data-chart]"))?.resize();
});

/** Draw the charts below `scope` that are not drawn yet, and forget those that left the page. */
function drawAll(scope = document) {
  for (const [figure, chart] of drawn) {
    if (!figure.isConnected) { chart.dispose(); drawn.delete(figure); }
  }
  for (const figure of scope.querySelectorAll("[data-chart]")) if (!drawn.has(figure)) draw(figure);
}

const redraw = () => { for (const figure of [...drawn.keys()]) draw(figure); };
document.addEventListener("ly:theme", redraw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
document.addEventListener("htmx:after:swap", () => drawAll());
drawAll();

/** The chart inside the element `id`, once it is drawn; for scripts that feed it live. */
export function chartOf(id) {
  return drawn.get(document.getElementById(id));
}
