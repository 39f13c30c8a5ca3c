// Fields that a person fills in: made from what is asked for, and read as what is sent.

import { el, t } from "/static/core.js";

/** A labelled input for each field; ids begin with `place`. */
export function fieldsOf(fields, place) {
  return fields.map((field) => {
    const id = `${place}-${field.name}`;
    const input = inputOf(field, id);
    if (field.type === "yes_no") return el("label", { class: "choice" }, input, field.title);
    const mark = field.optional ? el("span", { class: "faint" }, ` ${t("automations.optional")}`) : "";
    return el("label", { for: id }, el("span", {}, field.title, mark), input);
  });
}

function inputOf(field, id) {
  const base = { id, name: field.name, required: !field.optional };
  switch (field.type) {
    case "yes_no": return el("input", { ...base, type: "checkbox", required: false });
    case "number": return el("input", { ...base, type: "number", step: "any", inputmode: "decimal" });
    case "date": return el("input", { ...base, type: "date" });
    case "choice": return el("select", base, el("option", { value: "" }, "—"), field.choices.map((one) => el("option", { value: one }, one)));
    default: return el("textarea", { ...base, rows: 1, maxlength: 20000 });
  }
}

/** What was filled in, by name. */
export function valuesOf(fields, within) {
  const values = {};
  for (const field of fields) {
    const input = within.querySelector(`[name="${field.name}"]`);
    values[field.name] = field.type === "yes_no" ? input.checked : input.value;
  }
  return values;
}
