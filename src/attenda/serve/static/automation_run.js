// One run of an automation: how it stands, what may be done with it, each step with its input and output.

import { api, attempt, el, t, when } from "/static/core.js";
import { badge, confirmed, facts, moment, seconds } from "/static/parts.js";

const COLOURS = { done: "good", failed: "failed", cancelled: "stopped", paused: "stopped", late: "stopped" };

/** How a run stands, in a word. */
export const stateOf = (run) => badge(t(`automation_run_${run.state}`), COLOURS[run.state] ?? "running");

/** Show a run in `place`; `again` looks at it anew. */
export function runView(place, run, again) {
  const focused = place.contains(document.activeElement) ? document.activeElement.id : "";
  const openSteps = new Set([...place.querySelectorAll("details[open]")].map((one) => one.dataset.step));
  const parts = [
    el("p", {}, el("a", { href: "#", id: "all-runs" }, t("automations.all_runs"))),
    el("h2", { id: "run-title" }, run.title, " ", stateOf(run)),
    facts([
      [t("automations.cause"), t(`automation_by_${run.cause}`, { name: run.begun_by })],
      [t("automations.began"), moment(run.created_at)],
      [t("automations.ended"), run.ended_at && moment(run.ended_at)],
      [t("automations.waits"), waiting(run)],
      ...run.input.map(({ name, value }) => [name, value]),
    ]),
    run.result && el("p", {}, run.result),
    run.problem && el("p", { class: "bad", role: "status" }, run.problem),
    deeds(run, again),
    el("ol", { class: "timeline", "aria-label": t("automations.steps") }, run.steps.map((step) => stepView(step, run, openSteps))),
  ];
  place.replaceChildren(...parts.filter(Boolean));
  if (focused) document.getElementById(focused)?.focus();
}

function waiting(run) {
  if (run.state !== "waiting") return "";
  const until = run.wake_at ? moment(run.wake_at) : "";
  return [t(`automation_for_${run.waits_for}`), until].filter(Boolean).join(", ");
}

function deeds(run, again) {
  const open = ["queued", "running", "waiting"].includes(run.state);
  const press = (deed, kind = "") => el("button", { type: "button", id: `run-${deed}`, class: kind, onclick: () => steer(run, deed, again) }, t(`automation_do_${deed}`));
  const buttons = [
    open && press("pause"),
    run.state === "paused" && press("resume", "primary"),
    run.state === "failed" && press("restart", "primary"),
    (open || run.state === "paused") && press("cancel", "danger"),
  ].filter(Boolean);
  return buttons.length > 0 && el("div", { class: "buttons" }, buttons);
}

async function steer(run, deed, again) {
  if (deed === "cancel" && !(await confirmed({ title: t("automations.cancel_title"), text: t("automations.cancel_more"), label: t("automation_do_cancel") }))) return;
  await attempt(() => api("POST", `/api/automation-runs/${run.id}/${deed}`));
  await again();
}

function stepView(step, run, openSteps) {
  const lasted = step.ended_at ? seconds((step.ended_at - step.began_at), 2) : "";
  const known = step.input.length > 0 || step.output;
  return el("li", { class: step.state },
    el("span", { class: "time", title: moment(step.began_at) }, `+${seconds(Math.max(0, step.began_at - run.created_at), 1)}`),
    el("div", {},
      el("strong", {}, step.step), " ", el("span", { class: "faint" }, t(`automation_kind_${step.kind}`)), " ",
      badge(t(`automation_step_${step.state}`), COLOURS[step.state] ?? "running"),
      el("span", { class: "faint" }, [lasted, step.attempts > 1 && t("automations.times", { n: step.attempts }), when(step.began_at)].filter(Boolean).map((one) => ` · ${one}`).join("")),
      step.problem && el("p", { class: "bad" }, step.problem),
      known && el("details", { "data-step": step.step, open: openSteps.has(step.step) },
        el("summary", {}, t("automations.values")),
        facts(step.input.map(({ name, value }) => [name, el("pre", {}, value)])),
        step.output && facts([[t("automations.gave"), el("pre", {}, step.output)]]))));
}
