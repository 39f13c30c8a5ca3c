// One model in a list: what it is and needs, how far its download is, and what can be done with it.

import { $, api, attempt, el, t, toast } from "/static/core.js";
import { badge, confirmed, facts, fill, may, size } from "/static/parts.js";

const names = new Intl.DisplayNames(document.documentElement.lang, { type: "language" });
let timer = 0;

/** Show the models that `wanted` picks, and keep them current while one is on its way. */
export async function showModels(wanted = () => true) {
  clearTimeout(timer);
  const models = await attempt(() => api("GET", "/api/models"));
  if (!models) return;
  const again = () => showModels(wanted);
  fill($("#models"), models.filter(wanted).map((one) => row(one, again)), t("no_models"));
  if (models.some((one) => one.pulling)) timer = setTimeout(again, 500);
}

function row(one, again) {
  const name = el("strong", { class: "name" }, one.title);
  const item = el("li", { class: "item" }, el("div", { class: "line" }, name, el("span", { class: "line" }, ...states(one))), facts([
    [t("name"), one.name],
    [t("kind"), t(`kind_${one.kind}`)],
    [t("licence"), one.licence],
    [t("size"), one.size && size(one.size)],
    [t("memory"), one.memory && size(one.memory)],
    [t("languages"), one.languages.map((code) => names.of(code)).join(", ")],
  ]));
  if (one.pulling) item.append(progress(one));
  if (one.warning) item.append(el("p", { class: "bad" }, one.warning));
  if (one.error) item.append(el("p", { class: "bad" }, one.error));
  const deeds = may("manage_models") ? [...buttons(one, again)] : [];
  if (deeds.length) item.append(el("div", { class: "buttons" }, deeds));
  return item;
}

function* states(one) {
  if (one.default) yield badge(t("in_use"), "good");
  if (one.running) yield badge(t("running"));
  yield badge(t(one.pulling ? "pulling" : one.remote ? "remote" : one.here ? "here" : "not_here"));
}

function progress({ title, pulling: { done, total } }) {
  const bar = el("progress", { max: total, value: done, "aria-label": title });
  return el("p", { class: "line" }, bar, el("span", { class: "faint" }, t("of", { done: size(done), total: size(total) })));
}

/** The buttons share ids by their place, so that the focus stays when pull becomes cancel. */
function* buttons(one, again) {
  const post = (path, body) => attempt(() => api("POST", `/api/models/${path}`, body)).then(again);
  const first = { type: "button", id: `do-${one.name}` };
  const label = (word) => `${t(word)}: ${one.title}`;
  if (one.pulling) yield el("button", { ...first, "aria-label": label("cancel"), onclick: () => post(`${one.name}/stop`) }, t("cancel"));
  else if (!one.here) yield el("button", { ...first, class: "primary", "aria-label": label("pull"), onclick: () => post(`${one.name}/pull`) }, t("pull"));
  else if (one.kind === "chat" && !one.default) yield el("button", { ...first, class: "primary", "aria-label": label("use"), onclick: () => use(one, again) }, t("use"));
  if (one.here && !one.default && !one.remote) yield el("button", { type: "button", id: `remove-${one.name}`, "aria-label": label("remove"), onclick: () => remove(one, again) }, t("remove"));
}

async function use(one, again) {
  if ((await attempt(() => api("POST", "/api/models/use", { name: one.name }))) === undefined) return;
  toast(t("model_used", { name: one.title }));
  again();
}

async function remove(one, again) {
  const sure = await confirmed({ title: t("remove_model", { name: one.title }), text: t("remove_model_more"), label: t("remove") });
  if (!sure) return;
  if ((await attempt(() => api("DELETE", `/api/models/${one.name}`))) !== undefined) toast(t("model_removed", { name: one.title }));
  again();
}
