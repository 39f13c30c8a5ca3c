// The chat: a tree of messages on the server, one branch of it shown, a run followed live.

import { $, api, attempt, el, icon, t, toast } from "/static/core.js";
import { nearest, searchCard, sources } from "/static/chat_cards.js";
import { askForm, clearForms, endForm } from "/static/chat_forms.js";
import { lookAgain, showPeople, tellWriting, unwatch, watch } from "/static/chat_people.js";
import { render } from "/static/markdown.js";
import { closeSource, openSource } from "/static/source.js";
import { takeFiles } from "/static/upload.js";

let session = null; // {id, title, head_id, messages: Map(id → message)}
let stream = null; // EventSource of the run that is followed
let editing = null; // id of the message whose new wording is being typed

// --- the list of chats

async function listSessions() {
  const words = $("#find").value.trim();
  const rows = (await attempt(() => api("GET", `/api/sessions?words=${encodeURIComponent(words)}`))) ?? [];
  const items = rows.map((row) => {
    const open = el("a", { href: `/chat/${row.id}`, "aria-current": row.id === session?.id ? "page" : false }, row.title || t("untitled"));
    open.addEventListener("click", (event) => { event.preventDefault(); openSession(row.id); });
    const pin = el("button", { class: "quiet", title: row.pinned ? t("unpin") : t("pin"), "aria-label": row.pinned ? t("unpin") : t("pin"), onclick: () => change(row, { pinned: !row.pinned }) }, icon("pin", row.pinned));
    const name = el("button", { class: "quiet", title: t("rename"), "aria-label": t("rename"), onclick: () => rename(row, item) }, icon("pen"));
    const gone = el("button", { class: "quiet", title: t("delete"), "aria-label": t("delete"), onclick: () => remove(row) }, icon("trash"));
    const item = el("li", { class: row.pinned ? "pinned" : "" }, open, el("span", { class: "tools" }, pin, name, gone));
    return item;
  });
  if (!items.length) items.push(el("li", { class: "faint" }, words ? t("no_chats_found") : t("no_chats")));
  $("#sessions").replaceChildren(...items);
}

async function change(row, values) {
  await attempt(() => api("PATCH", `/api/sessions/${row.id}`, values));
  if (row.id === session?.id && values.title) $("#title").textContent = values.title;
  listSessions();
}

function rename(row, item) {
  const input = el("input", { value: row.title, "aria-label": t("rename"), maxlength: 200 });
  let done = false;
  const finish = (keep) => {
    if (done) return;
    done = true;
    if (keep && input.value.trim()) change(row, { title: input.value.trim() });
    else listSessions();
  };
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") finish(true);
    if (event.key === "Escape") finish(false);
  });
  input.addEventListener("blur", () => finish(true));
  item.replaceChildren(input);
  input.focus();
  input.select();
}

async function remove(row) {
  if ((await attempt(() => api("DELETE", `/api/sessions/${row.id}`))) === undefined) return;
  if (row.id === session?.id) newSession();
  listSessions();
  toast(t("chat_deleted"), { undo: () => attempt(() => api("POST", `/api/sessions/${row.id}/restore`)).then(listSessions) });
}

// --- one chat

/** What is written while a chat is on its way belongs to it, not to a new one. */
let opening = Promise.resolve();
const openSession = (id, push = true) => (opening = bring(id, push));

async function bring(id, push) {
  const found = await attempt(() => api("GET", `/api/sessions/${id}`));
  if (!found) return newSession();
  leave();
  session = { ...found, messages: new Map(found.messages.map((one) => [one.id, one])) };
  if (push) history.pushState(null, "", `/chat/${id}`);
  document.body.classList.remove("side-open");
  $("#title").textContent = found.title || t("new_chat");
  show();
  if (found.running) follow(found.follow_after);
  watch(session, peopleDid);
  listSessions();
  $("#text").focus();
}

function newSession() {
  leave();
  unwatch();
  session = null;
  history.pushState(null, "", "/");
  $("#title").textContent = t("new_chat");
  document.body.classList.remove("side-open");
  show();
  listSessions();
  $("#text").focus();
}

function leave() {
  stream?.close();
  stream = null;
  editing = null;
  clearForms();
  setRunning(false);
}

function branch() {
  const path = [];
  for (let id = session?.head_id; id && session.messages.has(id); id = session.messages.get(id).parent_id) path.unshift(session.messages.get(id));
  return path;
}

