// The traces: my runs, and what happened in one of them, step by step with its time.

import { $, api, attempt, el, t, when } from "/static/core.js";
import { badge, count, facts, fill, manyAndOne, seconds } from "/static/parts.js";

const KINDS = { "run.started": "started", searched: "searched", text: "text", cited: "cited", nearest: "nearest", silence: "silence", "run.finished": "finished" };
let timer = 0;

// --- the list

async function list() {
  clearTimeout(timer);
  const runs = await attempt(() => api("GET", "/api/runs"));
  if (!runs) return;
  fill($("#runs"), runs.map(row), t("no_runs"));
  if (runs.some((run) => run.state === "running")) timer = setTimeout(list, 2000);
}

function row(run) {
  return el("li", { class: "item" },
    el("div", { class: "line" }, el("a", { href: `#${run.id}`, id: `open-${run.id}`, class: "name" }, run.title || t("untitled")), state(run)),
    el("p", { class: "faint" }, [run.model, tokens(run), lasted(run), when(run.started_at)].filter(Boolean).join(" · ")));
}

const state = (run) => badge(t(`run_${run.state}`), run.state === "done" ? "good" : run.state);
const tokens = (run) => t("run_tokens", { read: count(run.prompt_tokens), written: count(run.answer_tokens) });
const lasted = (run) => run.finished_at && seconds(run.finished_at - run.started_at);

// --- one run

async function show(id) {
  clearTimeout(timer);
  const run = await attempt(() => api("GET", `/api/runs/${id}`));
  if (!run) return close();
  const steps = run.events.map((event) => step(event, run));
  const parts = [
    el("p", {}, el("a", { href: "#" }, t("all_runs"))),
    el("h2", { id: "run-title" }, run.title || t("untitled"), " ", state(run)),
    facts([[t("model"), run.model], [t("tokens"), tokens(run)], [t("duration"), lasted(run)], [t("began"), when(run.started_at)]]),
    run.error && el("p", { class: "bad" }, run.error),
    el("p", {}, el("a", { href: `/chat/${run.session_id}` }, t("open_chat"))),
    el("ol", { class: "timeline", "aria-label": t("steps") }, steps),
  ];
  $("#one-run").replaceChildren(...parts.filter(Boolean));
  swap(true);
  $("#one-run").focus({ preventScroll: true });
  $(".scroll").scrollTop = 0;
  if (run.state === "running") timer = setTimeout(() => location.hash === `#${id}` && show(id), 1500);
}

function step(event, run) {
  const kind = KINDS[event.type];
  const at = event.time ?? event.at; // of a piece of text, `at` is its place
  return el("li", { class: kind ?? "" },
    el("span", { class: "time" }, at >= run.started_at ? `+${seconds(at - run.started_at, 2)}` : ""),
    el("div", {}, el("strong", {}, kind ? t(`step_${kind}`) : event.type), content(event, run)));
}

function content(event, run) {
  switch (event.type) {
    case "run.started": return el("p", { class: "faint" }, event.model);
    case "searched": return [el("p", {}, event.query), passages(event.passages, t("searched", { n: event.passages.length }))];
    case "nearest": return passages(event.passages, t("nearest"));
    case "text": return el("p", { class: "said" }, event.text);
    case "cited": return el("p", {}, `[${event.citation.n}] `, place(event.citation), el("q", {}, event.citation.quote));
    case "silence": return el("p", { class: "faint" }, event.ended ? t("silence_ended") : event.reminders ? t("silence_reminded", { n: event.reminders }) : t("silence_broken"));
    case "run.finished": return [el("p", { class: "faint" }, `${t(`run_${event.reason}`)} · ${tokens({ prompt_tokens: event.usage.prompt_tokens, answer_tokens: event.usage.answer_tokens })}`), run.error && el("p", { class: "bad" }, run.error)].filter(Boolean);
    default: return el("p", { class: "faint" }, JSON.stringify(event)); // a kind that is newer than this page
  }
}

const place = (one) => el("span", { class: "faint" }, `${one.document}${one.page ? `, ${t("page_number", { n: one.page })}` : ""} `);

function passages(found, label) {
  const rows = found.map((one) => el("li", {}, el("strong", {}, one.document), el("span", { class: "faint" }, ` ${one.heading} · ${one.score.toFixed(4)}`), el("p", {}, one.text)));
  return el("details", { class: "card" }, el("summary", {}, label), el("ol", {}, rows));
}

const { swap, close, route } = manyAndOne("#all-runs", list, (id) => show(id));
route();
