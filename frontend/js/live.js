// One connection to /live for all tabs of a browser: the tab that holds the lock listens, and tells the others.
// Where there are no locks (plain HTTP to another machine) each visible tab listens for itself.
import { concerned, refresh, refreshAll } from "./refresh.js";

const FIRST_DELAY = 1000;
const LONGEST_DELAY = 30_000;
const QUIET = 4000; // a restart of the server is not worth a word
const HIDDEN = 60_000;
const KEPT = 50;

const place = document.getElementById("ly-live");
const name = `ly-live:${place?.dataset.channel}`;
const channel = place && "BroadcastChannel" in window ? new BroadcastChannel(name) : null;
const shared = Boolean(channel && navigator.locks);
const me = Math.random().toString(36).slice(2);

let source = null;
let last = "";
let delay = FIRST_DELAY;
let timers = {};
let away = 0; // since when there is no connection
let over = false;
let attending = null; // how to leave
let recent = [];

function later(key, milliseconds, work) {
  clearTimeout(timers[key]);
  timers[key] = setTimeout(work, milliseconds);
}

function show(which, since) {
  for (const note of place.querySelectorAll("[data-note]")) note.hidden = note.dataset.note !== which;
  const time = place.querySelector(`[data-note="${which}"] time`);
  if (time) {
    time.dateTime = new Date(since).toISOString();
    time.textContent = new Date(since).toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });
  }
}

// What every tab does, whoever heard it.
const heard = {
  event({ payload }) {
    last = String(payload.seq);
    concerned(payload).forEach(refresh);
    document.dispatchEvent(new CustomEvent("ly:event", { detail: payload }));
  },
  ready({ seq, missed }) {
    last = seq || last;
    show("");
    if (missed) refreshAll();
  },
  offline({ since }) { show("offline", since); },
  busy() { show("busy"); },
  ended({ reason }) {
    over = true;
    leave();
    show(reason === "session" ? "session" : "rights");
  },
  hello({ from, age }) {
    if (!source) return;
    const since = Date.now() - age - 2000;
    channel.postMessage({ kind: "recent", to: from, payloads: recent.filter(({ at }) => at > since).map(({ payload }) => payload) });
  },
  recent({ to, payloads }) {
    if (to === me) for (const payload of payloads) heard.event({ payload });
  },
};

function tell(kind, what = {}) {
  heard[kind](what);
  if (shared) channel.postMessage({ kind, ...what });
}

function listen() {
  source?.close();
  const url = new URL(place.dataset.url, location.href);
  if (last) url.searchParams.set("after", last);
  else url.searchParams.set("age", String(Math.ceil(performance.now() / 1000) + 1));
  source = new EventSource(url);
  source.onmessage = ({ data }) => {
    const payload = JSON.parse(data);
    recent = [...recent.slice(1 - KEPT), { payload, at: Date.now() }];
    tell("event", { payload });
  };
  const connected = (event, missed) => {
    clearTimeout(timers.offline);
    tell("ready", { seq: event.lastEventId, missed: missed || (away > 0 && Date.now() - away > QUIET) });
    away = 0;
    // Only a connection that lasts makes the next attempt quick again.
    later("steady", 10_000, () => { delay = FIRST_DELAY; });
  };
  source.addEventListener("ready", (event) => connected(event, false));
  source.addEventListener("again", (event) => connected(event, true));
  source.addEventListener("ended", ({ data }) => tell("ended", JSON.parse(data)));
  source.onerror = lost;
}

async function lost() {
  const refused = source.readyState === EventSource.CLOSED;
  source.close();
  clearTimeout(timers.steady);
  if (!away) {
    away = Date.now();
    later("offline", QUIET, () => tell("offline", { since: away }));
  }
  if (refused && await answered()) return;
  if (!over && attending) later("retry", delay * (0.5 + Math.random()), listen);
  delay = Math.min(delay * 2, LONGEST_DELAY);
}

// Why the server said no, which an EventSource does not tell. True when there is nothing to wait for.
async function answered() {
  try {
    const answer = await fetch(place.dataset.url, { method: "HEAD", redirect: "manual" });
    if (answer.type === "opaqueredirect" || answer.status === 401) tell("ended", { reason: "session" });
    else if (answer.status === 403 || answer.status === 404) tell("ended", { reason: "rights" });
    else if (answer.status === 429) { clearTimeout(timers.offline); tell("busy"); delay = LONGEST_DELAY; }
  } catch {
    // No network: as any other loss.
  }
  return over;
}

function attend() {
  if (over || attending) return;
  if (!shared) {
    attending = () => {};
    listen();
    return;
  }
  const waiting = new AbortController();
  let release = () => {};
  attending = () => { waiting.abort(); release(); };
  const lead = () => new Promise((resolve) => { release = resolve; listen(); });
  navigator.locks.request(name, { signal: waiting.signal }, lead).catch(() => {});
}

function leave() {
  source?.close();
  source = null;
  for (const key of Object.keys(timers)) clearTimeout(timers[key]);
  attending?.();
  attending = null;
}

function comeBack() {
  clearTimeout(timers.hidden);
  if (attending || over) return;
  attend();
  refreshAll();
}

if (place) {
  if (shared) {
    channel.onmessage = ({ data: { kind, ...what } }) => heard[kind]?.(what);
    channel.postMessage({ kind: "hello", from: me, age: performance.now() });
  }
  // Nobody looks: another tab may have the connection, or none needs it.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) later("hidden", HIDDEN, leave);
    else comeBack();
  });
  addEventListener("pagehide", leave);
  addEventListener("pageshow", ({ persisted }) => { if (persisted) comeBack(); });
  addEventListener("online", () => { if (away && attending && source) listen(); });
  attend();
}
