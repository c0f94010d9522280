// Asking: the question goes out by fetch, the answer comes back as events, and is stored whatever happens to us.
import { openSource, closeSource } from "./citation.js";

const chat = document.querySelector("[data-chat]");
const form = chat?.querySelector("[data-composer]");
const box = form?.querySelector("textarea");
const send = form?.querySelector("[data-send]");
const stop = form?.querySelector("[data-stop]");
const turns = document.getElementById("turns");
const draftKey = `chat-draft:${location.pathname}`;
let running = null;

function say(words) {
  form.querySelector("[data-status]").textContent = words;
}

function complain(words) {
  const place = form.querySelector("[data-error]");
  place.textContent = words;
  place.hidden = !words;
}

function busy(on) {
  send.hidden = on;
  stop.hidden = !on;
  form.setAttribute("aria-busy", String(on));
}

function put(html) {
  const holder = document.createElement("template");
  holder.innerHTML = html;
  const fresh = holder.content.querySelector("[data-turn]");
  const old = document.getElementById(fresh.id);
  if (old) old.replaceWith(fresh);
  else turns.append(fresh);
  turns.querySelector("[data-welcome]")?.remove();
  return fresh;
}

// What a finished answer says, once, to those who do not see it grow.
function announce(turn) {
  const words = turn.querySelector(".answer")?.innerText ?? "";
  say(`${form.dataset.ready} ${words.slice(0, 400)}`);
}

async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    rest += value;
    const parts = rest.split("\n\n");
    rest = parts.pop();
    for (const part of parts) {
      const kind = part.match(/^event: (.*)$/m)?.[1];
      const data = part.match(/^data: (.*)$/m)?.[1];
      if (kind && data) yield { kind, data: JSON.parse(data) };
    }
  }
}

function begun(data, asked) {
  const turn = put(data.html);
  // The form is emptied only now: the question is written down on the other side. A draft beside it stays.
  if (box.value === asked) {
    box.value = "";
    sessionStorage.removeItem(draftKey);
  }
  const address = new URL(data.address, location.href);
  const first = !form.elements.conversation.value;
  form.elements.conversation.value = address.pathname.split("/").at(-2);
  form.elements.key.value = crypto.randomUUID();
  if (first) {
    history.replaceState(null, "", address.pathname);
    window.htmx?.ajax("GET", `${form.dataset.list}?here=${form.elements.conversation.value}`, { target: "#threads", swap: "outerHTML" });
  }
  turn.scrollIntoView({ block: "start", behavior: "smooth" });
  return turn;
}

function finished(data, asked) {
  const turn = put(data.html);
  window.htmx?.process(turn);
  announce(turn);
  if (data.shape === "failed" && !box.value) box.value = asked;
}

// What may be asked next comes after the answer; by then another question may be under way, and then it stays hidden.
function offer(data) {
  const turn = document.getElementById(`turn-${data.turn}`);
  if (!turn || turn.querySelector("[data-follow-ups]")) return;
  const holder = document.createElement("template");
  holder.innerHTML = data.html;
  turn.append(holder.content);
}

// The answer is there: the box is free again, though the stream may still bring what can be asked next.
function release(mine) {
  if (running !== mine) return;
  running = null;
  busy(false);
  box.focus();
}

// A checked sentence appears at once; the finished turn with its marks and sources takes its place.
function grow(turn, text) {
  const place = turn.querySelector("[data-growing]");
  if (!place) return;
  place.hidden = false;
  place.append(text);
}

async function listen(response, asked, mine) {
  let turn = null;
  try {
    for await (const { kind, data } of events(response)) {
      if (kind === "turn") turn = mine.turn = begun(data, asked);
      if (kind === "step" && turn) {
        turn.querySelector("[data-step]").textContent = data.text;
        say(data.text);
      }
      if (kind === "text" && turn) grow(turn, data.text);
      if (kind === "done") {
        turn = null;
        finished(data, asked);
        release(mine);
      }
      if (kind === "follow_ups") offer(data);
    }
  } catch (error) {
    if (error.name !== "AbortError" && turn) complain(form.dataset.lost);
  }
  // The stream ended early: from here on the page asks for the stored turn.
  if (turn?.isConnected && !mine.stopped) window.htmx?.process(turn);
}

// The sentence says that the question is in the box: one that was clicked is put there.
function keep(asked, words) {
  if (!box.value) box.value = asked;
  complain(words);
}

async function refused(response, asked) {
  if ([401, 403].includes(response.status) || response.redirected) return keep(asked, form.dataset.ended);
  if (response.headers.get("HX-Redirect")) return keep(asked, form.dataset.ended);
  const holder = document.createElement("template");
  holder.innerHTML = await response.text();
  const words = response.status < 500 ? holder.content.textContent.trim().replace(/\s+/g, " ") : "";
  keep(asked, words && words.length < 600 ? words : form.dataset.offline);
}

async function ask(asked = box.value) {
  if (running || !asked.trim()) return;
  complain("");
  closeSource({ focus: false });
  const controller = new AbortController();
  const mine = (running = { controller, turn: null, stopped: false });
  const said = new FormData(form);
  said.set("question", asked);
  busy(true);
  try {
    const response = await fetch(form.action, {
      method: "POST",
      body: new URLSearchParams(said),
      headers: { Accept: "text/event-stream", "HX-Request": "true" },
      signal: controller.signal,
    });
    if (response.ok && response.headers.get("Content-Type")?.startsWith("text/event-stream")) await listen(response, asked, mine);
    else await refused(response, asked);
  } catch (error) {
    if (error.name !== "AbortError") keep(asked, form.dataset.offline);
  } finally {
    release(mine);
  }
}

async function halt() {
  const turn = running?.turn;
  if (!turn) return running?.controller.abort();
  running.stopped = true;
  const asked = turn.querySelector(".asked").textContent;
  const body = new URLSearchParams({ csrfmiddlewaretoken: form.elements.csrfmiddlewaretoken.value });
  const response = await fetch(turn.dataset.stopAddress, { method: "POST", body, headers: { "HX-Request": "true" } });
  running?.controller.abort();
  if (!response.ok) return;
  const stopped = put(await response.text());
  window.htmx?.process(stopped);
  if (!box.value) box.value = asked;
  announce(stopped);
}

function keys(event) {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.keyCode !== 229) {
    event.preventDefault();
    form.requestSubmit();
  }
}

if (chat) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask();
  });
  box.addEventListener("keydown", keys);
  box.addEventListener("input", () => sessionStorage.setItem(draftKey, box.value));
  stop.addEventListener("click", halt);
  if (!box.value) box.value = sessionStorage.getItem(draftKey) ?? "";
  chat.addEventListener("submit", (event) => {
    const next = event.target.closest("[data-follow-up]");
    if (!next) return;
    event.preventDefault();
    ask(next.elements.question.value);
  });
  chat.addEventListener("click", (event) => {
    const again = event.target.closest("[data-again]");
    const example = event.target.closest("[data-example]");
    if (!again && !example) return;
    event.preventDefault();
    box.value = again ? again.dataset.again : example.textContent.trim();
    box.focus();
  });
  chat.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-cite]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    openSource(link);
  });
  if (window.matchMedia("(max-width: 63.99rem)").matches) chat.querySelector("[data-threads]").open = false;
  else chat.querySelector("[data-threads]").open = true;
}
