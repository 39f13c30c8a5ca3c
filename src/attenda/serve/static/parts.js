// What the pages of forms and lists share: rights, figures, dialogs, a list that keeps its focus.

import { $, attempt, el, t, toast } from "/static/core.js";

const language = document.documentElement.lang;
const rights = new Set((document.body.dataset.may ?? "").split(" "));

export const me = document.body.dataset.me;

/** Whether the person's role allows an action; the server decides again. */
export const may = (action) => rights.has(action);

export const count = (n) => new Intl.NumberFormat(language).format(n);

export function size(bytes) {
  const [unit, part] = bytes >= 1e9 ? ["gigabyte", 1e9] : bytes >= 1e6 ? ["megabyte", 1e6] : bytes >= 1e3 ? ["kilobyte", 1e3] : ["byte", 1];
  return new Intl.NumberFormat(language, { style: "unit", unit, maximumFractionDigits: part === 1e9 ? 1 : 0 }).format(bytes / part);
}

export const seconds = (microseconds, digits = 1) =>
  new Intl.NumberFormat(language, { style: "unit", unit: "second", minimumFractionDigits: digits, maximumFractionDigits: digits }).format(microseconds / 1e6);

export const moment = (microseconds) => new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" }).format(new Date(microseconds / 1000));

export const day = (microseconds) => new Intl.DateTimeFormat(language, { dateStyle: "medium" }).format(new Date(microseconds / 1000));

/** New rows in a list, or why there are none; a button with an id keeps the focus. */
export function fill(list, rows, empty) {
  const id = list.contains(document.activeElement) ? document.activeElement.id : "";
  list.replaceChildren(...(rows.length ? rows : [el("li", { class: "empty faint" }, empty)]));
  if (id) document.getElementById(id)?.focus();
}

export const badge = (text, kind = "") => el("span", { class: `state ${kind}` }, text);

/** Facts as a list of terms; a fact without a value is left out. */
export function facts(pairs) {
  const shown = pairs.filter(([, value]) => value);
  return el("dl", { class: "facts" }, shown.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}

/** Run `action(form)` when a form is sent, once at a time; an error becomes a toast. */
export function onSubmit(form, action) {
  form?.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button:not([type])");
    if (button.disabled) return;
    button.disabled = true;
    await attempt(() => action(form.elements));
    button.disabled = false;
  });
}

/** A secret or a link to copy, shown until the page is left. */
export function toCopy(label, text, hint) {
  const field = el("input", { readonly: true, value: text, "aria-label": label, class: "secret" });
  field.addEventListener("focus", () => field.select());
  const copy = el("button", { type: "button", class: "primary" }, t("copy"));
  copy.addEventListener("click", async () => {
    field.select();
    // The clipboard is there on this machine and over TLS; elsewhere the selection must do.
    if (navigator.clipboard) await navigator.clipboard.writeText(text);
    toast(t(navigator.clipboard ? "copied" : "copy_selected"));
  });
  return el("div", { class: "once" }, el("p", {}, label), el("div", { class: "bench" }, field, copy), el("p", { class: "faint hint" }, hint));
}

/** Ask before what can't be undone; true when it is to be done. `typed` must be typed first. */
export function confirmed({ title, text, label, typed }) {
  const field = typed && el("input", { autocomplete: "off", "aria-label": t("type_to_confirm", { name: typed }) });
  const sure = el("button", { class: "danger", value: "yes", disabled: Boolean(typed) }, label);
  field?.addEventListener("input", () => { sure.disabled = field.value.trim() !== typed; });
  const box = el("dialog", { "aria-labelledby": "dialog-title" },
    el("form", { method: "dialog", class: "form" },
      el("h2", { id: "dialog-title" }, title), el("p", {}, text),
      field && el("p", { class: "faint hint" }, t("type_to_confirm", { name: typed })), field,
      el("div", { class: "buttons" }, sure, el("button", { type: "button", onclick: () => box.close() }, t("cancel")))));
  document.body.append(box);
  box.showModal();
  (field ?? box.querySelector("button[type=button]")).focus();
  return new Promise((done) => box.addEventListener("close", () => { box.remove(); done(box.returnValue === "yes"); }));
}

/** A page of many things and of the run that its address names; `list` and `show` bring them. */
export function manyAndOne(many, list, show) {
  let opened = ""; // id of the run that was left
  const swap = (one) => {
    $(many).hidden = one;
    $("#one-run").hidden = !one;
  };
  const close = () => {
    swap(false);
    return list();
  };
  const route = async () => {
    const id = location.hash.slice(1);
    if (id) return show(id);
    await close();
    document.getElementById(`open-${opened}`)?.focus();
  };
  window.addEventListener("hashchange", ({ oldURL }) => { opened = new URL(oldURL).hash.slice(1); route(); });
  return { swap, close, route };
}
