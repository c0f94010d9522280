// What needs the reader, and what is behind the bell, anew when something happened that could change it.
const TELLING = new Set(["waiting", "queued", "succeeded", "failed", "errored", "dead", "cancelled"]);
let timer = 0;

document.addEventListener("ly:event", (event) => {
  if (!TELLING.has(event.detail?.kind)) return;
  clearTimeout(timer);
  timer = setTimeout(renew, 600);
});

function renew() {
  renewOne(document.getElementById("needs"), "needsUrl");
  renewOne(document.getElementById("notices"), "noticesUrl");
}

function renewOne(element, name) {
  if (!element || element.contains(document.activeElement)) return;
  window.htmx?.ajax("GET", element.dataset[name], { target: element, swap: "outerMorph" });
}
