// The chat in the frame: one conversation, streamed, resumed after a reload, with people and a word at its end.

import { $, el, t } from "/static/core.js";
import { render } from "/static/markdown.js";
import { showRating } from "/static/rating.js";
import { mustTellWriting, silenceIsOver, whenSilenceIsOver } from "/static/silence.js";
import { ask, begin, hasVisit, keep, listen } from "/static/widget_wire.js";

const sites = JSON.parse($("#sites").textContent);
let view = null; // the conversation as the server tells it
let answering = null; // AbortController of the answer that is followed
let watching = null; // AbortController of the watch, while people take part
let identity = "";
let shown = true;
let seen = 0; // how many messages were in sight
let timer = 0; // until the conversation is watched, since nobody has answered

const isWatched = () => withPerson() || view?.waits || silenceIsOver(view);
const withPerson = () => ["queued", "human", "waiting", "resolved"].includes(view?.owner);
const tell = (message) => { if (parent !== window) for (const site of sites) parent.postMessage({ attenda: 1, ...message }, site); };
const announce = (text) => { $("#announce").textContent = text; };
const complain = (text) => { $("#problem").textContent = text; $("#problem").hidden = !text; };

async function attempt(deed) {
  complain("");
  try {
    return await deed();
  } catch (problem) {
    if (problem.status === 401) return over();
    complain(problem.message);
    return undefined;
  }
}

// --- what is shown

const opened = new Set(); // ids of messages whose sources are open, also once they are drawn anew

function messageNode(one) {
  const who = one.role === "user" ? t("widget.you") : one.author ?? document.body.dataset.name;
  const body = el("div", { class: "body" });
  if (one.role === "user") body.textContent = one.text;
  else if (one.text) body.append(render(one.text, (n) => marker(one, n)));
  else if (one.status === "running") body.append(el("span", { class: "dots", role: "img", "aria-label": t("widget.thinking") }, "●●●"));
  if (one.status === "stopped") body.append(el("p", { class: "faint" }, t("widget.stopped")));
  if (one.status === "failed") body.append(el("p", { class: "bad" }, t("widget.failed")));
  return el("article", { class: `said ${one.role}${one.author ? " person" : ""}`, id: one.id, "aria-label": who },
    one.author && el("p", { class: "speaker" }, who), body, one.status !== "running" && one.citations.length > 0 && sources(one), one.nearest?.length > 0 && nearest(one));
}

function marker(one, n) {
  const cited = one.citations.find((found) => found.n === n);
  if (!cited) return null;
  const show = () => {
    opened.add(one.id);
    const box = document.querySelector(`#${CSS.escape(one.id)} details`);
    if (box) { box.open = true; box.querySelector(`li[value="${n}"]`)?.scrollIntoView({ block: "nearest" }); }
  };
  return el("button", { class: "cite", type: "button", "aria-label": t("widget.citation", { n, document: cited.document }), onclick: show }, String(n));
}

function sources(one) {
  const rows = one.citations.map((found) => el("li", { value: found.n }, el("span", {}, found.document), found.page ? el("span", { class: "faint" }, ` ${t("widget.page_number", { n: found.page })}`) : "", el("q", {}, found.quote)));
  const box = el("details", { class: "sources" }, el("summary", {}, t("widget.sources", { n: rows.length })), el("ol", {}, rows));
  box.open = opened.has(one.id);
  box.addEventListener("toggle", () => (box.open ? opened.add(one.id) : opened.delete(one.id)));
  return box;
}

function nearest(one) {
  const rows = one.nearest.map((found) => el("li", {}, el("span", {}, found.document), el("q", {}, found.quote)));
  return el("ul", { class: "sources", "aria-label": t("widget.nearest") }, rows);
}

