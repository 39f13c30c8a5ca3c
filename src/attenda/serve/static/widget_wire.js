// The frame's line to the server: its token, requests and streams. The token lives in this tab's own
// session storage, which browsers keep apart by the site around the frame, and is over in a day.

import { t } from "/static/core.js";

const channel = document.body.dataset.channel;
const KEY = `visit:${channel}`;
let token = stored();

function stored() {
  try {
    return sessionStorage.getItem(KEY) ?? "";
  } catch {
    return ""; // no storage: the visit lasts as long as this page
  }
}

export function keep(value) {
  token = value;
  try {
    if (value) sessionStorage.setItem(KEY, value);
    else sessionStorage.removeItem(KEY);
  } catch { /* as above */ }
}

export const hasVisit = () => Boolean(token);

/** A request; throws an Error with the server's own sentence and its key. */
export async function ask(method, path, body) {
  const headers = token && path.startsWith("/api/visit") ? { Authorization: `Bearer ${token}` } : {};
  const init = { method, headers, credentials: "omit" };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    headers["Content-Type"] = "application/json";
  }
  let response;
  try {
    response = await fetch(path, init);
  } catch {
    throw new Error(t("server_gone"));
  }
  const text = await response.text();
  const data = text ? JSON.parse(text) : null;
  if (!response.ok) throw Object.assign(new Error(data?.error?.message ?? response.statusText), { status: response.status, key: data?.error?.key });
  return data;
}

/** Begin a visit; a site's word on who comes that is not accepted is told, and left out. */
export async function begin(identity, refused) {
  const path = `/api/channels/${channel}/visits`;
  const language = document.documentElement.lang;
  try {
    keep((await ask("POST", path, { language, identity })).token);
  } catch (problem) {
    if (problem.key !== "channel.identity") throw problem;
    refused(problem.message);
    keep((await ask("POST", path, { language })).token);
  }
}

const pause = (milliseconds) => new Promise((done) => { setTimeout(done, milliseconds); });

/** Server-sent events by fetch, since an EventSource can send no token; comes back after a cut.
 *  `heard(data)` says false when it has heard enough; `path(last)` names what comes after `last`. */
export async function listen(path, heard, signal) {
  let last = null;
  for (let tries = 0; !signal.aborted; tries += 1) {
    try {
      const response = await fetch(path(last), { headers: { Authorization: `Bearer ${token}` }, credentials: "omit", signal });
      if (response.status === 401) return "over";
      if (response.ok) {
        for await (const event of events(response.body)) {
          tries = 0;
          if (event.id) last = event.id;
          if (event.data && heard(JSON.parse(event.data)) === false) return "done";
        }
      }
    } catch {
      if (signal.aborted) return "left";
    }
    await pause(Math.min(500 * 2 ** tries, 8000));
  }
  return "left";
}

async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      text += value;
      const blocks = text.split("\n\n");
      text = blocks.pop();
      for (const block of blocks) {
        const event = {};
        for (const line of block.split("\n")) {
          if (line.startsWith("data: ")) event.data = line.slice(6);
          if (line.startsWith("id: ")) event.id = line.slice(4);
        }
        yield event;
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
