// One question to an agent's draft, beside its editor: the answer comes as in a chat.

import { $, api, el, t } from "/static/core.js";
import { render } from "/static/markdown.js";
import { openSource } from "/static/source.js";

let session = null; // one chat for all questions of an editor: {id, agentId}
let stream = null;

/** Forget the answer that is shown, and stop following it. */
export function clearTrial() {
  stream?.close();
  stream = null;
  session = null;
  $("#answer").replaceChildren();
}

/** Ask the agent as its draft is saved; each question stands alone. */
export async function askAgent(agentId, text) {
  stream?.close();
  if (session?.agentId !== agentId) session = { ...(await api("POST", "/api/sessions", { agent_id: agentId, draft: true })), agentId };
  const started = await api("POST", `/api/sessions/${session.id}/messages`, { text, parent_id: "" });
  follow(started.after);
}

function follow(after) {
  const answer = { letters: [], cited: [], passages: null, end: null };
  paint(answer);
  stream = new EventSource(`/api/sessions/${session.id}/events?after=${after}`);
  stream.onmessage = ({ data }) => {
    take(answer, JSON.parse(data));
    if (answer.end) stream.close();
    paint(answer);
  };
}

function take(answer, event) {
  if (event.type === "text") answer.letters.splice(event.at, Infinity, ...event.text); // by code points
  else if (event.type === "cited" && !answer.cited.some((one) => one.n === event.citation.n)) answer.cited.push(event.citation);
  else if (event.type === "searched") answer.passages ??= event.passages;
  else if (event.type === "nearest") answer.nearest = event.passages;
  else if (event.type === "run.finished") answer.end = event;
}

function paint(answer) {
  const body = el("div", { class: "body" });
  if (answer.letters.length) body.append(render(answer.letters.join(""), (n) => marker(answer.cited.find((one) => one.n === n))));
  else if (!answer.end) body.append(el("span", { class: "waiting", role: "img", "aria-label": t("thinking") }, "●●●"));
  const parts = [body];
  if (answer.passages) parts.unshift(el("p", { class: "faint" }, t("searched", { n: answer.passages.length })));
  if (answer.end) parts.push(...ending(answer));
  $("#answer").replaceChildren(el("article", { class: "message assistant box", "aria-label": t("attenda") }, parts));
}

const open = (one) => el("button", { class: "link", type: "button", onclick: () => openSource(one.document_id, one) }, one.document);

function marker(cited) {
  if (!cited) return null;
  const label = t("citation", { n: cited.n, document: cited.document });
  return el("button", { class: "cite", type: "button", title: cited.quote, "aria-label": label, onclick: () => openSource(cited.document_id, cited) }, String(cited.n));
}

function* ending({ cited, nearest, end }) {
  if (cited.length) yield el("ol", { class: "sources", "aria-label": t("sources") }, cited.map((one) => el("li", { value: one.n }, open(one), el("q", {}, one.quote))));
  if (nearest?.length) yield el("ol", { class: "sources", "aria-label": t("nearest") }, nearest.map((one) => el("li", {}, open(one), el("q", {}, one.text.slice(0, 200)))));
  if (end.reason === "failed") yield el("p", { class: "bad", role: "alert" }, end.error_message || t("failed"));
  yield el("p", {}, el("a", { href: `/chat/${session.id}` }, t("open_chat")));
}