function show() {
  const messages = view?.messages ?? [];
  const log = $("#log");
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  const open = new Set([...log.querySelectorAll("details[open]")].map((box) => box.closest(".said").id));
  log.replaceChildren(el("p", { class: "faint hello" }, t("widget.hello", { name: document.body.dataset.name })), ...messages.map(messageNode));
  for (const id of open) document.getElementById(id)?.querySelector("details")?.setAttribute("open", "");
  if (atEnd || messages.length !== seen) log.scrollTop = log.scrollHeight;
  const fresh = messages.slice(seen).filter((one) => one.author || one.silence);
  if (fresh.length) announce(fresh.map((one) => [one.author, one.text].filter(Boolean).join(": ")).join(" "));
  if (fresh.length && !shown) tell({ unread: true });
  seen = messages.length;
  showState();
}

function showState() {
  const said = notice();
  if ($("#notice").textContent !== said) $("#notice").textContent = said;
  $("#notice").hidden = !said;
  $("#typing").hidden = !view?.typing;
  $("#typing").textContent = view?.typing ? t("widget.typing", { name: view.person }) : "";
  const choices = answering ? [] : view?.choices ?? [];
  $("#choices").replaceChildren(...choices.map((text) => el("button", { type: "button", onclick: () => send(text) }, text)));
  $("#choices").hidden = !choices.length;
  if ($("#person")) $("#person").hidden = withPerson() && view.owner !== "resolved";
  $("#end").hidden = !view?.messages.length;
  $("#stop").hidden = !answering;
  $("#send").hidden = Boolean(answering);
  showRating($("#rating-ask"), view?.messages[0]?.id ?? "", view?.owner === "bot" && view.asks_rating, keepRating);
  if (view?.owner === "resolved" && !view.rating && !$("#rate").dataset.asked) askRating();
}

function notice() {
  if (view?.owner === "queued") return view.waiting_before ? t("widget.queued_n", { n: view.waiting_before }) : t("widget.queued");
  if (view?.owner === "human" || view?.owner === "waiting") return t("widget.with_person", { name: view.person });
  if (view?.owner === "resolved") return t("widget.closed");
  return view?.waits ? t("widget.waits") : "";
}

// --- asking, following, people

async function look() {
  view = await ask("GET", "/api/visit");
  show();
  if (view.running && !answering) follow(view.follow_after);
  watch();
}

