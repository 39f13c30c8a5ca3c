// What a hostile page does with an Attenda that its visitor is signed in to. Each attack reports
// what it could read; whether it changed anything is seen in the database.
"use strict";

window.attack = async ({ target, ids, key }) => {
  const read = [];
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));
  const keep = (how, text) => read.push(`${how}: ${text}`);
  const bodies = {
    "/api/sign-in": { email: "x@y.example", password: "wrong password" },
    "/api/setup": { name: "evil", email: "evil@evil.example", password: "evil evil evil" },
    "/api/join": { token: "x", email: "evil@evil.example", password: "evil evil evil" },
    "/api/invitations": { role: "owner" },
    "/api/teams": { name: "evil" },
    "/api/keys": { name: "evil" },
    [`/api/sessions/${ids.session}/messages`]: { text: "evil" },
    [`/api/sessions/${ids.session}`]: { title: "evil" },
    [`/api/sessions/${ids.session}/head`]: { message_id: ids.message },
    [`/api/users/${ids.user}`]: { role: "owner" },
  };
  const changes = [
    ["POST", "/api/sessions"],
    ["POST", `/api/sessions/${ids.session}/messages`],
    ["POST", `/api/sessions/${ids.session}/stop`],
    ["POST", `/api/sessions/${ids.session}/restore`],
    ["PATCH", `/api/sessions/${ids.session}`],
    ["DELETE", `/api/sessions/${ids.session}`],
    ["PUT", `/api/sessions/${ids.session}/head`],
    ["POST", "/api/sign-in"],
    ["POST", "/api/setup"],
    ["POST", "/api/join"],
    ["POST", "/api/invitations"],
    ["POST", "/api/teams"],
    ["POST", "/api/keys"],
    ["PATCH", `/api/users/${ids.user}`],
    ["DELETE", `/api/users/${ids.user}`],
    ["DELETE", `/api/documents/${ids.document}`],
    ["POST", `/api/documents/${ids.document}/retry`],
    ["POST", "/api/sign-out"],
  ];
  const pages = [
    "/", "/documents", `/chat/${ids.session}`, "/openapi.json", "/api/me", "/api/me/export",
    "/api/sessions", `/api/sessions/${ids.session}`, "/api/documents", "/api/users", "/api/keys",
    "/api/audit", "/api/teams", `/api/documents/${ids.document}`, "/api/search?q=zebra",
    `/api/sessions/${ids.session}/events`, `/enter?key=${key}`,
  ];

  const tried = async (how, url, options) => {
    const ending = AbortSignal.timeout(2000);
    try {
      const answer = await fetch(target + url, { credentials: "include", signal: ending, ...options });
      keep(`${how} ${url} ${answer.status}`, answer.type === "opaque" ? "" : await answer.text());
    } catch (refused) { /* as it should be */ }
  };

  // Reading comes first: a sign-out that works would spoil it.
  for (const url of pages) {
    await tried("read", url, {});
    await tried("read", url, { mode: "no-cors" });
  }

  // Simple requests: no question is asked before they leave.
  const upload = new FormData();
  upload.append("files", new Blob(["evil"]), "evil.txt");
  await tried("simple", "/api/documents", { method: "POST", mode: "no-cors", body: upload });
  for (const [method, url] of changes) {
    const text = JSON.stringify(bodies[url] || {});
    await tried("empty", url, { method: "POST", mode: "no-cors" });
    await tried("simple", url, { method: "POST", mode: "no-cors", body: text });
    await tried("override", `${url}?_method=${method}`, { method: "POST", mode: "no-cors", body: `_method=${method}` });
    navigator.sendBeacon(target + url, new Blob([text], { type: "text/plain" }));
    // Requests that the browser asks about first.
    const headers = { "Content-Type": "application/json" };
    await tried("preflighted", url, { method, headers, body: text });
    await tried("keyed", url, { method, headers: { ...headers, Authorization: "Basic eDp5" }, body: text });
  }

  // Forms, in each of their three encodings; one of them spells JSON.
  for (const encoding of ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"]) {
    for (const [, url] of changes) {
      const frame = document.createElement("iframe");
      frame.name = `f${Math.random()}`;
      document.body.append(frame);
      const form = document.createElement("form");
      Object.assign(form, { method: "POST", action: target + url, enctype: encoding, target: frame.name });
      const field = document.createElement("input");
      const text = JSON.stringify(bodies[url] || {});
      field.name = encoding === "text/plain" ? `${text.slice(0, -1)}${text === "{}" ? "" : ","}"a":"` : "text";
      field.value = encoding === "text/plain" ? '"}' : "evil";
      form.append(field);
      document.body.append(form);
      form.submit();
    }
  }

  // Everything that a page can include.
  const before = new Set(Object.keys(window));
  for (const url of pages) {
    for (const [tag, name] of [["script", "src"], ["img", "src"], ["iframe", "src"], ["embed", "src"],
      ["object", "data"], ["video", "src"], ["link", "href"]]) {
      const element = document.createElement(tag);
      element[name] = target + url;
      if (tag === "link") element.rel = "stylesheet";
      if (tag === "img" || tag === "script") element.onload = () => keep(`${tag} ${url}`, "loaded");
      document.body.append(element);
    }
  }
  const stream = new EventSource(`${target}/api/sessions/${ids.session}/events`, { withCredentials: true });
  stream.onmessage = (event) => keep("stream", event.data);
  for (const url of ["/", "/ws", "/mcp", "/api/sessions"]) {
    try {
      const socket = new WebSocket(target.replace("http", "ws") + url);
      socket.onopen = () => keep(`websocket ${url}`, "open");
      socket.onmessage = (event) => keep(`websocket ${url}`, event.data);
    } catch (refused) { /* as it should be */ }
  }
  await wait(1000);
  stream.close();
  for (const name of Object.keys(window)) {
    if (!before.has(name) && Number.isNaN(Number(name))) keep("global", name); // a number is a frame
  }
  for (const frame of document.querySelectorAll("iframe, object")) {
    try {
      const inside = frame.contentDocument;
      const text = inside && inside.documentElement.outerHTML;
      if (text && inside.body.textContent.trim()) keep("frame", text);
    } catch (refused) { /* as it should be */ }
  }
  return read;
};
