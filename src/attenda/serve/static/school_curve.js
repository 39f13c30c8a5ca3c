// The curve of a run as SVG: loss by step, the measured loss on it, and the n-gram as a line across.

import { el, t } from "/static/core.js";
import { count } from "/static/parts.js";
import { figure } from "/static/school_parts.js";

const SPACE = "http://www.w3.org/2000/svg";
const HEIGHT = 240;
const EDGE = { left: 46, right: 12, top: 10, bottom: 28 };

function part(tag, attributes, text) {
  const node = document.createElementNS(SPACE, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

/** Round steps between two values, about `wanted` of them. */
function ticks(low, high, wanted) {
  const rough = (high - low) / wanted || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough);
  const found = [];
  for (let value = Math.ceil(low / step) * step; value <= high + step / 1e6; value += step) found.push(Number(value.toPrecision(10)));
  return found;
}

/** Each value the mean of its neighbours, so that the way is seen through the noise. */
function smooth(points) {
  const reach = Math.floor(points.length / 40);
  return points.map(([at], i) => {
    const near = points.slice(Math.max(0, i - reach), i + reach + 1);
    return [at, near.reduce((sum, [, loss]) => sum + loss, 0) / near.length];
  });
}

const path = (points, x, y) => points.map(([at, loss], i) => `${i ? "L" : "M"}${x(at).toFixed(1)} ${y(loss).toFixed(1)}`).join("");

/** The drawing, `width` pixels wide; `points` and `measured` are [step, loss], sorted. */
export function drawCurve({ points, measured, ngram, steps, width }) {
  const svg = part("svg", { class: "curve", viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: "img" });
  const all = [...points, ...measured].map(([, loss]) => loss).filter(Number.isFinite);
  if (ngram != null) all.push(ngram);
  const last = points.at(-1);
  svg.setAttribute("aria-label", last ? t("school.curve_told", { first: figure(points[0][1]), last: figure(last[1]), step: count(last[0]) }) : t("school.no_curve"));
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const room = (high - low || 1) * 0.06;
  const most = Math.max(steps || 0, last?.[0] ?? 1, 1);
  const x = (at) => EDGE.left + (at / most) * (width - EDGE.left - EDGE.right);
  const y = (loss) => EDGE.top + ((high + room - loss) / (high - low + 2 * room || 1)) * (HEIGHT - EDGE.top - EDGE.bottom);
  for (const value of ticks(low, high, 5)) {
    svg.append(part("line", { class: "grid", x1: EDGE.left, x2: width - EDGE.right, y1: y(value), y2: y(value) }));
    svg.append(part("text", { x: EDGE.left - 6, y: y(value) + 4, "text-anchor": "end" }, new Intl.NumberFormat(document.documentElement.lang).format(value)));
  }
  for (const value of ticks(0, most, width < 500 ? 4 : 8).filter(Number.isInteger))
    svg.append(part("text", { x: x(value), y: HEIGHT - 8, "text-anchor": value ? "middle" : "start" }, count(value)));
  if (ngram != null) svg.append(part("line", { class: "ngram", x1: EDGE.left, x2: width - EDGE.right, y1: y(ngram), y2: y(ngram) }));
  svg.append(part("path", { class: "noise", d: path(points, x, y) }));
  svg.append(part("path", { class: "loss", d: path(smooth(points), x, y) }));
  svg.append(part("path", { class: "measured", d: path(measured, x, y) }));
  for (const [at, loss] of measured) svg.append(part("circle", { class: "measured", cx: x(at), cy: y(loss), r: 3.5 }));
  return svg;
}

/** What the lines are. */
export function legend(ngram) {
  const key = (kind, words) => el("li", {}, el("span", { class: `key ${kind}`, "aria-hidden": "true" }), words);
  return el("ul", { class: "legend" }, key("loss", t("school.training_loss")), key("measured", t("school.measured_loss")), ngram != null && key("ngram", t("school.ngram_loss")));
}
