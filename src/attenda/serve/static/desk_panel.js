// What a pack shows beside a conversation: asked for when the conversation changes, and now and then.

import { $, api } from "/static/core.js";

const LOOK_MS = 10000;
let id = "";
let told = "";

/** Show the panel of the conversation `session`, or that of none. */
export function showPanel(session) {
  if (session !== id) clear();
  id = session;
  look();
}

function clear() {
  told = "";
  $("#panel-box").hidden = true;
  $("#panel").replaceChildren();
}

async function look() {
  const asked = id;
  if (!asked) return;
  let found;
  try {
    found = await api("GET", `/api/desk/sessions/${encodeURIComponent(asked)}/panel`);
  } catch { return; } // it has left the desk, or the server is away; the next look says
  if (asked !== id || found.html === told) return;
  told = found.html;
  $("#panel-title").textContent = found.title;
  const open = [...$("#panel").querySelectorAll("details")].map((one) => one.open);
  $("#panel").replaceChildren(...new DOMParser().parseFromString(found.html, "text/html").body.childNodes);
  $("#panel").querySelectorAll("details").forEach((one, n) => { if (n in open) one.open = open[n]; });
  $("#panel-box").hidden = !found.html.trim();
}

setInterval(() => { if (!document.hidden) look(); }, LOOK_MS);
