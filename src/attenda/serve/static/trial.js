// A conversation with an agent's draft, beside its editor: it goes on until it is begun anew.

import { $, api, attempt, el, t, toast } from "/static/core.js";
import { nearest, searchCard, sources } from "/static/chat_cards.js";
import { render } from "/static/markdown.js";
import { openSource } from "/static/source.js";

let talk = null; // {id, of}: the session, and the agent, pack and mode that it was begun with
let seen = null; // the session as the server shows it
let stream = null; // EventSource of the answer that is followed
let leave = () => {}; // ends the following of that answer

/** Forget the conversation that is shown, and stop following it. */
export function clearTrial() {
  if (stream) api("POST", `/api/sessions/${talk.id}/stop`).catch(() => {}); // nobody hears it any more
  talk = seen = null;
  leave();
  show([]);
}

/** Say something to the agent as its draft is saved; another pack or mode begins anew. */
export async function tellAgent(agentId, kind, text) {
  if (stream) return;
  const of = `${agentId} ${kind}`;
  if (talk && talk.of !== of) {
    clearTrial();
    toast(t("trial_anew"));
  }
  talk ??= { id: (await api("POST", "/api/sessions", { agent_id: agentId, draft: true })).id, of };
  const mine = talk;
  const started = await api("POST", `/api/sessions/${mine.id}/messages`, { text });
  if (talk !== mine) return; // it was begun anew meanwhile
  $("#question").value = "";
  const asked = { id: started.user_message_id, role: "user", status: "done", text };
  const answer = { id: started.message_id, role: "assistant", status: "running", letters: [], text: "", citations: [] };
  show([...branch(), asked, answer]);
  await follow(started.after, answer);
  if (talk === mine) await bring();
}

/** Follow an answer to its end. */
function follow(after, answer) {
  const mine = (stream = new EventSource(`/api/sessions/${talk.id}/events?after=${after}`));
  return new Promise((done) => {
    leave = () => {
      mine.close();
      if (stream === mine) stream = null;
      done();
    };
    mine.onmessage = ({ data }) => {
      const event = JSON.parse(data);
      if (event.type === "text") answer.letters.splice(event.at, Infinity, ...event.text); // by code points
      else if (event.type === "cited" && !answer.citations.some((one) => one.n === event.citation.n)) answer.citations.push(event.citation);
      else if (event.type === "searched") answer.searched ??= event;
      answer.text = answer.letters.join("");
      if (stream === mine) $("#answer").lastElementChild?.replaceWith(said(answer));
      keepEnd();
      if (event.type === "run.finished") leave();
    };
  });
}

/** Show the conversation as the server has it: what was said, what stands, what one may answer. */
async function bring() {
  const mine = talk;
  const found = await attempt(() => api("GET", `/api/sessions/${mine.id}`));
  if (!found || talk !== mine) return;
  seen = found;
  show(branch());
  $("#announce").textContent = t("answer_ended");
}

function branch() {
  const byId = new Map(seen?.messages.map((one) => [one.id, one]));
  const path = [];
  for (let one = byId.get(seen?.head_id); one; one = byId.get(one.parent_id)) path.unshift(one);
  return path;
}

function show(path) {
  const settled = !stream && path.at(-1)?.status !== "running";
  $("#answer").replaceChildren(...(path.length ? path.map(said) : [el("p", { class: "faint" }, t("trial_empty"))]));
  keepEnd();
  $("#trial-stands").replaceChildren(...(settled ? seen?.trial ?? [] : []).map(standing));
  const choices = settled ? seen?.choices ?? [] : [];
  $("#trial-choices").replaceChildren(...choices.map((text) => el("button", { type: "button", onclick: () => choose(text) }, text)));
  $("#trial-choices").hidden = !choices.length;
  $("#trial-more").hidden = !talk;
  if (talk) $("#trial-open").href = `/chat/${talk.id}`;
}

const keepEnd = () => { $("#answer").scrollTop = $("#answer").scrollHeight; };

function choose(text) {
  $("#question").value = text;
  $("#trial").requestSubmit();
  $("#question").focus();
}

/** A flow under way in one line: what it asks for, and what it knows. */
function standing(flow) {
  const asks = flow.asks && t("trial_asks", { what: flow.asks });
  const known = flow.slots.map((one) => t("trial_knows", one));
  return el("li", {}, [el("strong", {}, flow.title), " ", [asks, ...known].filter(Boolean).join(" · ")]);
}

function said(message) {
  const body = el("div", { class: "body" });
  if (message.role === "user") body.textContent = message.text;
  else if (message.text) body.append(render(message.text, (n) => marker(message, n)));
  else if (message.status === "running") body.append(el("span", { class: "waiting", role: "img", "aria-label": t("thinking") }, "●●●"));
  const label = t(message.role === "user" ? "you" : "attenda");
  return el("article", { class: `message ${message.role}`, "aria-label": label }, body, ...after(message));
}

function* after(message) {
  if (message.searched) yield searchCard(message);
  if (message.status !== "running" && message.citations?.length) yield sources(message);
  if (message.nearest?.length) yield nearest(message);
  if (message.status === "failed") yield el("p", { class: "bad", role: "alert" }, message.error || t("failed"));
}

function marker(message, n) {
  const cited = message.citations?.find((one) => one.n === n);
  if (!cited) return null;
  const label = t("citation", { n, document: cited.document });
  return el("button", { class: "cite", type: "button", title: cited.quote, "aria-label": label, onclick: () => openSource(cited.document_id, cited) }, String(n));
}

$("#trial-begin").addEventListener("click", () => {
  clearTrial();
  $("#question").focus();
});
