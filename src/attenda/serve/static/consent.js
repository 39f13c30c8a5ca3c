// Consent: whether a chat, or all of a person's chats, may be used to train models.

import { $, api, attempt, t, when } from "/static/core.js";

/** The box beneath a chat: what counts for it now, and one click to change it. */
export function showConsent(session) {
  const line = $("#consent");
  const box = line?.querySelector("input");
  if (!box) return;
  line.hidden = !session?.consent;
  if (line.hidden) return;
  box.checked = session.consent.allowed;
  line.title = told(session.consent);
  box.onchange = () => answer(box, `/api/sessions/${session.id}/consent`, (consent) => { session.consent = consent; line.title = told(consent); });
}

/** The box of all my chats. */
export async function showMine() {
  const box = $("#my-consent");
  const me = box && (await attempt(() => api("GET", "/api/me")));
  if (!me) return;
  box.checked = me.consent.allowed;
  $("#my-consent-since").textContent = told(me.consent);
  box.onchange = () => answer(box, "/api/me/consent", (consent) => { $("#my-consent-since").textContent = told(consent); });
}

async function answer(box, path, done) {
  const allowed = box.checked;
  if ((await attempt(() => api("PUT", path, { allowed }))) === undefined) { box.checked = !allowed; return; }
  done({ allowed, source: path.startsWith("/api/me") ? "person" : "session", at: Date.now() * 1000 });
}

/** Whose word counts, and since when. */
const told = (consent) => t(`consent_by_${consent.source}${consent.allowed ? "" : "_not"}`, { when: consent.at ? when(consent.at) : "" });