const siblings = (message) => [...session.messages.values()].filter((one) => one.parent_id === message.parent_id && one.role === message.role);

function show() {
  const path = branch();
  const thread = $("#thread");
  thread.replaceChildren(...(path.length ? path.map(messageNode) : [welcome()]));
  thread.scrollTop = thread.scrollHeight;
  showContext(path);
  showPeople(session, (text) => send(text));
}

/** What people did, or an answer brought: who has the session now, and the messages it has more. */
function peopleDid(news) {
  if (!session) return;
  const { messages, ...facts } = news;
  const before = session.head_id;
  Object.assign(session, facts);
  if (stream) session.head_id = before; // the answer that is followed stays in sight
  for (const one of messages ?? []) if (!stream || one.status !== "running") session.messages.set(one.id, one);
  if (messages || session.head_id !== before) show();
  else showPeople(session, (text) => send(text));
  const spoke = session.messages.get(session.head_id);
  if (session.head_id !== before && (spoke?.author || spoke?.silence)) $("#announce").textContent = [spoke.author, spoke.text].filter(Boolean).join(": ");
  if (session.running && !stream) follow(session.follow_after);
  watch(session, peopleDid);
}

/** How much of what the model can read at once the last answer took. */
function showContext(path) {
  const last = path.findLast((one) => one.context_tokens && one.usage?.prompt_tokens);
  const used = last ? last.usage.prompt_tokens + last.usage.answer_tokens : 0;
  const values = { used: used.toLocaleString(), limit: (last?.context_tokens ?? 0).toLocaleString() };
  const short = el("span", { class: "short" }, `${values.used} / ${values.limit}`);
  $("#context").replaceChildren(...(last ? [el("span", { class: "long" }, t("context", values)), short] : []));
  $("#context").classList.toggle("bad", Boolean(last) && used > 0.8 * last.context_tokens);
}

function welcome() {
  if (!document.body.dataset.may?.split(" ").includes("chat")) return el("div", { class: "welcome" }, el("p", { class: "faint" }, t("no_chats")));
  const starters = [1, 2, 3].map((n) => el("button", { class: "starter", type: "button", onclick: () => { $("#text").value = t(`starter_${n}`); send(); } }, t(`starter_${n}`)));
  return el("div", { class: "welcome" }, el("h2", {}, t("welcome")), el("p", { class: "faint" }, t("welcome_more")), el("div", { class: "starters" }, starters));
}

function messageNode(message) {
  const body = el("div", { class: "body" });
  const speaker = message.author ?? (session.agent || "Attenda");
  const label = message.role === "user" ? t("you") : message.author ?? t("attenda");
  const node = el("article", { class: `message ${message.role}${message.author ? " person-said" : ""}`, id: message.id, "aria-label": label }, message.role !== "user" && el("p", { class: "speaker" }, speaker), body, el("div", { class: "after" }));
  paint(node, message);
  return node;
}

/** Bring a message's element up to its state. */
function paint(node, message) {
  const body = node.querySelector(".body");
  if (message.role === "user") body.textContent = message.text;
  else if (message.text) body.replaceChildren(render(message.text, (n) => marker(message, n)));
  else if (message.status === "running") body.replaceChildren(el("span", { class: "waiting", role: "img", "aria-label": t("thinking") }, "●●●"));
  else body.replaceChildren();
  node.classList.toggle("running", message.status === "running");
  node.querySelector(".after").replaceChildren(...after(message));
}

function marker(message, n) {
  const cited = message.citations?.find((one) => one.n === n);
  if (!cited) return null;
  const label = `${cited.document}: ${cited.quote}`;
  return el("button", { class: "cite", type: "button", title: label, "aria-label": t("citation", { n, document: cited.document }), onclick: () => openSource(cited.document_id, cited) }, String(n));
}

function* after(message) {
  if (message.searched) yield searchCard(message);
  if (message.status !== "running" && message.citations?.length) yield sources(message);
  if (message.nearest?.length) yield nearest(message);
  if (message.status === "stopped") yield el("p", { class: "faint" }, t("stopped"));
  if (message.status === "withdrawn") yield el("p", { class: "faint" }, t("withdrawn"));
  if (message.status === "failed") yield el("p", { class: "bad" }, message.error || t("failed"));
  if (message.status !== "running") yield tools(message);
}

