// The desk's settings: the hours in which somebody is there, for all or for one pack.

import { $, api, attempt, dayAndTime, el, t, toast } from "/static/core.js";
import { onSubmit } from "/static/parts.js";

const form = $("#hours");
let found = [];

/** Read the hours, and show those of `pack`. */
export async function showSettings(pack = form.elements.pack.value) {
  found = (await attempt(() => api("GET", "/api/desk/hours"))) ?? found;
  form.elements.pack.replaceChildren(...found.map((one) => el("option", { value: one.pack, selected: one.pack === pack }, one.title)));
  showWeek();
}

function showWeek() {
  const { pack, zone, day, holidays } = form.elements;
  const one = found.find((row) => row.pack === pack.value) ?? {};
  zone.value = one.zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  day.forEach((field, number) => { field.value = one.week?.[number] ?? (one.zone || number > 4 ? "" : "09:00-17:00"); });
  holidays.value = (one.holidays ?? []).join("\n");
  const now = one.zone && !one.open ? (one.opens_at ? t("desk.opens_at", { when: dayAndTime(one.opens_at) }) : "") : t(one.zone ? "desk.open_now" : "desk.no_hours");
  $("#hours-now").textContent = now;
  $("#no-hours").disabled = !one.zone;
}

if (form) {
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
