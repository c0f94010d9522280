// Keeps the boards of the status page up to date: an event on a solution's stream fetches its card anew.
(() => {
  "use strict";
  const KINDS = ["waiting", "queued", "running", "cancelling", "succeeded", "failed", "errored", "cancelled", "dead", "progress"];
  const MOST_STREAMS = 3; // a browser keeps six connections to one host
  const PAUSE = 400;
  let streams = 0;

  function follow(card) {
    if (card.dataset.live !== "true" || streams >= MOST_STREAMS) return;
    streams += 1;
    const source = new EventSource(`/api/v1/solutions/${card.dataset.solution}/events?after=${card.dataset.after}`);
    let timer = 0;
    const changed = () => {
      if (timer === 0) timer = window.setTimeout(() => { timer = 0; refresh(card, source); }, PAUSE);
    };
    for (const kind of KINDS) source.addEventListener(kind, changed);
  }

  async function refresh(card, source) {
    const response = await fetch(card.dataset.card, { credentials: "same-origin" });
    if (!response.ok || response.redirected) { source.close(); return; }
    const text = await response.text();
    const fresh = new DOMParser().parseFromString(text, "text/html").querySelector("[data-solution]");
    if (!fresh) return;
    // A form in use is not pulled from under the reader's fingers.
    if (card.contains(document.activeElement)) return;
    card.replaceChildren(...fresh.childNodes);
    if (fresh.dataset.live !== "true") { source.close(); streams -= 1; }
  }

  document.querySelectorAll("[data-solution]").forEach(follow);

  const token = document.getElementById("id_token");
  if (token && window.location.hash.length > 20) {
    token.value = decodeURIComponent(window.location.hash.slice(1));
    history.replaceState(null, "", window.location.pathname);
  }

  document.querySelectorAll("select[data-submit]").forEach((select) => {
    select.addEventListener("change", () => select.form.submit());
  });
})();