function tools(message) {
  const bar = el("div", { class: "tools", role: "group", "aria-label": t("message_tools") });
  const all = siblings(message);
  if (all.length > 1) {
    const place = all.findIndex((one) => one.id === message.id);
    const go = (step) => switchTo(all[(place + step + all.length) % all.length]);
    bar.append(el("button", { class: "quiet", "aria-label": t("previous"), onclick: () => go(-1) }, "‹"), el("span", { class: "faint" }, `${place + 1}/${all.length}`), el("button", { class: "quiet", "aria-label": t("next"), onclick: () => go(1) }, "›"));
  }
  const copy = el("button", { class: "quiet", onclick: () => navigator.clipboard.writeText(message.text).then(() => toast(t("copied"))) }, t("copy"));
  const isBots = session.owner === "bot"; // else a person answers: nothing is asked anew
  if (message.role === "user") return bar.append(copy, isBots && el("button", { class: "quiet", onclick: () => edit(message) }, t("edit")) || ""), bar;
  if (!message.run_id) return bar.append(copy), bar; // no run said it: nothing to do again
  if (message.status === "withdrawn") return bar;
  bar.append(copy, isBots && !message.silence ? el("button", { class: "quiet", onclick: () => again(message) }, t("again")) : "", thumb(message, 1, "up"), thumb(message, -1, "down"));
  return bar;
}

function thumb(message, value, sign) {
  return el("button", { class: "quiet", title: t(value > 0 ? "good" : "bad"), "aria-pressed": String(message.thumb === value), "aria-label": t(value > 0 ? "good" : "bad"), onclick: () => rate(message, message.thumb === value ? 0 : value) }, icon(sign, message.thumb === value));
}

async function rate(message, value) {
  const reason = value < 0 ? prompt(t("why_bad")) ?? "" : "";
  const done = await attempt(() => api("PUT", `/api/sessions/${session.id}/messages/${message.id}/thumb`, { thumb: value, reason }));
  if (done === undefined) return;
  message.thumb = value;
  repaint(message);
}

function repaint(message) {
  const node = document.getElementById(message.id);
  if (node) paint(node, message);
}

/** Show the branch that goes through `message`, down to its newest leaf. */
async function switchTo(message) {
  let leaf = message;
  for (;;) {
    const children = [...session.messages.values()].filter((one) => one.parent_id === leaf.id);
    if (!children.length) break;
    leaf = children[children.length - 1];
  }
  await attempt(() => api("PUT", `/api/sessions/${session.id}/head`, { message_id: leaf.id }));
  session.head_id = leaf.id;
  show();
}

function edit(message) {
  editing = message.id;
  $("#text").value = message.text;
  $("#text").focus();
  grow();
  toast(t("editing"));
}

// --- asking and following

async function send(chosen) {
  const text = (chosen ?? $("#text").value).trim();
  await opening;
  if (!text || stream) return;
  await attempt(async () => {
    if (!session) {
      const made = await api("POST", "/api/sessions");
      session = { ...made, messages: new Map() };
      history.pushState(null, "", `/chat/${made.id}`);
    }
    const parent = editing ? session.messages.get(editing).parent_id ?? "" : undefined;
    const started = await api("POST", `/api/sessions/${session.id}/messages`, { text, parent_id: parent });
    const parentId = editing ? parent || null : session.head_id ?? null;
    editing = null;
    if (chosen === undefined) $("#text").value = "";
    grow();
    if (!started.message_id) return noted(started, text);
    begin(started, { id: started.user_message_id, parent_id: parentId, role: "user", status: "done", text, citations: [] });
    if (!session.title) { session.title = text.slice(0, 80); $("#title").textContent = session.title; }
    listSessions();
  });
}

/** A message that a person will answer. */
function noted(kept, text) {
  session.messages.set(kept.user_message_id, { id: kept.user_message_id, parent_id: kept.parent_id, role: "user", status: "done", text, citations: [] });
  session.head_id = kept.user_message_id;
  show();
  lookAgain(session.id, peopleDid);
}

/** Ask for a person: an answer that runs is broken off. */
async function askPerson() {
  await opening;
  await attempt(async () => {
    if (!session) {
      const made = await api("POST", "/api/sessions");
      session = { ...made, messages: new Map() };
      history.pushState(null, "", `/chat/${made.id}`);
    }
    await api("POST", `/api/sessions/${session.id}/person`);
    await openSession(session.id, false);
  });
}

async function again(message) {
  if (stream) return;
  await attempt(async () => begin(await api("POST", `/api/sessions/${session.id}/again`, { message_id: message.parent_id })));
}

