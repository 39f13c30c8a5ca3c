// A suggested answer: shown beside the field, put into it by a click, sent by its person alone.

import { $, api, attempt, el, t, toast } from "/static/core.js";
import { render } from "/static/markdown.js";

const box = $("#suggestion");
const ask = $("#suggest");
let draft = null; // {id, text, citations, session}
let used = ""; // id of the draft that stands in the field

/** The draft that the answer in the field was made of, if any. */
export const usedDraft = () => used;

/** Forget what was suggested: the answer is sent, or another conversation is open. */
export function clearSuggestion() {
  draft = null;
  used = "";
  box.hidden = true;
  box.replaceChildren();
}

async function suggest(session) {
  ask.disabled = true;
  ask.textContent = t("desk.suggesting");
  const found = await attempt(() => api("POST", `/api/desk/sessions/${session}/suggestion`));
  ask.disabled = false;
  ask.textContent = t("desk.suggest");
  if (!found || session !== decodeURIComponent(location.hash.slice(1))) return;
  if (!found.id) return toast(found.reason);
  draft = found;
  show();
}

function show() {
  const sources = draft.citations.map((one) => el("li", { value: one.n }, el("strong", {}, one.document), one.page ? ` ${t("page_number", { n: one.page })}` : "", " ", el("q", {}, one.quote)));
  box.replaceChildren(
    el("h3", { id: "suggestion-title" }, t("desk.suggested")),
    el("p", { class: "faint hint" }, t("desk.suggested_hint")),
    el("div", {}, render(draft.text, () => null)),
    el("ol", { class: "sources", "aria-label": t("sources"), hidden: !sources.length }, sources),
    el("div", { class: "buttons" },
      el("button", { id: "use-suggestion", type: "button", onclick: useSuggestion }, t("desk.use_suggestion")),
      el("button", { type: "button", class: "quiet", onclick: () => { clearSuggestion(); ask.focus(); } }, t("desk.drop_suggestion"))));
  box.hidden = false;
  $("#use-suggestion").focus();
}

/** Put the draft into the field, in the place of nothing or behind what stands there. */
export function useSuggestion() {
  if (!draft) return;
  const field = $("#reply").elements.text;
  field.value = [field.value.trim(), draft.text].filter(Boolean).join("\n\n");
  used = draft.id;
  box.hidden = true;
  field.focus();
}

ask?.addEventListener("click", () => suggest(decodeURIComponent(location.hash.slice(1))));
