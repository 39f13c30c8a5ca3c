// Files by click, drop or paste: one line each with progress, cancel and outcome.

import { $, api, el, t, toast } from "/static/core.js";

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** Take files from an input and from drops on `target`; `settled(row)` hears of each end. */
export function takeFiles(target, settled = () => {}) {
  const start = (files) => { for (const file of files) upload(file, settled); };
  $("#file").addEventListener("change", (event) => { start(event.target.files); event.target.value = ""; });
  target.addEventListener("dragover", (event) => { event.preventDefault(); document.body.classList.add("dragging"); });
  target.addEventListener("dragleave", () => document.body.classList.remove("dragging"));
  target.addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("dragging");
    start(event.dataTransfer.files);
  });
  document.addEventListener("paste", (event) => { if (event.clipboardData?.files.length) start(event.clipboardData.files); });
}

async function upload(file, settled) {
  const abort = new AbortController();
  const state = el("span", { class: "faint" }, t("uploading"));
  const bar = el("progress", { "aria-label": file.name });
  const cancel = el("button", { class: "quiet", type: "button", "aria-label": t("cancel"), onclick: () => abort.abort() }, "✕");
  const line = el("li", {}, el("span", { class: "name" }, file.name), bar, state, cancel);
  $("#uploads").append(line);
  try {
    const form = new FormData();
    form.append("files", file, file.name);
    const [row] = await api("POST", "/api/documents", form, { signal: abort.signal });
    if (row.outcome === "refused") throw new Error(row.error.message);
    const end = await follow(row, bar, state, abort.signal);
    line.classList.add(end.state);
    state.textContent = end.state === "ready" ? t("ready_passages", { n: end.passages }) : end.reason;
    settled(end);
  } catch (problem) {
    if (problem.name === "AbortError") return line.remove();
    line.classList.add("failed");
    state.textContent = problem.message;
  }
  bar.remove();
  cancel.onclick = null;
  cancel.addEventListener("click", () => line.remove());
  if (line.classList.contains("ready")) setTimeout(() => line.remove(), 6000);
}

async function follow(row, bar, state, signal) {
  for (let pause = 150; ; pause = Math.min(1000, pause * 1.3)) {
    const now = await api("GET", `/api/documents/${row.document_id}/state`, undefined, { signal });
    if (now.state === "ready" || now.state === "failed") return now;
    if (now.total) { bar.max = now.total; bar.value = now.done; }
    state.textContent = t(`state_${now.state}`);
    await sleep(pause);
    if (signal.aborted) {
      await api("DELETE", `/api/documents/${row.document_id}`);
      toast(t("upload_cancelled", { name: row.name }));
      throw Object.assign(new Error(""), { name: "AbortError" });
    }
  }
}
