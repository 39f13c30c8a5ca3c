// Automations: forms that wait, what there is, the runs; and one run, step by step.

import { $, api, attempt, el, t, toast, when } from "/static/core.js";
import { badge, fill, manyAndOne, may, moment } from "/static/parts.js";
import { fieldsOf, valuesOf } from "/static/automation_form.js";
import { runView, stateOf } from "/static/automation_run.js";

const LOOK_MS = 2000;
let timer = 0;

// --- forms

const shownForms = new Map(); // id → its row, kept while it waits, so that what is typed stays

function formRow(form) {
  if (shownForms.has(form.id)) return shownForms.get(form.id);
  const inputs = fieldsOf(form.fields, form.id);
  const send = async (event) => {
    event.preventDefault();
    const button = row.querySelector("button.primary");
    button.disabled = true;
    const done = await attempt(() => api("POST", `/api/forms/${form.id}`, { values: valuesOf(form.fields, row) }));
    button.disabled = false;
    if (done === undefined) return;
    toast(t("automations.sent"));
    await list();
  };
  const row = el("li", { class: "item" },
    el("form", { class: "form", onsubmit: send, "aria-labelledby": `title-${form.id}` },
      el("h3", { id: `title-${form.id}` }, form.title),
      form.deadline_at && el("p", { class: "faint hint" }, t("automations.until", { when: moment(form.deadline_at) })),
      inputs,
      el("div", { class: "buttons" }, el("button", { class: "primary", id: `send-${form.id}` }, t("automations.send")))));
  shownForms.set(form.id, row);
  return row;
}

async function showForms() {
  if (!may("desk")) return void ($("#forms-box").hidden = true);
  const found = await attempt(() => api("GET", "/api/forms"));
  if (!found) return;
  const ids = new Set(found.map((form) => form.id));
  for (const id of shownForms.keys()) if (!ids.has(id)) shownForms.delete(id);
  const shown = [...$("#forms").children];
  const rows = found.map(formRow);
  if (shown.length !== rows.length || rows.some((row, at) => row !== shown[at])) fill($("#forms"), rows, t("automations.no_forms"));
  else if (!rows.length) fill($("#forms"), rows, t("automations.no_forms"));
}

// --- what there is

const openStarts = new Set(); // names whose input is being given

function cause(trigger) {
  if (trigger.schedule) return t("automations.on_schedule", { schedule: trigger.schedule, zone: trigger.zone, when: trigger.due_at ? moment(trigger.due_at) : "—" });
  if (trigger.webhook) return t("automations.on_webhook", { path: `/hooks/${trigger.webhook}` });
  if (trigger.folder) return t("automations.on_folder", { folder: trigger.folder, files: trigger.files });
  if (trigger.mail) return t("automations.on_mail", { mailbox: trigger.mail, sender: trigger.sender, subject: trigger.subject });
  return t(`automation_on_${trigger.event.replace(".", "_")}`);
}

function kindRow(one) {
  const start = async (values) => {
    const begun = await attempt(() => api("POST", `/api/automations/${one.name}/runs`, { values }));
    if (begun) location.hash = begun.id;
  };
  const flip = async () => {
    await attempt(() => api("PUT", `/api/automations/${one.name}/paused`, { paused: !one.paused }));
    await list();
  };
  const told = one.input.length > 0;
  const details = told && el("details", { id: `start-${one.name}`, open: openStarts.has(one.name) },
    el("summary", {}, t("automations.start")),
    el("form", { class: "form", onsubmit: (event) => { event.preventDefault(); start(valuesOf(one.input, event.target)); } },
      fieldsOf(one.input, one.name),
      el("div", { class: "buttons" }, el("button", { class: "primary" }, t("automations.start_now")))));
  if (details) details.addEventListener("toggle", () => openStarts[details.open ? "add" : "delete"](one.name));
  return el("li", { class: "item" },
    el("div", { class: "line" }, el("span", { class: "name" }, one.title), one.paused && badge(t("automations.paused"), "stopped")),
    one.about && el("p", {}, one.about),
    el("ul", { class: "faint causes" }, one.triggers.map((trigger) => el("li", {}, cause(trigger)))),
    details,
    el("div", { class: "buttons" },
      !told && el("button", { type: "button", id: `begin-${one.name}`, class: "primary", onclick: () => start({}) }, t("automations.start")),
      one.triggers.length > 0 && el("button", { type: "button", id: `pause-${one.name}`, onclick: flip }, t(one.paused ? "automations.let" : "automations.halt"))));
}

async function showKinds() {
  if (!may("manage_agents") || openStarts.size) return; // what is being typed stays
  const found = await attempt(() => api("GET", "/api/automations"));
  if (found) fill($("#kinds"), found.map(kindRow), t("automations.no_kinds"));
}

// --- runs

function runRow(run) {
  const about = [t(`automation_by_${run.cause}`, { name: run.begun_by }), when(run.created_at), run.result, run.problem];
  return el("li", { class: "item" },
    el("div", { class: "line" }, el("a", { href: `#${run.id}`, id: `open-${run.id}`, class: "name" }, run.title), stateOf(run)),
    el("p", { class: "faint" }, about.filter(Boolean).join(" · ")));
}

async function showRuns() {
  if (!may("manage_agents")) return;
  const found = await attempt(() => api("GET", "/api/automation-runs"));
  if (found) fill($("#runs"), found.map(runRow), t("automations.no_runs"));
}

async function list() {
  clearTimeout(timer);
  await Promise.all([showForms(), showKinds(), showRuns()]);
  if (!location.hash) timer = setTimeout(list, LOOK_MS);
}

// --- one run

async function show(id, focus = true) {
  clearTimeout(timer);
  const run = await attempt(() => api("GET", `/api/automation-runs/${id}`));
  if (location.hash !== `#${id}`) return;
  if (!run) return close();
  runView($("#one-run"), run, () => show(id, false));
  swap(true);
  if (focus) $("#one-run").focus({ preventScroll: true });
  if (focus) $(".scroll").scrollTop = 0;
  if (!run.ended_at) timer = setTimeout(() => location.hash === `#${id}` && show(id, false), LOOK_MS);
}

const { swap, close, route } = manyAndOne("#overview", list, (id) => show(id));
route();
