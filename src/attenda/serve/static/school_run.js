// One run: how it stands, its curve while it grows, what it answers, and what can be done with it.

import { $, api, attempt, el, t, toast } from "/static/core.js";
import { confirmed, count, facts } from "/static/parts.js";
import { drawCurve, legend } from "/static/school_curve.js";
import { bits, errand, figure, frame, goes, left, live, onSend, percent, progressOf, speed, spoken, state, taskScores } from "/static/school_parts.js";

const MOST_POINTS = 800;
let stream = null; // EventSource of the run that is shown, while it goes
let shown = null; // what is known of the run that is shown

export function leaveRun() {
  stream?.close();
  stream = null;
  shown = null;
}

const pathOf = (name) => `/api/school/runs/${encodeURIComponent(name)}`;

export async function showRun(name) {
  leaveRun();
  const known = { name, row: {}, points: new Map(), measured: new Map(), samples: new Map(), end: 0 };
  shown = known;
  const row = await attempt(() => api("GET", pathOf(name)));
  if (shown !== known) return;
  if (!row) return void (location.hash = "#runs");
  take(known, row);
  build(known);
  update(known);
  $("#one-run").focus({ preventScroll: true });
  $("#one-run").scrollTop = 0;
  if (goes(row)) follow(known);
}

/** Hear what is new of a run until it ends; the browser comes back by itself when it was cut off. */
function follow(known) {
  if (shown !== known) return;
  stream?.close();
  stream = live(`${pathOf(known.name)}/events?after=${known.row.place}`, (news) => {
    const before = known.row.status;
    take(known, news);
    if (news.status !== before) build(known);
    update(known);
    if (!goes(news)) stream.close();
  }, () => shown === known && showRun(known.name));
}

function take(known, news) {
  Object.assign(known.row, news);
  if (news.curve.end < known.end) for (const lines of [known.points, known.measured]) lines.clear();
  for (const [at, loss] of news.curve.points) known.points.set(at, loss);
  for (const [at, loss] of news.curve.measured) if (loss != null) known.measured.set(at, loss);
  const end = known.row.status === "finished" && known.row.figures?.validation?.loss;
  if (Number.isFinite(end)) known.measured.set(known.row.step, end);
  for (const one of news.samples) known.samples.set(one.step, one.samples);
  known.end = news.curve.end;
}

// --- what stays while it goes

function build(known) {
  const { row } = known;
  const parts = [
    el("p", {}, el("a", { href: "#runs" }, t("school.all_runs"))),
    el("h2", { id: "run-title" }, row.name, " ", el("span", { id: "run-state", role: "status" })),
    el("p", { id: "run-problem", class: "bad", hidden: true }),
    el("p", { id: "run-warning", class: "bad", hidden: true }),
    el("div", { id: "run-now" }),
    el("div", { class: "buttons" }, ...deeds(known)),
    el("section", { class: "box plot", "aria-labelledby": "curve-title" }, el("h3", { id: "curve-title" }, t("school.curve")), el("div", { id: "curve" }), el("div", { id: "curve-key" })),
    el("section", { "aria-labelledby": "samples-title" }, el("h3", { id: "samples-title" }, t("school.samples")), el("div", { id: "samples" })),
    figuresOf(row),
    taskScores([row]),
    el("section", {}, el("h3", {}, t("school.facts")), el("div", { id: "run-facts" })),
    row.status === "finished" && promotion(known),
    (row.steps > 0 || row.has_report) && report(row),
  ];
  $("#one-run").replaceChildren(...parts.filter(Boolean));
}

function* deeds(known) {
  const { row } = known;
  const post = async (path) => {
    await attempt(() => api("POST", `${pathOf(row.name)}/${path}`));
    if (shown?.name === known.name) follow(shown); // it may have been opened anew meanwhile
  };
  const button = (word, onclick, kind = "") => el("button", { type: "button", class: kind, onclick }, word);
  if (goes(row)) yield button(t("school.stop"), () => post("stop"), "danger");
  else {
    if (row.status !== "finished") yield button(t("school.resume"), () => post("resume"), "primary");
    yield button(t("school.remove"), () => remove(row));
  }
}

async function remove(row) {
  const sure = await confirmed({ title: t("school.remove_title", { name: row.name }), text: t("school.remove_more"), label: t("school.remove") });
  if (!sure) return;
  if ((await attempt(() => api("DELETE", pathOf(row.name)))) === undefined) return;
  toast(t("school.removed", { name: row.name }));
  location.hash = "#runs";
}

function figuresOf({ figures }) {
  const rows = [["school.this_run", figures?.validation], ["school.ngram", figures?.ngram]].filter(([, one]) => one);
  if (!rows.length) return null;
  const head = ["", t("school.loss"), t("school.perplexity"), t("school.bits_per_byte")];
  return el("section", {}, el("h3", {}, t("school.figures")), el("table", { class: "figures" },
    el("thead", {}, el("tr", {}, head.map((word) => (word ? el("th", { scope: "col" }, word) : el("td", {}))))),
    el("tbody", {}, rows.map(([key, one]) => el("tr", {}, el("th", { scope: "row" }, t(key)), el("td", {}, figure(one.loss)), el("td", {}, figure(one.perplexity, 1)), el("td", {}, figure(one.bits_per_byte)))))));
}

