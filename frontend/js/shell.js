// The frame of every page: theme, drawer, menus, time zone, forms. One idea a file; this one starts them.
import "./toast.js";
import "./menus.js";
import "./forms.js";
import "./keys.js";
import "./palette.js";
import "./times.js";
import "./tables.js";

const root = document.documentElement;

// The server writes times in the viewer's zone; it learns the zone here and uses it from the next page on.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && !document.cookie.split("; ").includes(`tz=${encodeURIComponent(zone)}`)) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `tz=${encodeURIComponent(zone)}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
}

function dark() {
  const chosen = root.dataset.theme;
  return chosen ? chosen === "liaoyuan-dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-theme-toggle]")) return;
  const next = dark() ? "light" : "dark";
  root.dataset.theme = `liaoyuan-${next}`;
  try { localStorage.setItem("theme", next); } catch { /* It holds for this page. */ }
  document.dispatchEvent(new CustomEvent("ly:theme", { detail: next }));
});

// Where the tabs do not fit, the one that the reader is in must be in sight.
for (const here of document.querySelectorAll('.tabs > [aria-current]:not([aria-current="false"])')) {
  const tabs = here.parentElement;
  const beyond = here.getBoundingClientRect().right - tabs.getBoundingClientRect().right;
  if (beyond > 0) tabs.scrollLeft += beyond;
}

// An invitation's code stands behind #, which no server sees.
const code = document.querySelector("input[name=token]");
if (code && location.hash.length > 1 && !code.value) code.value = decodeURIComponent(location.hash.slice(1));
