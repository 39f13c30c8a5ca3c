// Asks once how somebody was helped: five numbers, then, if they like, what could be better.

import { el, t } from "/static/core.js";

const KEY = "rating-asked";
let shown = ""; // id of the session that the box asks about

/** Ask in `box` about the session `id` if it `asks` and was not asked before; `send(score, comment)` keeps it and says whether it did. */
export function showRating(box, id, asks, send) {
  if (shown === id && !box.hidden && box.dataset.said) return; // its comment is being written
  if (!id || !asks || (askedBefore(id) && shown !== id)) {
    box.hidden = true;
    return;
  }
  if (shown === id && !box.hidden) return;
  shown = id;
  note(id);
  delete box.dataset.said;
  const scores = [1, 2, 3, 4, 5].map((n) => el("button", { type: "button", "aria-label": t("rating_score", { n }), onclick: () => rate(box, n, send) }, n));
  box.replaceChildren(el("span", {}, t("rating_ask")), el("span", { class: "faint" }, t("rating_worst")), el("span", { class: "marks" }, scores), el("span", { class: "faint" }, t("rating_best")),
    el("button", { type: "button", class: "link", onclick: () => { box.hidden = true; } }, t("rating_no")));
  box.hidden = false;
}

async function rate(box, score, send) {
  if (!(await send(score, ""))) return;
  box.dataset.said = "1";
  const field = el("input", { maxlength: 2000, "aria-label": t("rating_comment"), placeholder: t("rating_comment") });
  const more = el("form", { class: "bench" }, field, el("button", {}, t("rating_send")));
  more.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (field.value.trim() && !(await send(score, field.value.trim()))) return;
    delete box.dataset.said;
    box.replaceChildren(el("span", { role: "status" }, t("rating_thanks")));
  });
  box.replaceChildren(el("span", { role: "status" }, t("rating_thanks")), more);
}

const asked = () => (sessionStorage.getItem(KEY) ?? "").split(" ");

function askedBefore(id) {
  try { return asked().includes(id); } catch { return false; } // no storage: at most once a page
}

function note(id) {
  try { sessionStorage.setItem(KEY, [...asked().slice(-50), id].join(" ")); } catch { /* as above */ }
}