function factsOf({ facts: known = {}, plan = {}, template }) {
  const number = (value) => value != null && count(value);
  return facts([
    [t("school.base"), known.base?.name ?? plan.model?.start],
    [t("school.parameters"), number(known.parameters)],
    [t("school.moving"), number(known.moving)],
    [t("school.conversations"), number(known.conversations)],
    [t("school.held_back"), number(known.validation)],
    [t("school.tokens"), number(known.tokens)],
    [t("school.learned_share"), percent(known.learned_share)],
    [t("school.fingerprint"), known.data && el("code", { title: known.data }, known.data.slice(0, 16))],
    [t("school.template"), template],
    [t("school.device"), known.device],
  ]);
}

// --- promotion and report

function promotion(known) {
  const { row } = known;
  const [ours, theirs] = [row.figures?.validation?.bits_per_byte, row.figures?.ngram?.bits_per_byte];
  const proven = ours != null && theirs != null && ours < theirs;
  const values = { ours: figure(ours), theirs: figure(theirs) };
  const why = proven ? t("school.proven", values) : ours == null || theirs == null ? t("school.unproven") : t("school.disproven", values);
  const doing = el("div", { "aria-live": "polite" });
  const form = el("form", { class: "form box", id: "promote" },
    el("h3", {}, t("school.promote")), el("p", { class: "faint hint" }, t("school.promote_more")), el("p", { class: "hint" }, why),
    !proven && el("label", { class: "choice" }, el("input", { type: "checkbox", name: "anyway" }), t("school.anyway")),
    el("p", { class: "bad", role: "alert" }),
    el("div", { class: "buttons" }, el("button", { class: "primary" }, t("school.promote_now"))), doing);
  onSend(form, async (fields) => {
    const begun = await api("POST", `${pathOf(row.name)}/promote`, { anyway: Boolean(fields.anyway?.checked) });
    const made = await errand(doing, begun, t("school.promoting"));
    doing.replaceChildren(el("p", { class: "good" }, t("school.promoted", made)), el("p", {}, el("a", { href: "#runs" }, t("school.go_back_there"))));
  });
  return form;
}

/** The report that the run has left, or that is written now. */
function report(row) {
  const path = `${pathOf(row.name)}/report`;
  const [place, view] = [el("div", { "aria-live": "polite" }), el("div")];
  const open = () => view.replaceChildren(frame(path, t("school.report")));
  const write = async () => {
    await errand(place, await api("POST", path), t("school.writing_report"));
    open();
  };
  const words = row.has_report ? t("school.open_report") : t("school.write_report");
  const button = el("button", { type: "button", onclick: () => (row.has_report ? open() : attempt(write)) }, words);
  return el("section", {}, el("h3", {}, t("school.report")), !row.has_report && el("p", { class: "faint" }, t("school.no_report")), el("div", { class: "buttons" }, button), place, view);
}

// --- what moves

function update(known) {
  const { row } = known;
  const now = state(row);
  if ($("#run-state").textContent !== now.textContent) $("#run-state").replaceChildren(now);
  for (const key of ["problem", "warning"]) {
    $(`#run-${key}`).textContent = row[key] ?? "";
    $(`#run-${key}`).hidden = !row[key];
  }
  $("#run-now").replaceChildren(
    row.steps && row.status !== "finished" ? el("progress", { class: "whole", max: row.steps, value: row.step, "aria-label": progressOf(row) }) : "",
    facts([[t("school.step"), progressOf(row)], [t("school.loss"), figure(row.loss)], [t("school.quality"), bits(row)], [t("school.speed"), speed(row)], [t("school.time_left"), left(row)]]));
  $("#run-facts").replaceChildren(factsOf(row));
  draw(known);
  const steps = [...known.samples.keys()].sort((one, other) => other - one);
  if ($("#samples").dataset.newest !== String(steps[0])) {
    $("#samples").dataset.newest = steps[0];
    const opened = [...$("#samples").children].map((one) => one.querySelector("details")?.open);
    $("#samples").replaceChildren(...samples(known, steps, opened));
  }
}

const sorted = (map) => [...map].sort(([one], [other]) => one - other);

/** As many of a long line's points as can be told apart, the last among them. */
function thinned(points) {
  const every = Math.ceil(points.length / MOST_POINTS);
  return points.filter((_, i) => i % every === 0 || i === points.length - 1);
}

function draw(known) {
  const place = $("#curve");
  if (!place) return;
  if (!known.points.size) return place.replaceChildren(el("p", { class: "faint" }, t("school.no_curve")));
  const ngram = known.row.figures?.ngram?.loss;
  const curve = drawCurve({ points: thinned(sorted(known.points)), measured: sorted(known.measured), ngram, steps: known.row.steps, width: Math.max(240, place.clientWidth) });
  place.replaceChildren(curve);
  $("#curve-key").replaceChildren(legend(ngram));
}

/** For each question the newest answer, and behind it, the newest first, those before. */
function samples(known, steps, opened) {
  if (!steps.length) return [el("p", { class: "faint" }, t("school.no_samples"))];
  const asked = known.samples.get(steps[0]).map(([question]) => question);
  const [newest, ...before] = steps;
  const rows = (i, shown) => el("ol", { class: "by-step" }, shown.map((step) => {
    const answer = known.samples.get(step)[i]?.[1] ?? "";
    return el("li", {}, el("span", { class: "faint" }, t("school.at_step", { step: count(step) })), el("span", {}, spoken(answer)));
  }));
  return asked.map((question, i) => el("div", { class: "item" },
    el("p", {}, el("strong", {}, question)),
    rows(i, [newest]),
    before.length > 0 && el("details", { open: opened[i] }, el("summary", {}, t("school.earlier_answers", { n: count(before.length) })), rows(i, before))));
}

window.addEventListener("resize", () => { if (shown?.row) draw(shown); });
