// Screens of packs: forms that call tools, files that are read in.

import { $, api, attempt, el, t, toast } from "./core.js";

const pack = $("#screen").dataset.pack;

/** What a form says, by name; empty fields are left out. A box is true or false; boxes that have
 *  values of their own are one answer, such as "a, c". */
function said(form) {
  const values = {};
  for (const field of form.elements) {
    if (!field.name || field.disabled) continue;
    if (field.type === "checkbox" && field.hasAttribute("value")) {
      if (field.checked) values[field.name] = values[field.name] ? `${values[field.name]}, ${field.value}` : field.value;
    } else if (field.type === "checkbox") values[field.name] = field.checked;
    else if (field.type === "radio") { if (field.checked) values[field.name] = field.value; }
    else if (field.value !== "") values[field.name] = field.type === "number" ? Number(field.value) : field.value;
  }
  return values;
}

/** Whether each group of boxes has one that is ticked; else the reader is told. */
function isWhole(form) {
  const empty = [...form.querySelectorAll("fieldset[data-some]")].find((one) => !one.querySelector(":checked"));
  if (!empty) return true;
  empty.querySelector("input").focus();
  toast(t("pack.choose_some"), { bad: true });
  return false;
}

/** What a form asks for: a tool, or an endpoint of the pack's that takes its fields. */
function send(form) {
  const once = form.dataset.once;
  if (form.dataset.endpoint) return api("POST", `/packs/${pack}/api/${form.dataset.endpoint}`, { ...said(form), once });
  return api("POST", `/api/packs/${pack}/tools/${encodeURIComponent(form.dataset.tool)}`, { arguments: said(form), once });
}

async function callTool(form) {
  if (!isWhole(form)) return;
  if (form.dataset.confirm && !confirm(form.dataset.confirm)) return;
  const buttons = [...form.querySelectorAll("button")];
  for (const button of buttons) button.disabled = true;
  const done = await attempt(() => send(form));
  for (const button of buttons) button.disabled = false;
  if (!done) return;
  if (done.state === "waiting") return toast(t("pack.waits"));
  if (done.state === "unknown") return toast(t("pack.not_known"), { bad: true });
  if (done.told) sessionStorage.setItem("told", JSON.stringify({ ...done.told, pack }));
  if (form.dataset.then) location.assign(form.dataset.then);
  else location.reload();
}

/** What the tool said that was called before the page was shown anew, said once. */
function sayTold() {
  const told = JSON.parse(sessionStorage.getItem("told") ?? "null");
  sessionStorage.removeItem("told");
  const place = told?.pack === pack && $(told.on_page && !told.session ? "#announce" : "#told");
  if (!place) return;
  const way = told.session ? el("a", { href: `/chat/${told.session}` }, t("pack.person_comes")) : "";
  const words = told.on_page && told.session ? "" : told.words;
  setTimeout(() => place.replaceChildren(words, words && way ? " " : "", way), 150);  // a live region tells of changes alone
}
sayTold();

async function readIn(form) {
  const data = new FormData();
  data.append("file", form.elements.file.files[0]);
  data.append("dry_run", form.elements.dry_run.checked);
  const found = await attempt(() => api("POST", `/api/packs/${pack}/imports/${encodeURIComponent(form.dataset.importer)}`, data));
  if (!found) return;
  const rejects = found.rejects.map((one) => el("li", {}, `${one.place}: ${one.reason}`));
  form.querySelector(".result").replaceChildren(
    el("p", {}, t(found.dry_run ? "pack.would_read" : "pack.was_read", found)),
    rejects.length ? el("ul", { class: "items" }, ...rejects) : "");
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.dataset.tool && !form.dataset.endpoint && !form.dataset.importer) return;
  event.preventDefault();
  if (form.dataset.importer) readIn(form);
  else callTool(form);
});

$("#drop-samples")?.addEventListener("click", async () => {
  if (!confirm(t("pack.samples_sure"))) return;
  const found = await attempt(() => api("DELETE", `/api/packs/${pack}/samples`));
  if (found) toast(t("pack.samples_removed", found));
});
