// People in the chat: who has the conversation, what it waits for, and what one click can answer.

import { showConsent } from "/static/consent.js";
import { $, api, attempt, dayAndTime, el, t } from "/static/core.js";
import { showRating } from "/static/rating.js";
import { mustTellWriting, silenceIsOver, whenSilenceIsOver } from "/static/silence.js";

let stream = null; // EventSource of the session, while people take part in it
let timer = 0; // until it is followed, since nobody has answered

/** Whether more may happen in a session than its owner's own messages begin. */
const isWatched = (session) => session.owner !== "bot" || Boolean(session.approvals?.length) || silenceIsOver(session);

/** Look at the session again after an answer: it may have been passed on, or wait for a yes. */
export async function lookAgain(id, changed) {
  const found = await attempt(() => api("GET", `/api/sessions/${id}`));
  if (found) changed(found);
}

/** Let it be known that the session's owner writes, where somebody waits for it. */
export function tellWriting(session) {
  if (mustTellWriting(session)) api("POST", `/api/sessions/${session.id}/typing`).catch(() => {}); // it was a courtesy
}

/** Follow what people do, for as long as they take part; `changed` is told of each change. */
export function watch(session, changed) {
  clearTimeout(timer);
  timer = whenSilenceIsOver(session, () => watch(session, changed));
  if (!isWatched(session)) return close();
  if (stream?.session === session.id) return;
  close();
  stream = new EventSource(`/api/sessions/${session.id}/watch`);
  stream.session = session.id;
  stream.onmessage = ({ data }) => changed(JSON.parse(data));
}

export function unwatch() {
  clearTimeout(timer);
  close();
}

function close() {
  stream?.close();
  stream = null;
}

/** Say who has the conversation, and offer the answers to what was asked. */
export function showPeople(session, answer) {
  showConsent(session);
  const said = session ? notice(session) : "";
  $("#intended").textContent = session?.notice ?? "";
  $("#intended").hidden = !session?.notice;
  if ($("#notice").textContent !== said) $("#notice").textContent = said;
  $("#notice").hidden = !said;
  if ($("#person")) $("#person").hidden = Boolean(session && session.owner !== "bot" && session.owner !== "resolved");
  const withPerson = session && session.owner !== "bot";
  $("#text").placeholder = t(withPerson ? "write_person" : "ask_placeholder");
  const choices = session?.owner === "bot" ? session.choices ?? [] : [];
  $("#choices").replaceChildren(...choices.map((text) => el("button", { type: "button", onclick: () => answer(text) }, text)));
  $("#choices").hidden = !choices.length;
  showRating($("#rating-ask"), session?.id ?? "", session?.asks_rating, (score, comment) => attempt(async () => {
    await api("PUT", `/api/sessions/${session.id}/rating`, { score, comment });
    return true;
  }));
}

function notice(session) {
  if (session.owner === "queued" && session.promised_at) return t("with_ticket", { when: dayAndTime(session.promised_at) });
  if (session.owner === "queued") return session.waiting_before ? t("with_queue_n", { n: session.waiting_before }) : t("with_queue");
  if (session.owner === "human" || session.owner === "waiting") return t("with_person", { name: session.person });
  if (session.owner === "resolved") return t("with_closed");
  return session.approvals?.length ? t("waits_for_approval") : "";
}