function begin(started, asked) {
  if (asked) session.messages.set(asked.id, asked);
  session.messages.set(started.message_id, { id: started.message_id, parent_id: started.user_message_id, run_id: started.run_id, role: "assistant", status: "running", text: "", citations: [], thumb: 0 });
  session.choices = [];
  session.head_id = started.message_id;
  show();
  follow(started.after);
}

function follow(after) {
  setRunning(true);
  $("#announce").textContent = t("answer_begins");
  stream = new EventSource(`/api/sessions/${session.id}/events?after=${after}`);
  let message = null;
  let length = 0; // code points of the answer so far
  let frame = 0;
  const draw = () => { frame ||= requestAnimationFrame(() => { frame = 0; repaintFollowing(message); }); };
  stream.onmessage = ({ data }) => {
    const event = JSON.parse(data);
    if (event.type === "run.started") {
      if (message?.id === event.message_id) return;
      message = session.messages.get(event.message_id);
      if (message) Object.assign(message, { text: "", citations: [], status: "running" });
      length = 0;
    }
    if (!message || message.status === "withdrawn") return;
    if (event.type === "text") {
      const letters = Array.from(event.text);
      const fresh = letters.slice(Math.max(0, length - event.at));
      message.text += fresh.join("");
      length += fresh.length;
    } else if (event.type === "cited" && !message.citations.some((one) => one.n === event.citation.n)) message.citations.push(event.citation);
    else if (event.type === "searched") message.searched = event;
    else if (event.type === "nearest") message.nearest = event.passages;
    else if (event.type === "form.asked") askForm(session.id, event.form_id, event.form);
    else if (event.type === "form.ended") endForm(event.form_id);
    else if (event.type === "run.finished") {
      message.status = event.reason;
      session.running = false;
      message.error = event.error_message;
      if (event.reason === "withdrawn") Object.assign(message, { text: "", citations: [], searched: null, nearest: null });
      Object.assign(message, { usage: event.usage, context_tokens: event.context_tokens });
      showContext(branch());
      leave();
      $("#announce").textContent = t(event.reason === "done" ? "answer_ended" : event.reason);
      listSessions();
      if (session.agent_id || event.reason === "withdrawn") lookAgain(session.id, peopleDid);
    }
    draw();
  };
}

function repaintFollowing(message) {
  const thread = $("#thread");
  const atEnd = thread.scrollHeight - thread.scrollTop - thread.clientHeight < 80;
  if (message) repaint(message);
  if (atEnd) thread.scrollTop = thread.scrollHeight;
}

function setRunning(running) {
  $("#stop").hidden = !running;
  $("#send").hidden = running;
}

const stop = () => session && attempt(() => api("POST", `/api/sessions/${session.id}/stop`));

// --- keys and the rest

function grow() {
  const text = $("#text");
  text.style.height = "auto";
  text.style.height = `${Math.min(text.scrollHeight, 240)}px`;
}

$("#composer").addEventListener("submit", (event) => { event.preventDefault(); send(); });
$("#stop").addEventListener("click", stop);
$("#person")?.addEventListener("click", askPerson);
$("#new").addEventListener("click", newSession);
$("#find").addEventListener("input", listSessions);
$("#text").addEventListener("input", () => { grow(); tellWriting(session); });
$("#text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); send(); }
  if (event.key === "ArrowUp" && !event.target.value && session) {
    const last = branch().filter((one) => one.role === "user").pop();
    if (last) { event.preventDefault(); edit(last); }
  }
});
document.addEventListener("keydown", (event) => {
  const command = event.ctrlKey || event.metaKey;
  if (event.key === "Escape") {
    if (closeSource()) return;
    if (editing) { editing = null; $("#text").value = ""; grow(); }
    else if (stream) stop();
    document.body.classList.remove("side-open");
  }
  if (command && event.key.toLowerCase() === "k") { event.preventDefault(); $("#find").focus(); }
  if (command && event.shiftKey && event.key.toLowerCase() === "o") { event.preventDefault(); newSession(); }
});
window.addEventListener("popstate", () => route(false));
takeFiles(document.body, (row) => { if (row.state === "ready") toast(t("document_ready", { name: row.name })); });

function route(push) {
  const id = location.pathname.match(/^\/chat\/(.+)$/)?.[1];
  if (id) return openSession(id, push);
  leave();
  session = null;
  show();
  return listSessions();
}
route(false);
