// Screens of packs: forms that call tools, files that are read in.

import { $, api, attempt, el, t, toast } from "./core.js";

const pack = $("#screen").dataset.pack;

/** What a form says, by name; empty fields are left out, and boxes are true or false. */
function said(form) {
  const values = {};
  for (const field of form.elements) {
    if (!field.name || field.disabled) continue;
    if (field.type === "checkbox") values[field.name] = field.checked;
    else if (field.type === "radio") { if (field.checked) values[field.name] = field.value; }
    else if (field.value !== "") values[field.name] = field.type === "number" ? Number(field.value) : field.value;
  }
  return values;
}

async function callTool(form) {
  if (form.dataset.confirm && !confirm(form.dataset.confirm)) return;
  const buttons = [...form.querySelectorAll("button")];
  for (const button of buttons) button.disabled = true;
  const body = { arguments: said(form), once: form.dataset.once };
  const done = await attempt(() => api("POST", `/api/packs/${pack}/tools/${encodeURIComponent(form.dataset.tool)}`, body));
  for (const button of buttons) button.disabled = false;
  if (!done) return;
  if (done.state === "waiting") return toast(t("pack.waits"));
  if (done.state === "unknown") return toast(t("pack.not_known"), { bad: true });
  if (form.dataset.then) location.assign(form.dataset.then);
  else location.reload();
}

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
  if (!form.dataset.tool && !form.dataset.importer) return;
  event.preventDefault();
  if (form.dataset.tool) callTool(form);
  else readIn(form);
});

$("#drop-samples")?.addEventListener("click", async () => {
  if (!confirm(t("pack.samples_sure"))) return;
  const found = await attempt(() => api("DELETE", `/api/packs/${pack}/samples`));
  if (found) toast(t("pack.samples_removed", found));
});
