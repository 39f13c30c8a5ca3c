// The school's data: files handed in, the doctor's findings, a clean copy.

import { $, api, attempt, el, t, toast } from "/static/core.js";
import { badge, confirmed, count, facts, fill, size } from "/static/parts.js";
import { errand, percent } from "/static/school_parts.js";

const findings = new Map(); // name of a file → what is shown beneath it

export function showData(found) {
  fill($("#files"), found.data.map(row), t("school.no_data"));
}

function row(file) {
  if (!findings.has(file.name)) findings.set(file.name, el("div", { "aria-live": "polite" }));
  const place = findings.get(file.name);
  const label = (word) => `${word}: ${file.name}`;
  const button = (word, id, onclick, kind = "") => el("button", { type: "button", id: `${id}-${file.name}`, class: kind, "aria-label": label(word), onclick }, word);
  return el("li", { class: "item" },
    el("div", { class: "line" }, el("strong", { class: "name" }, file.name), el("span", { class: "faint" }, size(file.size))),
    el("div", { class: "buttons" },
      button(t("school.examine"), "examine", () => attempt(() => examine(file.name, place)), "primary"),
      button(t("school.clean_copy"), "clean", () => attempt(() => clean(file.name, place))),
      button(t("school.remove"), "drop", () => remove(file.name))),
    place);
}

async function examine(name, place) {
  const begun = await api("POST", `/api/school/data/${encodeURIComponent(name)}/doctor`);
  place.replaceChildren(...report(await errand(place, begun, t("school.examining"))));
}

async function clean(name, place) {
  const begun = await api("POST", `/api/school/data/${encodeURIComponent(name)}/doctor?fix=true`);
  const found = await errand(place, begun, t("school.cleaning"));
  place.replaceChildren(el("p", { class: "good" }, t("school.cleaned", { name: found.fixed.name, kept: count(found.fixed.kept), dropped: count(found.fixed.dropped) })), ...report(found));
  changed();
}

async function remove(name) {
  const sure = await confirmed({ title: t("school.remove_title", { name }), text: t("school.remove_file_more"), label: t("school.remove") });
  if (!sure || (await attempt(() => api("DELETE", `/api/school/data/${encodeURIComponent(name)}`))) === undefined) return;
  findings.delete(name);
  toast(t("school.removed", { name }));
  changed();
}

const names = new Intl.DisplayNames(document.documentElement.lang, { type: "language" });
const languageName = (code) => (code === "?" ? t("school.language_unknown") : names.of(code));

const spread = (one) => one && (one.least === one.most ? count(one.least) : t("school.spread", { least: count(one.least), median: count(one.median), most: count(one.most) }));

function* report(found) {
  const shares = Object.entries(found.languages ?? {}).filter(([, share]) => share >= 0.0005);
  yield facts([
    [t("school.format"), [...new Set(found.formats)].join(", ")],
    [t("school.conversations"), count(found.conversations)],
    [t("school.turns"), spread(found.turns)],
    [t("school.words"), spread(found.words)],
    [t("school.languages"), shares.map(([name, share]) => `${languageName(name)} ${percent(share)}`).join(", ")],
    [t("school.repeats"), t("school.repeats_told", { exact: count(found.exact_duplicates), near: count(found.near_duplicates) })],
    [t("school.short_answers"), percent(found.short_answers)],
    [t("school.most_frequent"), found.repeat?.answer && `${percent(found.repeat.share)} “${found.repeat.answer.slice(0, 80)}”`],
  ]);
  const all = found.errors + found.warnings;
  if (!all) return yield el("p", { class: "good" }, t("school.no_problems"));
  yield el("p", {}, t("school.problems", { errors: count(found.errors), warnings: count(found.warnings) }));
  yield el("ol", { class: "problems", tabindex: "0", "aria-label": t("school.problems_list") }, found.problems.map(problem));
  if (all > found.problems.length) yield el("p", { class: "faint" }, t("school.and_more", { n: count(all - found.problems.length) }));
}

function problem(one) {
  const wrong = one.severity === "error";
  const place = one.place.split("/").at(-1);
  return el("li", {}, badge(t(wrong ? "school.error" : "school.warning"), wrong ? "failed" : ""), " ", place && el("code", {}, place), " ", el("span", {}, one.text));
}

// --- handing in

let changed = () => {};

/** Take files from the input and from drops; `done` hears that the list has changed. */
export function takeData(done) {
  changed = done;
  const pane = document.querySelector("[data-pane=data]");
  $("#data-file").addEventListener("change", (event) => { upload([...event.target.files]); event.target.value = ""; });
  pane.addEventListener("dragover", (event) => event.preventDefault());
  pane.addEventListener("drop", (event) => { event.preventDefault(); upload([...event.dataTransfer.files]); });
}

async function upload(files) {
  for (const file of files) {
    const line = el("li", {}, el("span", { class: "name" }, file.name), el("span", { class: "faint" }, t("school.sending")));
    $("#uploads").append(line);
    const refuse = (words) => {
      line.classList.add("failed");
      line.lastChild.textContent = words;
      line.append(el("button", { class: "quiet", type: "button", "aria-label": t("close"), onclick: () => line.remove() }, "✕"));
    };
    try {
      const form = new FormData();
      form.append("files", file, file.name);
      const [kept] = await api("POST", "/api/school/data", form);
      if (kept.outcome === "refused") refuse(kept.error.message);
      else line.remove();
    } catch (problem) {
      refuse(problem.message);
    }
  }
  changed();
}
