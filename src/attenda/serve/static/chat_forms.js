// Questions of other programs in the middle of a call: a form for each, answered, declined or put away.

import { $, api, attempt, el, t } from "/static/core.js";

const waiting = new Map(); // form id → its element

/** Show a form that waits for the person of the session. */
export function askForm(sessionId, id, form) {
  if (waiting.has(id)) return;
  const inputs = form.fields.map((field) => [field, control(field, id)]);
  const answer = (action) => attempt(() => api("POST", `/api/sessions/${sessionId}/forms/${id}`, { action, values: action === "accept" ? valuesOf(inputs) : {} }));
  const button = (word, action) => el("button", { type: "button", onclick: () => answer(action) }, t(word));
  const node = el("form", { class: "card form asked", "aria-label": t("form_asks", { name: form.asker }) },
    el("p", { class: "faint" }, t("form_asks", { name: form.asker })),
    el("p", {}, form.message),
    inputs.map(([, shown]) => shown.node),
    el("div", { class: "buttons" }, el("button", { class: "primary" }, t("form_send")), button("form_decline", "decline"), button("form_cancel", "cancel")));
  node.addEventListener("submit", (event) => { event.preventDefault(); answer("accept"); });
  waiting.set(id, node);
  $("#asked").append(node);
  $("#asked").hidden = false;
  node.querySelector("input, select, button")?.focus();
}

/** A form waits no longer. */
export function endForm(id) {
  waiting.get(id)?.remove();
  waiting.delete(id);
  $("#asked").hidden = !waiting.size;
}

/** Another session, or none: its forms are not this one's. */
export function clearForms() {
  for (const id of [...waiting.keys()]) endForm(id);
}

function valuesOf(inputs) {
  const given = inputs.map(([field, shown]) => [field.name, shown.value()]);
  return Object.fromEntries(given.filter(([, value]) => value !== "" && value !== undefined));
}

const TYPES = { email: "email", uri: "url", date: "date", "date-time": "datetime-local" };

function control(field, id) {
  const name = `${id}-${field.name}`;
  const label = (input) => el("label", {}, `${field.title}${field.required ? " *" : ""}`, input, field.about && el("span", { class: "faint hint" }, field.about));
  if (field.kind === "boolean") {
    const box = el("input", { type: "checkbox", checked: field.default === true });
    return { node: el("label", { class: "choice" }, box, field.title, field.about && el("span", { class: "faint hint" }, field.about)), value: () => box.checked };
  }
  if (field.kind === "choice") {
    const rows = field.options.map(([value, title]) => el("option", { value, selected: value === field.default }, title));
    const select = el("select", { name, required: field.required }, el("option", { value: "" }, t("form_choose")), rows);
    return { node: label(select), value: () => select.value };
  }
  if (field.kind === "choices") {
    const chosen = Array.isArray(field.default) ? field.default : [];
    const boxes = field.options.map(([value, title]) => [value, el("input", { type: "checkbox", checked: chosen.includes(value) }), title]);
    const rows = boxes.map(([, box, title]) => el("label", { class: "choice" }, box, title));
    return { node: el("fieldset", {}, el("legend", {}, field.title), field.about && el("p", { class: "faint hint" }, field.about), rows), value: () => boxes.filter(([, box]) => box.checked).map(([value]) => value) };
  }
  const number = field.kind === "integer" || field.kind === "number";
  const limits = number ? { min: field.least, max: field.most, step: field.kind === "integer" ? 1 : "any" } : { minlength: field.least, maxlength: field.most ?? 2000 };
  const input = el("input", { type: number ? "number" : TYPES[field.format] ?? "text", name, required: field.required, value: field.default ?? "", autocomplete: "off", ...limits });
  return { node: label(input), value: () => (number ? (input.value === "" ? "" : Number(input.value)) : input.value) };
}
