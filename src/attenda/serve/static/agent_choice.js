// Which of its pack's flows and tools an agent has: all, or only those that are ticked.

import { $, api, attempt, el, t } from "/static/core.js";
import { badge } from "/static/parts.js";

const KINDS = ["flows", "tools"];
const MANY = 8; // from more rows on, one can search
const NAMED = 3; // flows named in a row's note

let pack = ""; // whose abilities are shown
let mode = "flows";
let there = { flows: [], tools: [], looks_first: false };
let picked = { flows: null, tools: null }; // sets of names; null is all
let along = { flows: [], tools: [] }; // what the last tick took along
let changed = () => {};
const loaded = new Map(); // abilities by pack

const box = (kind) => $(`#${kind}-choice`);
const find = (kind, name) => there[kind].find((one) => one.name === name);
const title = (kind, name) => (kind === "flows" ? find(kind, name)?.title : null) ?? name;
const isPicked = (kind, name) => picked[kind] === null || picked[kind].has(name);
const fixed = (kind, name) => Boolean(find(kind, name)?.always);
const free = (kind) => there[kind].filter((one) => !one.always); // what is left to choose

/** What is chosen now, as an agent keeps it. */
export const chosenNow = () => Object.fromEntries(KINDS.map((kind) => [kind, picked[kind] && [...picked[kind]].sort()]));

/** Titles of the flows that people can begin. */
export const canBegin = () => free("flows").filter((one) => isPicked("flows", one.name)).map((one) => one.title);

/** Show the abilities of a pack with what an agent has of them; `whenChanged` hears of each tick. */
export async function showChoice(name, chosen, whenChanged) {
  changed = whenChanged;
  pack = name;
  picked = { flows: chosen?.flows ? new Set(chosen.flows) : null, tools: chosen?.tools ? new Set(chosen.tools) : null };
  const found = name && (loaded.get(name) ?? (await attempt(() => api("GET", `/api/packs/${encodeURIComponent(name)}/abilities`))));
  if (pack !== name) return; // another was chosen meanwhile
  if (found) loaded.set(name, found);
  there = found || { flows: [], tools: [], looks_first: false };
  along = { flows: [], tools: [] };
  for (const kind of KINDS) draw(kind, Boolean(found));
}

/** Who decides in the agent: without flows that begin, nothing is needed by them. */
export function chooseFor(nowMode) {
  if (mode === nowMode) return;
  mode = nowMode;
  for (const kind of KINDS) refresh(kind);
}

// --- drawing

const pictures = (flow = "") => `/flows/${[pack, flow].filter(Boolean).map(encodeURIComponent).join("/")}`;

const WORDS = {
  flows: { legend: "choose_flows", all: "choose_all_flows", empty: "choose_no_flows" },
  tools: { legend: "choose_tools", all: "choose_all_tools", empty: "choose_no_tools" },
};

function draw(kind, known) {
  const words = WORDS[kind];
  box(kind).hidden = !known;
  const gone = [...(picked[kind] ?? [])].filter((name) => !find(kind, name));
  const rows = [...there[kind], ...gone.map((name) => ({ name, title: name, gone: true }))];
  if (!rows.length) {
    box(kind).replaceChildren(el("legend", {}, t(words.legend)), el("p", { class: "faint hint" }, t(words.empty)));
    return;
  }
  const radio = (value, label) => el("label", { class: "choice" }, el("input", { type: "radio", name: `${kind}_scope`, value, checked: (picked[kind] !== null) === (value === "some"), onchange: () => setScope(kind, value) }), label);
  box(kind).replaceChildren(
    el("legend", {}, t(words.legend)),
    el("p", { class: "faint hint", "data-hint": true }),
    ...(kind === "flows" ? [el("p", { class: "hint" }, el("a", { href: pictures(), target: "_blank", rel: "noopener" }, t("choose_look")))] : []),
    radio("all", t(words.all)), radio("some", t("choose_some")),
    el("div", { class: "picks", hidden: picked[kind] === null }, bar(kind, rows), el("ul", { "aria-label": t(words.legend) }, rows.map((one) => row(kind, one))),
      el("p", { class: "faint hint", "data-none": true, hidden: true }), el("p", { class: "faint hint", "data-count": true, role: "status" })));
  refresh(kind);
}

function bar(kind, rows) {
  const search = el("input", { type: "search", placeholder: t("choose_find"), "aria-label": `${t("choose_find")}: ${t(WORDS[kind].legend)}`, hidden: rows.length <= MANY, oninput: () => filter(kind), onkeydown: (event) => { if (event.key === "Enter") event.preventDefault(); } });
  const button = (word, wanted) => el("button", { type: "button", "aria-label": `${t(word)}: ${t(WORDS[kind].legend)}`, onclick: () => pickShown(kind, wanted) }, t(word));
  return el("div", { class: "bench" }, search, button("choose_every", true), button("choose_none", false));
}

