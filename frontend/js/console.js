// The console's live parts: an element with data-refresh is asked for again while somebody looks at it.
// Not while a form or a button inside it has the focus, not while the page is hidden, and slower while nobody answers.
const SLOWEST = 60_000;
const timers = new WeakMap();

function due(element, wait) {
  clearTimeout(timers.get(element));
  timers.set(element, setTimeout(() => refresh(element, wait), wait));
}

function busy(element) {
  return document.hidden || element.contains(document.activeElement) || document.querySelector("dialog[open]");
}

async function refresh(element, wait) {
  if (!element.isConnected) return;
  const pace = Number(element.dataset.refreshSeconds || 5) * 1000;
  if (busy(element)) return due(element, pace);
  let answer;
  try {
    answer = await fetch(element.dataset.refresh, { headers: { "HX-Request": "true" } });
  } catch {
    return due(element, Math.min(wait * 2, SLOWEST));
  }
  const elsewhere = answer.headers.get("HX-Redirect");
  if (elsewhere) return location.assign(elsewhere);
  if (!answer.ok) return due(element, Math.min(wait * 2, SLOWEST));
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(element.id);
  if (!fresh || busy(element)) return due(element, pace);
  scrolled(element, fresh);
  window.htmx?.process?.(fresh);
  if (fresh.dataset.refresh) due(fresh, pace);
}

// Tables keep where their reader had scrolled to.
function scrolled(old, fresh) {
  const places = [...old.querySelectorAll(".table-wrap")].map((each) => [each.scrollLeft, each.scrollTop]);
  old.replaceWith(fresh);
  [...fresh.querySelectorAll(".table-wrap")].forEach((each, i) => {
    if (places[i]) [each.scrollLeft, each.scrollTop] = places[i];
  });
}

for (const element of document.querySelectorAll("[data-refresh]")) {
  due(element, Number(element.dataset.refreshSeconds || 5) * 1000);
}
