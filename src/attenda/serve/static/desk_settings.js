// The desk's settings: the hours in which somebody is there, for all or for one pack.

import { $, api, attempt, dayAndTime, el, t, toast } from "/static/core.js";
import { badge, fill, onSubmit, toCopy } from "/static/parts.js";

const form = $("#hours");
let found = [];

/** Read the hours, and show those of `pack`. */
export async function showSettings(pack = form.elements.pack.value) {
  found = (await attempt(() => api("GET", "/api/desk/hours"))) ?? found;
  form.elements.pack.replaceChildren(...found.map((one) => el("option", { value: one.pack, selected: one.pack === pack }, one.title)));
  showWeek();
  await showNotices();
}

function showWeek() {
  const { pack, zone, day, holidays } = form.elements;
  const one = found.find((row) => row.pack === pack.value) ?? {};
  zone.value = one.zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  day.forEach((field, number) => { field.value = one.week?.[number] ?? (one.zone || number > 4 ? "" : "09:00-17:00"); });
  holidays.value = (one.holidays ?? []).join("\n");
  const now = one.zone && !one.open ? (one.opens_at ? t("desk.opens_at", { when: dayAndTime(one.opens_at) }) : "") : t(one.zone ? "desk.open_now" : "desk.no_hours");
  $("#hours-now").textContent = now;
  $("#no-hours").disabled = !one.zone || one.own;
}

// --- whom to tell when somebody waits

async function showNotices() {
  const found = await attempt(() => api("GET", "/api/desk/notices"));
  if (!found) return;
  fill($("#notice-rules"), found.rules.map(rule), t("desk.notice_none"));
  for (const option of $("#add-notice").elements.kind.options) option.disabled = !found.ways.includes(option.value);
  if (!found.ways.includes("mail")) $("#add-notice").elements.kind.value = "webhook";
}

const STATES = { sent: "desk.notice_sent", pending: "desk.notice_pending", failed: "desk.notice_failed", dropped: "desk.notice_dropped" };

function rule(one) {
  const last = one.last;
  const state = last && badge(t(STATES[last.state], { when: when(last.ended_at ?? last.made_at) }), last.state === "sent" ? "good" : last.state === "failed" ? "failed" : "");
  const by = t(one.kind === "mail" ? "desk.notice_mail" : "desk.notice_webhook");
  const after = one.after_s ? t("desk.notice_after_n", { n: Math.round(one.after_s / 60) }) : "";
  const button = (key, id, onclick) => el("button", { type: "button", id: `${id}-${one.id}`, "aria-label": `${t(key)}: ${one.target}`, onclick }, t(key));
  return el("li", { class: "item" },
    el("div", { class: "line" }, el("strong", { class: "name" }, one.target), el("span", { class: "faint" }, [by, after].filter(Boolean).join(" · ")), state),
    last?.problem && el("p", { class: "bad" }, last.problem),
    el("div", { class: "buttons" }, button("desk.notice_try", "try", () => tryOut(one)), button("desk.notice_remove", "remove", () => remove(one))));
}

async function tryOut(one) {
  const found = await attempt(() => api("POST", `/api/desk/notices/${one.id}/trial`));
  if (found) toast(found.problem || t("desk.notice_tried"), { bad: Boolean(found.problem) });
}

async function remove(one) {
  if ((await attempt(() => api("DELETE", `/api/desk/notices/${one.id}`))) !== undefined) showNotices();
}

if (form) {
  onSubmit($("#add-notice"), async ({ kind, target, after }) => {
    const made = await api("POST", "/api/desk/notices", { kind: kind.value, target: target.value, after_s: 60 * Number(after.value) });
    $("#notice-secret").replaceChildren(...(made.secret ? [toCopy(t("desk.notice_secret"), made.secret, t("desk.notice_secret_hint"))] : []));
    target.value = "";
    await showNotices();
  });
  $("#zones").replaceChildren(...(Intl.supportedValuesOf?.("timeZone") ?? []).map((zone) => el("option", { value: zone })));
  form.elements.pack.addEventListener("change", showWeek);
  onSubmit(form, async ({ pack, zone, day, holidays }) => {
    const days = holidays.value.split("\n").map((line) => line.trim()).filter(Boolean);
    await api("PUT", "/api/desk/hours", { pack: pack.value, zone: zone.value, week: [...day].map((field) => field.value), holidays: days });
    toast(t("desk.hours_saved"));
    await showSettings();
  });
  $("#no-hours").addEventListener("click", async () => {
    if ((await attempt(() => api("DELETE", `/api/desk/hours?pack=${encodeURIComponent(form.elements.pack.value)}`))) !== undefined) showSettings();
  });
}
