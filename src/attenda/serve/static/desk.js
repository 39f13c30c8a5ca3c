// The desk: who waits, whose is what, one conversation beside it; all of it live from one stream.

import { $, api, attempt, el, t, toast, when } from "/static/core.js";
import { approvalRow, showSwitches } from "/static/approvals.js";
import { showWaiting } from "/static/desk_badge.js";
import { showPanel } from "/static/desk_panel.js";
import { showSettings } from "/static/desk_settings.js";
import { useSuggestion } from "/static/desk_suggest.js";
import { showTalk, ticket } from "/static/desk_talk.js";
import { badge, fill, may, me } from "/static/parts.js";

const desk = { sessions: [], waiting: 0, approvals: [], conversation: undefined };
let tab = document.querySelector("[data-tab]").dataset.tab;
let stream = null;
let before; // how many waited when it was last said
let alarmed; // in how many an alarm stood

const open = () => decodeURIComponent(location.hash.slice(1));
const belongs = {
  queue: (one) => one.owner === "queued",
  mine: (one) => one.claimed_by === me && one.owner !== "resolved",
  all: () => true,
};

/** Follow the desk, and the conversation that is open. */
function follow() {
  stream?.close();
  desk.conversation = undefined;
  const id = open();
  stream = new EventSource(`/api/desk/events?session=${encodeURIComponent(id)}`);
  stream.onmessage = ({ data }) => {
    const news = JSON.parse(data);
    Object.assign(desk, news);
    if (news.sessions || news.approvals) showLists();
    if ("conversation" in news) showConversation(id);
  };
  showConversation(id);
}

function showLists() {
  if (belongs[tab]) fill($("#talks"), desk.sessions.filter(belongs[tab]).map(talkRow), t(`empty_${tab}`));
  const known = [...new Set(desk.sessions.flatMap((one) => one.labels))].sort();
  $("#known-labels").replaceChildren(...known.map((name) => el("option", { value: name })));
  const pending = desk.approvals.filter((one) => one.state === "pending");
  counts({ queue: desk.waiting, mine: desk.sessions.filter((one) => belongs.mine(one) && one.owner === "human").length, approvals: pending.length });
  const kept = new Map([...document.querySelectorAll("#approvals input")].map((field) => [field.id, field.value]));
  fill($("#approvals"), desk.approvals.map((one) => approvalRow(one)), t("empty_approvals"));
  for (const [id, value] of kept) if (document.getElementById(id)) document.getElementById(id).value = value;
}

function counts(numbers) {
  for (const [name, n] of Object.entries(numbers)) {
    const count = document.querySelector(`[data-tab=${name}] .count`);
    if (!count) continue;
    count.textContent = n;
    count.hidden = !n;
  }
  const n = desk.waiting;
  $("#waiting").textContent = n ? t("desk.n_waiting", { n }) : "";
  showWaiting(n);
  document.title = `${n ? `(${n}) ` : ""}${t("desk.title")} · Attenda`;
  if (before !== undefined && n > before) $("#announce").textContent = t("desk.arrived");
  before = n;
  const alarms = desk.sessions.filter((one) => one.alarm).length;
  if (alarmed !== undefined && alarms > alarmed) $("#announce").textContent = t("desk.alarm_arrived");
  alarmed = alarms;
}

function talkRow(one) {
  const here = one.id === open();
  const customer = one.customer || t("desk.no_name");
  const alarm = one.alarm && badge(t("desk.alarm"), "failed");
  const since = t("desk.waits_since", { when: when(one.owner_at) });
  const told = one.owner === "queued" ? [since, ticket(one)].filter(Boolean).join(" · ") : one.person;
  const button = el("button", { type: "button", id: `open-${one.id}`, "aria-current": here ? "true" : false, onclick: () => choose(one.id) },
    el("span", { class: "line" }, el("strong", { class: "name" }, customer), alarm, badge(t(ticket(one) ? "desk.ticket" : `owner_${one.owner}`), `is-${one.owner}`)),
    el("span", { class: "clip" }, one.last_text || one.title || t("untitled")),
    el("span", { class: "faint" }, [one.agent, told, ...one.labels].filter(Boolean).join(" · ")));
  return el("li", {}, button);
}

function choose(id) {
  if (open() !== id) location.hash = id;
  else focusTalk();
}

const focusTalk = () => { if (!$("#talk").hidden) $("#talk").focus(); };

function showConversation(id) {
  const found = desk.conversation;
  $("#desk").classList.toggle("one-open", Boolean(id));
  for (const part of [$("#talk"), $("#facts")]) part.hidden = !found;
  $("#no-talk").hidden = Boolean(found);
  $("#no-talk").textContent = t(id && found === null ? "desk.left" : "desk.choose");
  if (found) showTalk(found);
  showPanel(found ? id : "");
}

function chooseTab(name) {
  tab = name;
  for (const button of document.querySelectorAll("[data-tab]")) button.setAttribute("aria-pressed", String(button.dataset.tab === name));
  $("#desk").hidden = !belongs[name];
  for (const pane of ["approvals", "settings"]) if ($(`#${pane}-pane`)) $(`#${pane}-pane`).hidden = name !== pane;
  if (name === "approvals") showSwitches();
  if (name === "settings") showSettings();
  showLists();
}

/** Move the focus up or down the list. */
function step(by) {
  const rows = [...$("#talks").querySelectorAll("button")];
  const at = rows.indexOf(document.activeElement);
  const from = at >= 0 ? at : rows.findIndex((row) => row.hasAttribute("aria-current"));
  rows[Math.min(rows.length - 1, Math.max(0, from + by))]?.focus();
}

/** Offer the browser's own notifications, until they are allowed or forbidden for good. */
function offerNotifications() {
  const button = $("#notify-me");
  if (!button || !globalThis.Notification) return;
  button.hidden = Notification.permission !== "default";
  button.addEventListener("click", async () => {
    const given = await Notification.requestPermission();
    toast(t(given === "granted" ? "desk.notice_browser_on" : "desk.notice_browser_off"));
    button.hidden = given !== "default";
  });
}

const KEYS = {
  j: () => step(1),
  k: () => step(-1),
  r: () => $("#reply").elements.text.focus(),
  c: () => $("#take")?.click(),
  s: () => { if (!$("#reply").hidden) $("#suggest").click(); },
  e: () => useSuggestion(),
};
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    document.body.classList.remove("side-open");
    document.activeElement?.blur();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select")) return;
  const deed = KEYS[event.key];
  if (deed && belongs[tab]) { event.preventDefault(); deed(); }
});
for (const button of document.querySelectorAll("[data-tab]")) button.addEventListener("click", () => chooseTab(button.dataset.tab));
$("#talk-back").addEventListener("click", () => { location.hash = ""; });
window.addEventListener("hashchange", () => {
  const id = open();
  if (id && !belongs[tab] && may("desk")) chooseTab("all");
  follow();
  showLists();
});
document.addEventListener("desk-shown", focusTalk);
document.addEventListener("desk-taken", () => chooseTab("mine"));
$("#add-label").addEventListener("submit", (event) => {
  event.preventDefault();
  const field = event.target.elements.name;
  setLabels([...(desk.conversation?.labels ?? []), field.value]);
  field.value = "";
});
document.addEventListener("desk-labels", (event) => setLabels(event.detail));

const setLabels = (labels) => attempt(() => api("PUT", `/api/desk/sessions/${open()}/labels`, { labels }));

offerNotifications();
chooseTab(tab);
follow();
