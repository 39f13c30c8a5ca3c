// The school: its tabs, the list of runs while they go, and the form that begins one.

import { $, api, attempt, el, t, toast } from "/static/core.js";
import { facts, fill } from "/static/parts.js";
import { showChats, takeChats } from "/static/school_chats.js";
import { showData, takeData } from "/static/school_data.js";
import { showChoices } from "/static/school_models.js";
import { bits, choose, figure, fileOptions, goes, left, live, modelOptions, onSend, progressOf, speed, state } from "/static/school_parts.js";
import { leaveRun, showRun } from "/static/school_run.js";

const TABS = ["runs", "data", "compare", "inside"];
const USUAL = { pretrain: { epochs: "1", rate: "0.002", hint: "school.pretrain_more" }, tune: { epochs: "2", rate: "0.0002", hint: "school.tune_more" } };
const begin = $("#begin");
let streams = []; // of the runs in the list that go
let found = null;
let opened = ""; // name of the run that was left

async function load() {
  const answer = await attempt(() => api("GET", "/api/school"));
  if (answer) {
    found = answer;
    fill($("#runs"), found.runs.map(row), t("school.no_runs"));
    showAnswering();
    showBegin();
    showData(found);
    showChats();
    showChoices(found);
    follow();
  }
}

/** Hear of the runs that go, each until it ends: then there is more to choose from. */
function follow() {
  unfollow();
  if (!$("#one-run").hidden) return; // another view was opened while this one loaded
  const list = found;
  streams = list.runs.filter(goes).map((run) => live(`/api/school/runs/${encodeURIComponent(run.name)}/events`, (news) => {
    Object.assign(run, news);
    if (!goes(run)) return void load();
    fill($("#runs"), found.runs.map(row), t("school.no_runs"));
  }, () => list === found && streams.length && load()));
}

function unfollow() {
  for (const stream of streams) stream.close();
  streams = [];
}

function row(run) {
  const going = goes(run);
  return el("li", { class: "item" },
    el("div", { class: "line" }, el("a", { class: "name", id: `open-${run.name}`, href: `#run/${encodeURIComponent(run.name)}` }, run.name), state(run)),
    going && run.steps && el("progress", { class: "whole", max: run.steps, value: run.step, "aria-label": progressOf(run) }),
    facts([
      [t("school.step"), progressOf(run)],
      [t("school.loss"), figure(run.loss)],
      [t("school.quality"), bits(run)],
      [t("school.speed"), going && speed(run)],
      [t("school.time_left"), left(run)],
    ]),
    run.warning && el("p", { class: "bad" }, run.warning),
    run.problem && el("p", { class: "bad" }, run.problem));
}

function showAnswering() {
  const back = found.back_to && el("button", { type: "button", id: "roll-back", onclick: rollBack }, t("school.roll_back", { name: found.back_to }));
  $("#answering").replaceChildren(el("span", {}, t("school.answering"), " ", el("strong", {}, found.default)), ...(back ? [back] : []));
}

async function rollBack() {
  const made = await attempt(() => api("POST", "/api/school/back"));
  if (made) toast(t("school.rolled_back", made));
  load();
}

// --- a new run

function showBegin() {
  const busy = found.runs.find(goes);
  const why = !found.data.length ? [t("school.data_first"), " ", el("a", { href: "#data" }, t("school.add_data"))] : busy ? [t("school.one_at_a_time", { name: busy.name })] : [];
  $("#begin-first").replaceChildren(...why);
  $("#begin-first").hidden = !why.length;
  begin.hidden = Boolean(why.length);
  choose(begin.elements.data, fileOptions(found));
  showRecipe(true);
}

function showRecipe(fresh) {
  const fields = begin.elements;
  const usual = USUAL[fields.recipe.value];
  const tunes = fields.recipe.value === "tune";
  for (const name of ["epochs", "rate"]) fields[name].placeholder = usual[name];
  for (const one of begin.querySelectorAll("[data-for=tune]")) one.hidden = !tunes;
  $("#recipe-hint").textContent = t(usual.hint);
  if (!fresh) fields.model.replaceChildren(); // another recipe usually begins with something else
  choose(fields.model, modelOptions(found, { presets: true }), tunes ? `model:${found.default}` : "preset:gpt2-3m");
  if (!fields.name.value || fields.name.dataset.made === fields.name.value) fields.name.value = fields.name.dataset.made = freeName(fields.recipe.value);
}

function freeName(recipe) {
  const taken = new Set(found.runs.map((run) => run.name));
  for (let n = 1; ; n += 1) if (!taken.has(`${recipe}-${n}`)) return `${recipe}-${n}`;
}

onSend(begin, async (fields) => {
  const number = (field) => (field.value === "" ? null : Number(field.value));
  const body = { recipe: fields.recipe.value, data: fields.data.value, model: fields.model.value, name: fields.name.value.trim() };
  for (const name of ["epochs", "batch", "length", "rate"]) body[name] = number(fields.namedItem(name)); // `fields.length` is their number
  body.split = fields.split.value;
  body.accept_overlap = fields.accept_overlap.checked;
  if (body.recipe === "tune") body.lora = number(fields.lora);
  const made = await api("POST", "/api/school/runs", body);
  $("#begin-box").open = false;
  location.hash = `#run/${encodeURIComponent(made.name)}`;
});

// --- tabs

function go() {
  const [tab, name] = location.hash.slice(1).split("/");
  const one = tab === "run" && name;
  $("#rooms-of-school").hidden = Boolean(one);
  $("#one-run").hidden = !one;
  if (one) {
    unfollow();
    opened = decodeURIComponent(name);
    return showRun(opened);
  }
  leaveRun();
  const shown = TABS.includes(tab) ? tab : "runs";
  for (const button of document.querySelectorAll("[data-tab]")) button.setAttribute("aria-pressed", String(button.dataset.tab === shown));
  for (const pane of document.querySelectorAll("[data-pane]")) pane.hidden = pane.dataset.pane !== shown;
  load().then(() => {
    if (opened) document.getElementById(`open-${opened}`)?.focus();
    opened = "";
  });
}

for (const button of document.querySelectorAll("[data-tab]")) button.addEventListener("click", () => { location.hash = `#${button.dataset.tab}`; });
begin.elements.recipe.addEventListener("change", () => showRecipe(false));
window.addEventListener("hashchange", go);
takeData(load);
takeChats(load);
go();