async function send(chosen) {
  const field = $("#text");
  const text = (chosen ?? field.value).trim();
  if (!text || answering) return;
  const name = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`; // sent twice, it comes in once
  await attempt(async () => {
    if (!hasVisit()) await begin(identity, complain);
    let started;
    try {
      started = await ask("POST", "/api/visit/messages", { text, client_id: name });
    } catch (problem) {
      if (problem.status) throw problem;
      started = await ask("POST", "/api/visit/messages", { text, client_id: name }); // the answer was lost, perhaps
    }
    if (chosen === undefined) field.value = "";
    grow();
    await look();
    if (started.after !== undefined && view.running && !answering) follow(started.after);
  });
}

function follow(after) {
  answering = new AbortController();
  announce(t("widget.thinking"));
  let one = null;
  let length = 0; // code points of the answer so far
  let frame = 0;
  const draw = () => { frame ||= requestAnimationFrame(() => { frame = 0; repaint(one); }); };
  const heard = (event) => {
    if (event.type === "run.started") {
      one = view.messages.find((found) => found.id === event.message_id);
      if (one) Object.assign(one, { text: "", citations: [], status: "running" });
      length = 0;
    }
    if (one && event.type === "text") {
      const letters = Array.from(event.text).slice(Math.max(0, length - event.at));
      one.text += letters.join("");
      length += letters.length;
    }
    if (one && event.type === "cited" && !one.citations.some((found) => found.n === event.citation.n)) one.citations.push(event.citation);
    draw();
    return event.type !== "run.finished";
  };
  listen((last) => `/api/visit/events?after=${last ?? after}`, heard, answering.signal).then(async (how) => {
    answering = null;
    if (how === "over") return over();
    if (how === "left") return undefined;
    return attempt(async () => { await look(); announce(view.messages.at(-1)?.text ?? ""); });
  });
  showState();
}

function repaint(one) {
  const node = one && document.getElementById(one.id);
  if (!node) return;
  const log = $("#log");
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  node.replaceWith(messageNode(one));
  if (atEnd) log.scrollTop = log.scrollHeight;
}

/** Follow what people do, for as long as they take part; and what is said when nobody answers. */
function watch() {
  clearTimeout(timer);
  timer = whenSilenceIsOver(view, watch);
  if (!isWatched()) { watching?.abort(); watching = null; return; }
  if (watching) return;
  const mine = watching = new AbortController();
  listen(() => "/api/visit/watch", (news) => {
    const { messages, ...facts } = news;
    Object.assign(view, facts);
    if (messages) view.messages = messages;
    if (messages && answering) answering.abort(); // an answer was taken back
    show();
    if (view.running && !answering) follow(view.follow_after);
    if (isWatched()) return true;
    watching = null;
    watch();
    return false;
  }, mine.signal).then((how) => { if (how === "over") over(); });
}

function over() {
  clearTimeout(timer);
  answering?.abort();
  watching?.abort();
  answering = watching = null;
  keep("");
  view = null;
  seen = 0;
  $("#rate").hidden = true;
  delete $("#rate").dataset.asked;
  show();
}

function writing() {
  grow();
  if (hasVisit() && mustTellWriting(view)) ask("POST", "/api/visit/typing", {}).catch(() => {});
}

// --- the end

const keepRating = (score, comment) => attempt(async () => {
  await ask("PUT", "/api/visit/rating", { score, comment });
  view.rating = { score };
  return true;
});

function askRating() {
  $("#rate").hidden = false;
  $("#rate").dataset.asked = "1";
  $("#thanks").hidden = true;
  $("#rating").hidden = Boolean(view?.rating);
  $("#rate-title").focus();
}

$("#rating").addEventListener("submit", (event) => {
  event.preventDefault();
  const { score, comment } = event.target.elements;
  attempt(async () => {
    await ask("PUT", "/api/visit/rating", { score: Number(score.value), comment: comment.value });
    view.rating = { score: Number(score.value) };
    $("#rating").hidden = true;
    $("#thanks").hidden = false;
    $("#thanks").focus();
  });
});
$("#again").addEventListener("click", () => { over(); $("#text").focus(); });
$("#back").addEventListener("click", () => { $("#rate").hidden = true; $("#text").focus(); });
$("#forget").addEventListener("click", () => attempt(async () => {
  if (!confirm(t("widget.forget_sure"))) return;
  await ask("DELETE", "/api/visit");
  over();
  announce(t("widget.forgotten"));
  complain(t("widget.forgotten"));
}));
$("#end").addEventListener("click", askRating);

// --- keys and the page around

function grow() {
  const field = $("#text");
  field.style.height = "auto";
  field.style.height = `${Math.min(field.scrollHeight, 140)}px`;
}

$("#composer").addEventListener("submit", (event) => { event.preventDefault(); send(); });
$("#text").addEventListener("input", writing);
$("#text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); send(); }
});
$("#stop").addEventListener("click", () => attempt(() => ask("POST", "/api/visit/stop")));
$("#person")?.addEventListener("click", () => attempt(async () => {
  if (!hasVisit()) await begin(identity, complain);
  await ask("POST", "/api/visit/person");
  await look();
}));
$("#close").addEventListener("click", () => tell({ close: true }));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  if (!$("#rate").hidden) { $("#rate").hidden = true; $("#text").focus(); }
  else tell({ close: true });
});
addEventListener("message", ({ source, origin, data }) => {
  if (source !== parent || !sites.includes(origin) || data?.attenda !== 1) return;
  if (data.hello) { identity = String(data.identity ?? ""); begun(); }
  if ("shown" in data) shown = data.shown;
  if (data.shown && data.focus) $("#text").focus();
});

let hasBegun = false;
function begun() {
  if (hasBegun) return;
  hasBegun = true;
  if (hasVisit()) attempt(look);
}

show();
$("#close").hidden = parent === window;
if (parent === window) begun();
else tell({ ready: true });
