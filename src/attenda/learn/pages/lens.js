/* Draws what a model's lens saw: heads, a map, who looks where, losses and guesses by layer. */
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const root = document.getElementById("lens");
  const state = { map: 0, layer: 0, head: 0, place: 0, side: "query", reverse: false, skip: false };
  const quiet = matchMedia("(prefers-color-scheme: dark)");

  const say = (key, values = {}) =>
    data.words[key].replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
  const make = (tag, about = {}, ...inside) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(about)) {
      if (name === "class") element.className = value;
      else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (value !== null) element.setAttribute(name, value);
    }
    element.append(...inside);
    return element;
  };
  const percent = (share) => {
    const value = share * 100;
    return `${value > 0 && value < 1 ? "<1" : value > 99 && value < 100 ? ">99" : Math.round(value)}%`;
  };
  const piece = ([text, control]) => make("span", { class: control ? "piece control" : "piece" }, text);
  const ink = (name, alpha) => `rgb(${getComputedStyle(root).getPropertyValue(name)} / ${alpha})`;

  for (const map of data.maps) {
    const bytes = atob(map.weights);
    map.weights = Uint8Array.from(bytes, (letter) => letter.charCodeAt(0));
    map.at = (layer, head, query, key) => {
      const row = ((layer * map.heads + head) * map.queries.length + query) * map.keys.length;
      const value = map.weights[row + key] / 255;
      return value * value;
    };
  }
  const now = () => data.maps[state.map];
  const own = () => now().kind !== "cross";
  const withLosses = (map, side) =>
    data.losses.length > 0 && map.kind !== "reading" && (side === "query" || map.kind === "own");

  /* The weights that colour a strip: of one query's keys, or of one key's queries. */
  const shares = (side, place) => {
    const map = now(), count = side === "query" ? map.keys.length : map.queries.length;
    return Array.from({ length: count }, (_, other) => side === "query"
      ? map.at(state.layer, state.head, place, other)
      : map.at(state.layer, state.head, other, place));
  };
  const strongest = (list) =>
    Math.max(1e-6, ...list.filter((_, place) => !(state.skip && place === 0)));

  /* One head's weights as a picture of a dot each. */
  function picture(layer, head) {
    const map = now(), [down, across] = [map.queries.length, map.keys.length];
    const canvas = make("canvas", { "aria-hidden": "true", width: across, height: down });
    const paint = canvas.getContext("2d"), dots = paint.createImageData(across, down);
    const colour = getComputedStyle(root).getPropertyValue("--dots").trim().split(/\s+/).map(Number);
    const weight = (query, key) => (state.skip && key === 0 ? 0 : map.at(layer, head, query, key));
    let most = state.skip ? 1e-6 : 1;
    if (state.skip) for (let q = 0; q < down; q++) for (let k = 1; k < across; k++) most = Math.max(most, weight(q, k));
    for (let q = 0, dot = 0; q < down; q++) for (let k = 0; k < across; k++, dot += 4) {
      dots.data.set(colour, dot);
      dots.data[dot + 3] = Math.round(255 * Math.sqrt(weight(q, k) / most));
    }
    paint.putImageData(dots, 0, 0);
    return canvas;
  }

  /* The grid of heads: one tab stop, arrow keys walk. */
  const heads = make("div", { class: "wide tall" });
  function drawHeads() {
    const map = now();
    const table = make("table", { class: "heads", role: "grid", "aria-label": say("learn.lens.heads") });
    const top = make("tr", { role: "row" }, make("th", { role: "columnheader" }, make("span", { class: "unseen" }, say("learn.lens.layer"))));
    for (let head = 0; head < map.heads; head++) top.append(make("th", { scope: "col", role: "columnheader" }, String(head + 1)));
    table.append(top);
    for (let layer = 0; layer < map.layers; layer++) {
      const row = make("tr", { role: "row" }, make("th", { scope: "row", role: "rowheader" }, String(layer + 1)));
      for (let head = 0; head < map.heads; head++) {
        const chosen = layer === state.layer && head === state.head;
        row.append(make("td", { role: "gridcell" }, make("button", {
          type: "button", "data-layer": layer, "data-head": head,
          "aria-label": say("learn.lens.head_of", { layer: layer + 1, head: head + 1 }),
          "aria-pressed": chosen, tabindex: chosen ? 0 : -1,
          onclick: () => choose(layer, head),
        }, picture(layer, head))));
      }
      table.append(row);
    }
    heads.replaceChildren(table);
  }
  const headButton = () => heads.querySelector(`[data-layer="${state.layer}"][data-head="${state.head}"]`);
  function choose(layer, head) {
    const before = headButton();
    before.setAttribute("aria-pressed", "false");
    before.tabIndex = -1;
    Object.assign(state, { layer, head });
    headButton().setAttribute("aria-pressed", "true");
    headButton().tabIndex = 0;
    headButton().focus({ preventScroll: false });
    drawChosen();
  }
  heads.addEventListener("keydown", (event) => {
    const map = now();
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0], Home: [0, -map.heads], End: [0, map.heads] }[event.key];
    if (!step) return;
    event.preventDefault();
    const within = (value, most) => Math.min(Math.max(value, 0), most - 1);
    choose(within(state.layer + step[0], map.layers), within(state.head + step[1], map.heads));
  });

  /* The map of one head, with its tokens. */
  const chart = make("canvas", { role: "img" });
  const chartBox = make("div", { class: "wide", tabindex: 0, role: "group", "aria-labelledby": "chosen" }, chart);
  const chartTitle = make("h2", { id: "chosen" });
  const told = make("p", { class: "faint", role: "status", "aria-live": "polite" });
  let cell = 10, side = 0;
  function drawChart() {
    const map = now(), [down, across] = [map.queries.length, map.keys.length];
    const paint = chart.getContext("2d");
    const style = getComputedStyle(root), font = `12px ${style.getPropertyValue("--mono")}`;
    paint.font = font;
    const widest = Math.max(...[...map.queries, ...map.keys].map(([text]) => paint.measureText(text).width));
    side = Math.min(Math.ceil(widest), 110) + 8;
    const room = Math.max(chartBox.clientWidth, 240);
    cell = Math.max(room > 400 ? 3 : 5, Math.min(34, Math.floor((room - side - 2) / across)));
    const [width, height] = [side + across * cell + 1, side + down * cell + 1];
    const dense = devicePixelRatio || 1;
    chart.width = width * dense;
    chart.height = height * dense;
    chart.style.width = `${width}px`;
    chart.style.height = `${height}px`;
    paint.scale(dense, dense);
    paint.imageSmoothingEnabled = false;
    paint.drawImage(picture(state.layer, state.head), side, side, across * cell, down * cell);
    paint.strokeStyle = style.getPropertyValue("--line");
    paint.strokeRect(side + 0.5, side + 0.5, across * cell, down * cell);
    mark(paint, style);
    const every = Math.ceil(12 / cell);
    label(paint, map.queries, every, style, (place) => [side - 5, side + (place + 0.5) * cell, 0]);
    label(paint, map.keys, every, style, (place) => [side + (place + 0.5) * cell, side - 5, 1]);
    chart.setAttribute("aria-label", say("learn.lens.map_of", { layer: state.layer + 1, head: state.head + 1 }));
  }
  function mark(paint, style) {
    paint.strokeStyle = style.getPropertyValue("--ink");
    const map = now(), at = side + state.place * cell + 0.5;
    const [down, across] = [map.queries.length * cell, map.keys.length * cell];
    if (state.side === "query" && !state.reverse) paint.strokeRect(side + 0.5, at, across, cell);
    else paint.strokeRect(at, side + 0.5, cell, down);
  }
  function label(paint, tokens, every, style, where) {
    paint.font = `12px ${style.getPropertyValue("--mono")}`;
    paint.textBaseline = "middle";
    tokens.forEach(([text, control], place) => {
      if (place % every) return;
      const [x, y, upright] = where(place);
      paint.save();
      paint.fillStyle = style.getPropertyValue(control ? "--faint" : "--ink");
      paint.translate(x, y);
      if (upright) paint.rotate(-Math.PI / 2);
      paint.textAlign = upright ? "left" : "right";
      paint.fillText(fitting(paint, text), 0, 0);
      paint.restore();
    });
  }
  const fitting = (paint, text) => {
    const letters = [...text];
    while (letters.length > 1 && paint.measureText(letters.join("")).width > side - 8) letters.splice(letters.length - 2, 2, "…");
    return letters.join("");
  };
  const cellAt = (event) => {
    const box = chart.getBoundingClientRect(), map = now();
    const key = Math.floor((event.clientX - box.left - side) / cell);
    const query = Math.floor((event.clientY - box.top - side) / cell);
    return query >= 0 && key >= 0 && query < map.queries.length && key < map.keys.length ? [query, key] : null;
  };
  chart.addEventListener("mousemove", (event) => {
    const found = cellAt(event), map = now();
    if (!found) return;
    told.textContent = say("learn.lens.looks", {
      from: map.queries[found[0]][0], to: map.keys[found[1]][0],
      share: percent(map.at(state.layer, state.head, ...found)),
    });
  });
  chart.addEventListener("click", (event) => {
    const found = cellAt(event);
    if (found) pick("query", found[0]);
  });

  /* Strips of tokens. */
  const strips = make("div");
  function drawStrips() {
    const map = now();
    strips.replaceChildren(strip("query", map.queries, own() ? null : say("learn.lens.answer")));
    if (!own()) strips.append(strip("key", map.keys, say("learn.lens.read")));
    colour();
  }
  function strip(which, tokens, title) {
    const list = make("div", { class: "strip", role: "group", "data-side": which, "aria-label": title || say("learn.lens.tokens") });
    tokens.forEach((token, place) => {
      const chosen = which === state.side && place === state.place;
      const button = make("button", {
        type: "button", "data-place": place, tabindex: place === (which === state.side ? state.place : 0) ? 0 : -1,
        "aria-pressed": chosen, onclick: () => pick(which, place), onfocus: () => pick(which, place),
        onmouseenter: () => colour(which, place), onmouseleave: () => colour(),
      }, piece(token));
      if (withLosses(now(), which)) button.append(lossOf(place, button));
      list.append(button);
    });
    list.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1, Home: -tokens.length, End: tokens.length }[event.key];
      if (!step) return;
      event.preventDefault();
      const place = Math.min(Math.max(state.place + step, 0), tokens.length - 1);
      list.children[place].focus();
    });
    return title ? make("div", {}, make("p", { class: "faint" }, title), list) : list;
  }
  function lossOf(place, button) {
    const loss = data.losses[place];
    if (loss === null) return make("small", { "aria-hidden": "true" }, "–");
    const strength = Math.min(loss / 8, 1);
    const mixed = `color-mix(in srgb, var(--bad) ${Math.round(strength * 100)}%, var(--line))`;
    button.querySelector(".piece").style.borderBottomColor = mixed;
    button.title = say("learn.lens.loss_of", { loss: loss.toFixed(2), share: percent(Math.exp(-loss)) });
    return make("small", {}, loss.toFixed(1));
  }
  function colour(side = state.side, place = state.place) {
    const across = own() ? (state.reverse ? "key" : "query") : side;
    const list = shares(across, place), most = state.skip ? strongest(list) : 1;
    for (const box of strips.querySelectorAll(".strip")) {
      const coloured = own() || box.dataset.side !== side;
      [...box.children].forEach((button, other) => {
        let weight = coloured ? list[other] / most : 0;
        if (state.skip && across === "query" && other === 0) weight = 0;
        const alpha = Math.min(1, Math.sqrt(weight)) * 0.85;
        button.firstChild.style.backgroundColor = alpha > 0.03 ? ink(across === "query" ? "--gives" : "--takes", alpha.toFixed(3)) : "";
      });
    }
    tell(across, place, list);
  }
  function tell(across, place, list) {
    const map = now(), [mine, others] = across === "query" ? [map.queries, map.keys] : [map.keys, map.queries];
    const best = list.map((share, other) => [share, other]).sort((a, b) => b[0] - a[0]).slice(0, 3);
    const named = best.filter(([share]) => share >= 0.005).map(([share, other]) => `“${others[other][0]}” ${percent(share)}`);
    const key = across === "query" ? "learn.lens.looks_at" : "learn.lens.looked_at_by";
    told.textContent = say(key, { token: mine[place][0], others: named.join(say("learn.lens.comma")) || "–" });
  }
  function pick(which, place) {
    if (which === state.side && place === state.place) return;
    Object.assign(state, { side: which, place });
    for (const button of strips.querySelectorAll("button")) {
      const box = button.closest(".strip");
      const chosen = box.dataset.side === which && Number(button.dataset.place) === place;
      button.setAttribute("aria-pressed", String(chosen));
      if (box.dataset.side === which) button.tabIndex = chosen ? 0 : -1;
    }
    colour();
    drawChart();
    drawGuesses();
  }

  /* Guesses of each layer after the chosen token. */
  const guesses = make("section", { class: "card", hidden: data.guesses.length ? null : "" });
  function drawGuesses() {
    if (!data.guesses.length) return;
    const listed = state.side === "query" && now().kind !== "reading";
    const place = listed ? state.place : data.tokens.length - 1;
    const next = data.tokens[place + 1];
    const table = make("table", { class: "guesses" });
    data.guesses.forEach((places, layer) => {
      const last = layer === data.guesses.length - 1;
      const row = make("tr", {}, make("th", { scope: "row" }, last ? say("learn.lens.last_layer", { layer: layer + 1 }) : say("learn.lens.layer_number", { layer: layer + 1 })));
      for (const [text, control, share] of places[place]) {
        const came = next && next[0] === text && next[1] === control;
        const box = make("div", { class: came ? "guess came" : "guess" }, piece([text, control]), make("small", {}, percent(share)));
        box.style.backgroundColor = ink("--gives", (Math.sqrt(share) * 0.7).toFixed(3));
        row.append(make("td", {}, box));
      }
      table.prepend(row);
    });
    const about = next
      ? say("learn.lens.guesses_before", { token: data.tokens[place][0], next: next[0] })
      : say("learn.lens.guesses_end", { token: data.tokens[place][0] });
    guesses.replaceChildren(
      make("h2", {}, say("learn.lens.guesses")), make("p", { class: "faint" }, about),
      make("div", { class: "wide tall", tabindex: 0, role: "region", "aria-label": say("learn.lens.guesses") }, table),
    );
  }

  function radio(name, value, text, chosen, done, colourName) {
    const input = make("input", { type: "radio", name, value, onchange: done });
    input.checked = chosen;
    const shown = make("label", {}, input);
    if (colourName) {
      const swatch = make("span", { class: "swatch" });
      swatch.style.backgroundColor = `rgb(var(${colourName}))`;
      shown.append(swatch);
    }
    shown.append(text);
    return shown;
  }
  const direction = make("fieldset", { class: "choices" }, make("legend", { class: "unseen" }, say("learn.lens.direction")),
    radio("direction", "gives", say("learn.lens.where_it_looks"), true, () => { state.reverse = false; drawChosen(); }, "--gives"),
    radio("direction", "takes", say("learn.lens.who_looks"), false, () => { state.reverse = true; drawChosen(); }, "--takes"));
  const kinds = make("fieldset", { class: "choices", hidden: data.maps.length > 1 ? null : "" }, make("legend", {}, say("learn.lens.attention")),
    ...data.maps.map((map, place) => radio("map", String(place), say({ own: "learn.lens.own", cross: "learn.lens.cross", reading: "learn.lens.reading" }[map.kind]), place === 0, () => {
      Object.assign(state, { map: place, side: "query", place: Math.min(state.place, map.queries.length - 1), layer: Math.min(state.layer, map.layers - 1) });
      drawAll();
    })));
  const skip = make("input", { type: "checkbox", onchange: () => { state.skip = skip.checked; drawHeads(); drawChosen(); } });

  function drawChosen() {
    chartTitle.textContent = say("learn.lens.head_of", { layer: state.layer + 1, head: state.head + 1 });
    colour();
    drawChart();
  }
  function drawAll() {
    direction.hidden = !own();
    drawHeads();
    drawStrips();
    drawChosen();
    drawGuesses();
  }

  const map = now();
  const facts = [say("learn.lens.facts", { layers: map.layers, heads: map.heads, tokens: data.tokens.length })];
  if (data.loss !== null) facts.push(say("learn.lens.mean_loss", { loss: data.loss.toFixed(2) }));
  root.querySelector("h1").append(" ", make("small", {}, data.name));
  root.append(
    make("p", { class: "faint" }, facts.join(" · ")), kinds,
    make("section", { class: "card" }, make("h2", {}, say("learn.lens.tokens")), direction, strips, told,
      make("p", { class: "faint" }, say(data.losses.length ? "learn.lens.strip_help" : "learn.lens.strip_help_bare"))),
    make("div", { class: "pair" },
      make("section", { class: "card" }, make("h2", {}, say("learn.lens.heads")), make("p", { class: "faint" }, say("learn.lens.heads_help")),
        make("div", { class: "choices" }, make("label", {}, skip, say("learn.lens.skip_first"))), heads),
      make("section", { class: "card" }, chartTitle, make("p", { class: "faint" }, say("learn.lens.map_help")), chartBox)),
    guesses,
  );
  state.place = map.queries.length - 1;
  drawAll();
  quiet.addEventListener("change", drawAll);
  addEventListener("resize", drawChart);
})();
