// One file on its way in, part by part. What arrived stays on the server: a broken connection, a pause, a reload or an
// expired session costs at most the part that was on its way.
const SMALLEST = 256 * 1024;
const FIRST = 1024 * 1024;
const LONGEST_PAUSE = 15_000;

export class Refused extends Error {
  constructor(message) { super(message); this.name = "Refused"; }
}
class SessionEnded extends Error {}

const hex = (buffer) => [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** The server's side: one for a page. `session(ended)` is called when the session ends and when it is back. */
export class Server {
  constructor(url, token, session) {
    Object.assign(this, { url, token, session, largestPart: FIRST, waiting: null });
  }

  async open(file, name) {
    const body = new FormData();
    body.set("name", name);
    body.set("size", file.size);
    body.set("modified", file.lastModified || 0);
    return this.ask("POST", this.url, body);
  }

  part(id, offset, blob, digest, progress, signal) {
    const headers = { "Content-Type": "application/octet-stream", ...(digest && { "X-Part-SHA256": digest }) };
    return this.ask("POST", `${this.url}/${id}?offset=${offset}`, blob, headers, progress, signal);
  }

  remove(id) { return this.ask("POST", `${this.url}/${id}/remove`, new FormData()); }

  list() { return this.ask("GET", this.url); }

  /** Resolves when somebody has signed in again; everybody who waits shares one question every three seconds. */
  signedIn() {
    this.waiting ??= (async () => {
      this.session(true);
      for (;;) {
        await new Promise((resolve) => setTimeout(resolve, 3000));
        try {
          this.token = (await this.list()).token;
          break;
        } catch (error) {
          if (error instanceof Refused) throw error;
        }
      }
      this.session(false);
      this.waiting = null;
    })();
    return this.waiting;
  }

  // XMLHttpRequest and not fetch: only it tells how much of a body has left.
  ask(method, url, body = null, headers = {}, progress = null, signal = null) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open(method, url);
      for (const [name, value] of Object.entries({ "HX-Request": "true", "X-CSRFToken": this.token, ...headers })) {
        request.setRequestHeader(name, value);
      }
      if (progress) request.upload.onprogress = (event) => progress(event.loaded);
      request.onload = () => this.answered(request, resolve, reject);
      request.onerror = request.ontimeout = () => reject(new TypeError("connection"));
      request.onabort = () => reject(new DOMException("paused", "AbortError"));
      signal?.addEventListener("abort", () => request.abort(), { once: true });
      request.send(body);
    });
  }

  answered(request, resolve, reject) {
    let told = null;
    try { told = JSON.parse(request.responseText); } catch { /* A proxy's page, or ours. */ }
    if (request.status < 300 && told) return resolve(told);
    // 403 comes from a token of the session before.
    if (request.status === 401 || (request.status === 403 && !told)) return reject(new SessionEnded());
    if (told?.retryable) return reject(Object.assign(new TypeError(told.code), { received: told.received }));
    if (request.status >= 500 || request.status === 429 || request.status === 0) return reject(new TypeError("server"));
    return reject(new Refused(told?.message ?? `${request.status}`));
  }
}

/** Sends one file. `told(transfer)` is called whenever something changes. States: waiting, checking, sending, paused,
    broken, done, wrong. */
export class Transfer {
  constructor(server, file, name, told) {
    Object.assign(this, { server, file, name, told, size: file.size, received: 0, moving: 0, state: "waiting" });
    Object.assign(this, { id: null, message: "", step: FIRST, pause: 1000, stopper: null });
  }

  become(state, message = "") {
    if (this.state === "removed") return;
    this.state = state;
    this.message = message;
    this.told(this);
  }

  async run() {
    this.stopper = new AbortController();
    this.become("checking");
    while (this.state !== "paused" && this.state !== "removed") {
      try {
        this.take(await this.server.open(this.file, this.name));
        await this.parts();
        return;
      } catch (error) {
        if (!(await this.mend(error))) return;
      }
    }
  }

  async parts() {
    while (this.received < this.size) {
      this.become("sending");
      const began = performance.now();
      const blob = this.file.slice(this.received, Math.min(this.received + this.step, this.size));
      const digest = crypto.subtle ? hex(await crypto.subtle.digest("SHA-256", await blob.arrayBuffer())) : "";
      const progress = (loaded) => { this.moving = Math.min(loaded, blob.size); this.told(this); };
      this.take(await this.server.part(this.id, this.received, blob, digest, progress, this.stopper.signal));
      this.pause = 1000;
      if (performance.now() - began < 1000) this.step = Math.min(this.step * 2, this.server.largestPart);
    }
    this.become("done");
  }

  take(row) {
    this.id = row.id;
    this.shown = row.name;
    this.received = row.received;
    this.moving = 0;
    this.told(this);
  }

  /** Whether to try again, after what has to be waited for. */
  async mend(error) {
    this.moving = 0;
    if (error.name === "AbortError" || this.state === "removed") return false;
    if (error instanceof SessionEnded) {
      this.become("broken");
      try { await this.server.signedIn(); } catch (refused) { this.become("wrong", refused.message); return false; }
      return this.state === "broken";
    }
    if (error instanceof TypeError) {
      this.step = Math.max(SMALLEST, this.step / 2);
      this.become("broken");
      await this.quiet();
      return this.state === "broken";
    }
    // The file was changed or taken away under our hands, or the server said no.
    this.become("wrong", error.message);
    return false;
  }

  quiet() {
    const pause = this.pause;
    this.pause = Math.min(pause * 2, LONGEST_PAUSE);
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, pause);
      addEventListener("online", () => { clearTimeout(timer); resolve(); }, { once: true });
    });
  }

  hold() {
    this.become("paused");
    this.stopper?.abort();
  }

  async drop() {
    const id = this.id;
    this.become("removed");
    this.stopper?.abort();
    if (id) await this.server.remove(id).catch(() => { /* It is forgotten after three days. */ });
  }
}