function row(kind, one) {
  const note = `${kind}-note-${one.name}`;
  const tick = el("input", { type: "checkbox", value: one.name, checked: one.always || isPicked(kind, one.name), disabled: one.always, "aria-describedby": note, onchange: () => pick(kind, one.name, tick.checked) });
  const picture = kind === "flows" && !one.gone && el("a", { href: pictures(one.name), target: "_blank", rel: "noopener", "aria-label": `${t("choose_picture")}: ${one.title}` }, t("choose_picture"));
  const marks = [picture, one.writes && badge(t("choose_writes")), one.server && badge(t("choose_server", { name: one.server }))];
  return el("li", { "data-name": one.name, "data-text": `${one.title ?? ""} ${one.name} ${one.about ?? ""} ${one.example ?? ""}`.toLowerCase() },
    el("label", { class: "choice" }, tick, el("span", {}, kind === "tools" ? el("code", {}, one.name) : one.title)), ...marks.filter(Boolean),
    el("p", { class: "faint hint", id: note }, one.about && el("span", {}, one.about), el("span", { "data-note": true, class: one.gone ? "bad" : "" }, one.gone ? t("choose_gone") : one.always ? t("choose_always") : "")));
}

// --- choosing

function setScope(kind, value) {
  picked[kind] = value === "some" ? new Set(free(kind).map((one) => one.name)) : null;
  along = { flows: [], tools: [] };
  draw(kind, true);
  refresh(kind === "flows" ? "tools" : "flows");
  box(kind).querySelector(`[name=${kind}_scope]:checked`).focus();
}

function pick(kind, name, wanted) {
  along = { flows: [], tools: [] };
  set(kind, name, wanted);
  if (kind === "flows" && wanted && mode === "flows") takeAlong(name);
  KINDS.forEach(refresh);
}

function set(kind, name, wanted) {
  if (fixed(kind, name) || picked[kind] === null) return;
  if (wanted) picked[kind].add(name);
  else picked[kind].delete(name);
}

/** A flow brings what it needs. */
function takeAlong(name) {
  for (const kind of KINDS) {
    const missing = (find("flows", name)?.needs[kind] ?? []).filter((one) => !isPicked(kind, one));
    for (const one of missing) set(kind, one, true);
    along[kind].push(...missing);
  }
}

function pickShown(kind, wanted) {
  along = { flows: [], tools: [] };
  for (const item of box(kind).querySelectorAll("li:not([hidden])")) {
    set(kind, item.dataset.name, wanted);
    if (kind === "flows" && wanted && mode === "flows") takeAlong(item.dataset.name);
  }
  KINDS.forEach(refresh);
}

function filter(kind) {
  const text = box(kind).querySelector("[type=search]").value.trim();
  const words = text.toLowerCase().split(/\s+/);
  let shown = 0;
  for (const item of box(kind).querySelectorAll("li")) {
    item.hidden = !words.every((word) => item.dataset.text.includes(word));
    shown += item.hidden ? 0 : 1;
  }
  const none = box(kind).querySelector("[data-none]");
  none.hidden = shown > 0;
  none.textContent = t("choose_nothing_found", { text });
}

// --- what stands beside each

function refresh(kind) {
  const place = box(kind);
  if (!place.querySelector(".picks")) return;
  place.querySelector("[data-hint]").textContent = hint(kind);
  const need = mode === "flows" ? neededBy(kind) : new Map();
  for (const item of place.querySelectorAll("li")) {
    const { name } = item.dataset;
    const one = find(kind, name);
    item.querySelector("input").checked = fixed(kind, name) || isPicked(kind, name);
    if (!one || one.always) continue;
    const lacks = kind === "flows" && mode === "flows" && isPicked(kind, name) ? lacking(one) : [];
    const note = item.querySelector("[data-note]");
    note.className = lacks.length ? "bad" : "";
    note.textContent = lacks.length ? t("choose_lacks", { needs: lacks.join(", ") }) : need.has(name) ? t("choose_needed_by", { flows: some(need.get(name)) }) : "";
  }
  const names = free(kind).filter((one) => isPicked(kind, one.name));
  const taken = (kind === "flows" ? KINDS : [kind]).flatMap((one) => along[one].map((name) => title(one, name)));
  place.querySelector("[data-count]").textContent = [t("choose_count", { n: names.length, all: free(kind).length }), taken.length && t("choose_taken_along", { names: taken.join(", ") })].filter(Boolean).join(" · ");
  changed();
}

function hint(kind) {
  if (kind === "tools") return t(mode === "flows" ? "choose_tools_flows" : "choose_tools_loop");
  const first = there.looks_first ? t("choose_looks_first") : "";
  return [mode === "flows" ? "" : t("choose_in_loop"), first].filter(Boolean).join(" ");
}

/** Titles of the chosen flows that need each flow or tool. */
function neededBy(kind) {
  const found = new Map();
  for (const flow of free("flows").filter((one) => isPicked("flows", one.name)))
    for (const name of flow.needs[kind]) found.set(name, [...(found.get(name) ?? []), flow.title]);
  return found;
}

const lacking = (flow) => KINDS.flatMap((kind) => flow.needs[kind].filter((one) => !isPicked(kind, one)).map((one) => title(kind, one)));

const some = (titles) => titles.slice(0, NAMED).join(", ") + (titles.length > NAMED ? " …" : "");
