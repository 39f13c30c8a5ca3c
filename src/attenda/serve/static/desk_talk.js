// One conversation of the desk: what was said, the summary beside it, and what its person can do.

import { $, api, attempt, dayAndTime, el, t, toast, when } from "/static/core.js";
import { approvalRow, lostRow } from "/static/approvals.js";
import { clearSuggestion, usedDraft } from "/static/desk_suggest.js";
import { render } from "/static/markdown.js";
import { badge, fill, me, may, onSubmit } from "/static/parts.js";

let shown = null; // the conversation as the server tells it
const path = (rest) => `/api/desk/sessions/${shown.id}/${rest}`;
const deed = (rest, body) => attempt(() => api("POST", path(rest), body));

/** Show a conversation, or what has changed of it. */
export function showTalk(found) {
  const fresh = shown?.id !== found.id;
  const grown = fresh || shown.messages.length !== found.messages.length;
  shown = found;
  $("#talk-title").textContent = found.customer || t("desk.no_name");
  const has = found.claimed_by === me ? t("desk.yours") : found.person ? t("desk.taken_by", { name: found.person }) : "";
  $("#talk-state").replaceChildren(badge(t(`owner_${found.owner}`), `is-${found.owner}`), el("span", { class: "faint" }, [found.title, has, ticket(found), ...wayIn(found)].filter(Boolean).join(" · ")));
  $("#talk-deeds").replaceChildren(...deeds(found));
  $("#reply").hidden = !isMine();
  const said = $("#said");
  said.replaceChildren(...found.messages.map(messageRow));
  if (grown) said.scrollTop = said.scrollHeight;
  showFacts(found);
  if (fresh) {
    $("#reply").elements.text.value = "";
    clearSuggestion();
    document.dispatchEvent(new Event("desk-shown"));
    showCanned();
  }
}

/** What was promised to who came outside the hours, while nobody has taken it. */
export const ticket = (one) => (one.owner === "queued" && one.promised_at ? t("desk.promised", { when: dayAndTime(one.promised_at) }) : "");
/** By which channel a visitor came in, whether they write, and how they say it was. */
function* wayIn(found) {
  if (found.channel) yield t(found.channel.known ? "desk.came_known" : "desk.came_unknown", { name: found.channel.name });
  if (found.channel?.address) yield t("desk.claims_address", { address: found.channel.address });
  if (found.rating) yield [`${found.rating.score} / 5`, found.rating.comment].filter(Boolean).join(": ");
  if (found.typing) yield t("desk.customer_writes");
}

const isMine = () => shown.claimed_by === me && ["human", "waiting"].includes(shown.owner);

function* deeds(found) {
  const held = ["human", "waiting"].includes(found.owner);
  if (found.owner === "queued") yield el("button", { id: "take", class: "primary", type: "button", onclick: take }, t("desk.take"));
  if (held && !isMine() && may("manage_agents")) yield el("button", { type: "button", onclick: () => deed("claim", { take_over: true }) }, t("desk.take_over"));
  if (isMine()) yield el("button", { id: "give-back", type: "button", onclick: () => deed("return") }, t("desk.return"));
  if (isMine() || found.owner === "queued") yield el("button", { id: "resolve", type: "button", onclick: () => deed("resolve") }, t("desk.resolve"));
}

async function take() {
  if ((await deed("claim")) === undefined) return;
  $("#announce").textContent = t("desk.taken");
  document.dispatchEvent(new Event("desk-taken"));
  $("#reply").hidden = false;
  $("#reply").elements.text.focus();
}

const SILENCE = { reminded: "desk.was_reminded", ended: "desk.was_put_down" };
const DRAFTED = { suggested: "desk.was_suggested", edited: "desk.was_edited" };

const raised = (one) => one.alarm && el("p", { class: "raised" }, t("desk.alarm_more", { reason: one.alarm }));

function messageRow(message) {
  const who = message.role === "user" ? shown.customer || t("desk.customer") : message.author ?? t("desk.assistant");
  const kind = message.role === "user" ? "user" : message.author ? "person-said" : "bot-said";
  const words = message.status === "withdrawn" ? el("p", { class: "faint" }, t("withdrawn")) : message.role === "user" ? el("p", { class: "plain" }, message.text) : el("div", {}, render(message.text, () => null));
  return el("article", { class: `said ${kind}`, id: `said-${message.id}`, "aria-label": who }, el("p", { class: "speaker" }, who, " ", el("span", { class: "faint" }, [when(message.created_at), DRAFTED[message.drafted] && t(DRAFTED[message.drafted]), SILENCE[message.silence] && t(SILENCE[message.silence])].filter(Boolean).join(" · "))), words, raised(message));
}

