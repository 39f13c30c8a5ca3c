// What the school's tabs share: figures in words, choices of models, errands followed to their end.

import { api, el, t } from "/static/core.js";
import { badge, count } from "/static/parts.js";

const language = document.documentElement.lang;
const STATES = { starting: "school.starting", running: "school.running", stopping: "school.stopping", stopped: "school.stopped", failed: "school.failed_state", finished: "school.finished" };

export const goes = (run) => ["starting", "running", "stopping"].includes(run.status);

export const state = (run) => badge(t(STATES[run.status] ?? run.status), run.status === "finished" ? "good" : run.status);

export const figure = (value, digits = 3) => (value == null ? "" : new Intl.NumberFormat(language, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value));

export const percent = (share) => (share == null ? "" : new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 1 }).format(share));

export const speed = (run) => run.tokens_per_s && t("school.tokens_per_s", { n: count(Math.round(run.tokens_per_s)) });

/** How long a run has left, in the two largest units. */
export function left(run) {
  if (run.status !== "running" || run.left_s == null) return "";
  const s = Math.round(run.left_s);
  const unit = (n, name) => new Intl.NumberFormat(language, { style: "unit", unit: name, unitDisplay: "short" }).format(n);
  const parts = s >= 3600 ? [[Math.floor(s / 3600), "hour"], [Math.floor((s % 3600) / 60), "minute"]] : s >= 60 ? [[Math.floor(s / 60), "minute"], [s % 60, "second"]] : [[s, "second"]];
  return t("school.left", { time: parts.map(([n, name]) => unit(n, name)).join(" ") });
}

/** Bits per byte beside the n-gram's, where they are known. */
export function bits(run) {
  if (run.bits_per_byte == null) return "";
  if (run.ngram_bits_per_byte == null) return t("school.bits", { ours: figure(run.bits_per_byte) });
  return t("school.bits_both", { ours: figure(run.bits_per_byte), theirs: figure(run.ngram_bits_per_byte) });
}

/** The scores of finished runs on their task, before and after, beside the n-gram's. */
export function taskScores(runs) {
  const rows = runs.flatMap((run) => ["before", "after", "ngram"].filter((key) => run.figures?.task?.[key]).map((key) => ({ run, key, scores: run.figures.task[key] })));
  if (!rows.length) return null;
  const columns = ["hits_1", "exact_match", "f1"];
  const names = { before: (run) => t("learn.task.before", { name: run.facts?.base?.name ?? "" }), after: () => t("learn.task.after"), ngram: () => t("school.ngram") };
  const called = ({ run, key }) => (runs.length > 1 ? `${run.name}: ${names[key](run)}` : names[key](run));
  const asked = { ranked: 0, graded: 0, ...rows.find(({ key }) => key === "after")?.scores };
  return el("section", {}, el("h3", {}, t("learn.task.title")), el("table", { class: "figures task" },
    el("thead", {}, el("tr", {}, el("td", {}), columns.map((column) => el("th", { scope: "col" }, t(`learn.task.${column}`))))),
    el("tbody", {}, rows.map((row) => el("tr", {}, el("th", { scope: "row" }, called(row)), columns.map((column) => el("td", {}, percent(row.scores[column]))))))),
  el("p", { class: "faint hint" }, t("learn.task.note", { ranked: count(asked.ranked), graded: count(asked.graded) })));
}

/** An answer as it is shown: who has learned little writes many empty lines. */
export const spoken = (answer) => answer.trim().replace(/\s*\n\s*\n\s*/g, "\n\n") || t("school.said_nothing");

export const progressOf = (run) => (run.steps ? t("school.step_of", { step: count(run.step), steps: count(run.steps) }) : "");

/** Options of a select in groups: presets for a beginning, runs, installed models. */
export function modelOptions(found, { presets = false } = {}) {
  const group = (label, kind, names) => names.length && el("optgroup", { label }, names.map((name) => el("option", { value: `${kind}:${name}` }, name)));
  const groups = [
    group(t("school.runs"), "run", found.runs.filter((run) => run.status === "finished").map((run) => run.name)),
    group(t("school.installed"), "model", found.models),
    presets && group(t("school.from_scratch"), "preset", found.presets),
  ].filter(Boolean);
  return groups.length ? groups : [el("option", { value: "" }, t("school.no_models_yet"))];
}

/** New options, with the old choice kept where it is still there. */
export function choose(select, options, wanted) {
  const kept = select.value;
  select.replaceChildren(...options);
  for (const value of [kept, wanted]) if (value && [...select.options].some((one) => one.value === value)) { select.value = value; return; }
}

export const fileOptions = (found) => (found.data.length ? found.data.map((file) => el("option", { value: file.name }, file.name)) : [el("option", { value: "" }, t("school.no_data_yet"))]);

/** Run `action(form)` when a form is sent, once at a time; its error stands in the form. */
export function onSend(form, action) {
  const alert = form.querySelector("[role=alert]");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button:not([type])");
    if (button.disabled) return;
    button.disabled = true;
    alert.textContent = "";
    try {
      await action(form.elements);
    } catch (problem) {
      alert.textContent = problem.message;
    }
    button.disabled = false;
  });
}

/** Hear what a path sends, across interruptions; `lost`, after a while, when the server refuses it. */
export function live(path, hear, lost) {
  const stream = new EventSource(path);
  stream.onmessage = ({ data }) => hear(JSON.parse(data));
  stream.onerror = () => { if (stream.readyState === EventSource.CLOSED) setTimeout(lost, 5000); };
  return stream;
}

/** Follow an errand to its end in `place`, with progress and a way out; its result. */
export function errand(place, begun, what, partial = () => {}) {
  const path = `/api/school/errands/${begun.errand}`;
  const bar = el("progress", { "aria-label": what });
  const cancel = el("button", { type: "button", onclick: () => api("DELETE", path).catch(() => {}) }, t("cancel"));
  const words = el("span", { class: "faint" }, what);
  place.replaceChildren(el("p", { class: "line" }, bar, words, cancel));
  let stream = null;
  const end = new Promise((done, fail) => {
    stream = live(`${path}/events`, (row) => {
      if (row.result) partial(row.result);
      if (row.state === "done") done(row.result);
      if (row.state === "failed") fail(new Error(row.error));
      if (row.total > 1) { bar.max = row.total; bar.value = row.done; }
      words.textContent = row.state === "waiting" ? t("school.waiting") : what;
    }, () => fail(new Error(t("server_gone"))));
  });
  return end.finally(() => { stream.close(); place.replaceChildren(); });
}

/** A page that a command wrote, shut in: it can neither reach us nor the network. */
export const frame = (path, title) => el("iframe", { class: "shut-in", sandbox: "allow-scripts", src: `${path}?${Date.now()}`, title });
