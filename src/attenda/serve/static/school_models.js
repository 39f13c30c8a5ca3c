// Two models side by side on the same prompts; what a model learns of a text, and how it reads one.

import { $, api, el, t } from "/static/core.js";
import { choose, errand, fileOptions, frame, modelOptions, onSend, spoken, taskScores } from "/static/school_parts.js";

/** The choices of these tabs, from what there is. */
export function showChoices(found) {
  const fields = $("#compare").elements;
  const first = `model:${found.default}`;
  choose(fields.first, modelOptions(found), first);
  const other = [...modelOptions(found).flatMap((group) => [...group.children])].find((one) => one.value !== fields.first.value);
  choose(fields.second, modelOptions(found), other?.value);
  for (const form of [$("#mask"), $("#lens")]) choose(form.elements.model, modelOptions(found), first);
  choose($("#mask").elements.data, fileOptions(found));
}

/** A model's name, and whether it is a run's or an installed one: both may have the same. */
function called(select) {
  const [option] = select.selectedOptions;
  return `${option.textContent} (${option.parentElement.label})`;
}

function answers(rows, names) {
  return rows.map((row) => el("li", { class: "item" },
    el("p", {}, el("strong", {}, row.prompt)),
    el("div", { class: "fields" }, names.map((name, i) => el("div", { class: "answer" },
      el("p", { class: "faint" }, name),
      el("p", { class: "said" }, i < row.answers.length ? spoken(row.answers[i]) : "…"))))));
}

onSend($("#compare"), async (fields) => {
  const prompts = [...fields.prompt].map((field) => field.value.trim()).filter(Boolean);
  const names = [called(fields.first), called(fields.second)];
  const begun = await api("POST", "/api/school/compare", { models: [fields.first.value, fields.second.value], prompts });
  const runs = [fields.first, fields.second].filter((field) => field.value.startsWith("run:")).map((field) => field.value.slice(4));
  const rows = await Promise.all([...new Set(runs)].map((name) => api("GET", `/api/school/runs/${encodeURIComponent(name)}`)));
  $("#scores").replaceChildren(taskScores(rows) ?? "");
  const fill = (rows) => $("#answers").replaceChildren(...answers(rows, names));
  fill(await errand($("#compare-doing"), begun, t("school.comparing"), fill));
});

for (const [form, kind, title] of [[$("#mask"), "mask", t("school.mask")], [$("#lens"), "lens", t("school.lens")]])
  onSend(form, async (fields) => {
    $("#inside-view").replaceChildren();
    const begun = await api("POST", `/api/school/views/${kind}`, { model: fields.model.value, data: fields.data?.value ?? "", text: fields.text?.value ?? "" });
    const made = await errand(form.querySelector(".doing"), begun, t("school.drawing"));
    const heading = el("h2", { tabindex: "-1" }, title);
    $("#inside-view").replaceChildren(heading, frame(made.path, title));
    heading.scrollIntoView(); // it is below both forms, out of sight of who asked
    heading.focus({ preventScroll: true });
  });