function showFacts(found) {
  $("#summary").replaceChildren(...[raised(found)].filter(Boolean), ...summary(found.summary));
  const kept = new Map([...document.querySelectorAll("#talk-approvals input")].map((field) => [field.id, field.value]));
  $("#talk-approvals").replaceChildren(...found.lost.map((one) => lostRow(one, found.id)), ...found.approvals.map((one) => approvalRow(one, "talk")));
  for (const [id, value] of kept) if (document.getElementById(id)) document.getElementById(id).value = value;
  $("#talk-approvals").hidden = !found.approvals.length && !found.lost.length;
  $("#labels").replaceChildren(...found.labels.map(labelButton));
  fill($("#notes"), found.notes.map((one) => el("li", {}, el("p", { class: "plain" }, one.text), el("p", { class: "faint" }, [one.author, when(one.created_at)].filter(Boolean).join(" · ")))), "");
  $("#notes").hidden = !found.notes.length;
  $("#others-box").hidden = !found.others.length;
  $("#others").replaceChildren(...found.others.map((one) => el("li", {}, el("a", { href: `#${one.id}` }, one.title || t("untitled")), " ", badge(t(`owner_${one.owner}`)))));
}

function* summary(facts) {
  yield part("desk.reason", el("p", {}, facts.reason));
  yield part("desk.suggestion", el("p", {}, facts.next));
  yield part("desk.wants", ...(facts.flows.length ? facts.flows.map(flow) : [el("p", { class: "faint" }, t("desk.no_flow"))]));
  yield part("desk.tried", facts.tried.length ? el("ul", { class: "notes" }, facts.tried.map(tried)) : el("p", { class: "faint" }, t("desk.nothing_tried")));
}

const part = (key, ...children) => el("div", { class: "fact" }, el("h4", {}, t(key)), ...children);

function flow(one) {
  const slots = one.slots.map((slot) => el("li", {}, el("span", { class: "faint" }, `${slot.name}: `), slot.value, " ",
    slot.message_id && el("button", { class: "link", type: "button", "aria-label": `${slot.name}: ${t("desk.from_message")}`, title: t("desk.from_message"), onclick: () => point(slot.message_id) }, "↗")));
  return el("div", {}, el("p", {}, el("strong", {}, one.title)), el("ul", { class: "notes" }, slots));
}

/** Show the message that a value came from. */
function point(id) {
  const row = document.getElementById(`said-${id}`);
  if (!row) return;
  for (const old of document.querySelectorAll(".said.pointed")) old.classList.remove("pointed");
  row.classList.add("pointed");
  row.scrollIntoView({ block: "center" });
}

function tried(one) {
  const given = Object.entries(one.arguments).map(([name, value]) => `${name} ${value}`).join(", ");
  return el("li", {}, el("code", {}, one.tool), " ", badge(t(`deed_${one.state}`), one.state === "done" ? "good" : one.state === "failed" ? "failed" : ""), el("p", { class: "faint" }, [given, one.problem].filter(Boolean).join(" · ")));
}

function labelButton(name) {
  const gone = () => document.dispatchEvent(new CustomEvent("desk-labels", { detail: shown.labels.filter((one) => one !== name) }));
  return el("button", { type: "button", "aria-label": t("desk.remove_label", { name }), title: t("desk.remove_label", { name }), onclick: gone }, `${name} ✕`);
}

// --- answers that are kept for many times

let canned = [];

async function showCanned() {
  canned = (await attempt(() => api("GET", "/api/desk/replies"))) ?? [];
  const one = (reply) => el("option", { value: reply.id }, reply.title);
  const gone = (reply) => el("option", { value: `-${reply.id}` }, reply.title);
  $("#canned").replaceChildren(el("option", { value: "" }, t("desk.choose_reply")), ...canned.map(one),
    ...(canned.length ? [el("optgroup", { label: t("desk.remove_reply") }, canned.map(gone))] : []));
}

$("#canned").addEventListener("change", async ({ target }) => {
  const id = target.value;
  target.value = "";
  if (id.startsWith("-")) {
    const gone = canned.find((reply) => reply.id === id.slice(1));
    if ((await attempt(() => api("DELETE", `/api/desk/replies/${gone.id}`))) === undefined) return;
    toast(t("desk.reply_removed", { title: gone.title }), { undo: () => attempt(() => api("POST", "/api/desk/replies", { title: gone.title, text: gone.text })).then(showCanned) });
    return showCanned();
  }
  const field = $("#reply").elements.text;
  const text = canned.find((reply) => reply.id === id)?.text ?? "";
  field.value = [field.value.trim(), text].filter(Boolean).join("\n");
  field.focus();
});
$("#keep-reply").addEventListener("click", async () => {
  const text = $("#reply").elements.text.value.trim();
  const title = text && prompt(t("desk.reply_title"), text.slice(0, 40));
  if (!title) return;
  if ((await attempt(() => api("POST", "/api/desk/replies", { title: title.slice(0, 80), text }))) === undefined) return;
  toast(t("desk.kept"));
  showCanned();
});
onSubmit($("#reply"), async ({ text }) => {
  await api("POST", path("messages"), { text: text.value, suggestion_id: usedDraft() });
  text.value = "";
  clearSuggestion();
  text.focus();
});
onSubmit($("#add-note"), async ({ text }) => {
  await api("POST", path("notes"), { text: text.value });
  text.value = "";
});
let toldAt = 0;
$("#reply").elements.text.addEventListener("input", () => {
  if (Date.now() - toldAt < 2500) return;
  toldAt = Date.now();
  api("POST", path("typing")).catch(() => {}); // it was a courtesy
});
$("#reply").elements.text.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); $("#reply").requestSubmit(); }
});
