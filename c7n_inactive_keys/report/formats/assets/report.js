// Sorts, filters and pages the keys. Text goes into the page by textContent only, never as HTML.
(function () {
  "use strict";
  const PAGE = 100;
  const PRINTED = 5000;
  const data = JSON.parse(document.getElementById("data").textContent);
  const { accounts, texts, keys, now } = data;
  const at = Object.fromEntries(data.columns.map((name, number) => [name, number]));
  const BLOCKED = 1, PROVEN = 2, WAITING = 4, LAST = 8;
  const CONSOLES = {
    "aws": "https://console.aws.amazon.com",
    "aws-cn": "https://console.amazonaws.cn",
    "aws-us-gov": "https://console.amazonaws-us-gov.com",
  };
  const element = (id) => document.getElementById(id);
  const get = (key, name) => key[at[name]];
  const text = (key, name) => texts[key[at[name]]] ?? "";
  const account = (key) => accounts[get(key, "account")];
  const group = (key) => data.groups[get(key, "group")];
  const iso = (seconds) => new Date(seconds * 1000).toISOString().replace(".000", "");
  const date = (seconds) => iso(seconds).slice(0, 10);

  // -- elements ----------------------------------------------------------------------------------

  function make(name, className, words) {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (words !== undefined) made.textContent = words;
    return made;
  }
  function main(cell, words, title) {
    const line = cell.appendChild(make("span", "main", words));
    line.title = title ?? words;
    return line;
  }
  function small(cell, words) {
    if (words) cell.appendChild(make("small", "", words)).title = words;
  }

  // -- the proof as a picture: one scale for all keys, finer the nearer to now -----------------

  const WIDTH = 330;
  const DAY = 86400;
  const scale = (days) => Math.log1p(Math.max(days, 0) / 6);
  const oldest = keys.reduce((most, key) => Math.max(most, (now - get(key, "created")) / DAY), 30);
  const left = (seconds) =>
    Math.round((1 - scale((now - seconds) / DAY) / scale(oldest)) * (WIDTH - 2) * 10) / 10 + 1;
  const TICKS = [[7, "7 d"], [data.days || 90, (data.days || 90) + " d"], [365, "1 y"], [730, "2 y"], [1826, "5 y"]]
    .filter(([days]) => days < oldest * 0.92);

  function svg(name, attributes, parent, title) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (title) svg("title", {}, made).textContent = title;
    parent?.appendChild(made);
    return made;
  }
  function span(picture, from, to, top, height, className, title) {
    const x = left(from);
    svg("rect", { x, width: Math.max(left(to) - x, 1).toFixed(1), y: top, height, class: className }, picture, title);
  }
  function picture(key) {
    const [created, used, before, after, until] =
      ["created", "last_used", "not_before", "not_after", "until"].map((name) => get(key, name));
    const made = svg("svg", {
      viewBox: `0 0 ${WIDTH} 30`, role: "img",
      "aria-label": [
        `Created ${date(created)}`,
        used === null ? "no recorded use" : "last used " + date(used),
        before === null ? "active"
          : before === after ? `deactivated ${iso(before)}` : `deactivated between ${iso(before)} and ${iso(after)}`,
        until === null ? "" : `active again from ${iso(until)}`,
      ].filter(Boolean).join(", "),
    });
    for (const [days] of TICKS) {
      const x = left(now - days * DAY);
      svg("line", { x1: x, x2: x, y1: 0, y2: 30, class: days === data.days ? "limit" : "tick" }, made);
    }
    const start = left(created);
    svg("line", { x1: start, x2: left(before ?? now), y1: 11, y2: 11, class: "active" }, made);
    if (until !== null) svg("line", { x1: left(until), x2: left(now), y1: 11, y2: 11, class: "awake" }, made);
    svg("line", { x1: start, x2: start, y1: 6, y2: 16, class: "created" }, made, `created ${iso(created)}`);
    if (after > before) {
      span(made, before, after, 6, 10, "unknown", `deactivated between ${iso(before)} and ${iso(after)}`);
    }
    if (get(key, "flags") & PROVEN) {
      span(made, after, until ?? now, 6, 10, "proven", `inactive for at least ${get(key, "least")} days`);
    }
    if (before !== null && after === before) {
      const x = left(before);
      svg("path", { d: `M${x} 4l4 7l-4 7l-4 -7z`, class: "moment" }, made, `deactivated ${iso(before)}`);
    }
    if (used !== null) {
      svg("circle", { cx: left(used), cy: 11, r: 3.5, class: "use" }, made, `last used ${iso(used)} ${text(key, "where")}`);
    }
    for (const [ledger, from, to] of get(key, "bands")) {
      const waiting = !ledger && get(key, "flags") & WAITING ? " waiting" : "";
      span(made, from, to, ledger ? 25 : 20, 3, (ledger ? "ledger" : "history") + waiting,
        `${ledger ? "ledger" : "silent history"} ${iso(from)} to ${iso(to)}`);
    }
    return made;
  }
  function axis() {
    const made = svg("svg", { viewBox: `0 0 ${WIDTH} 15`, "aria-hidden": "true" });
    for (const [days, label] of TICKS) {
      svg("text", { x: left(now - days * DAY), y: 11, "text-anchor": "middle" }, made).textContent = label;
    }
    svg("text", { x: WIDTH - 1, y: 11, "text-anchor": "end" }, made).textContent = "now";
    return made;
  }

  // -- columns: class, how a cell is filled, and what it can be sorted by ------------------------

  const COLUMNS = [
    ["user", user, ["User", "Account"]],
    ["key", id, ["Access key"]],
    ["time", (cell, key) => cell.append(picture(key)), ["Created"]],
    ["days", (cell, key) => {
      if (get(key, "least") === null) {
        main(cell, get(key, "idle") === null ? "" : get(key, "idle").toFixed(1) + " d");
        return small(cell, get(key, "idle") === null ? "" : "without use");
      }
      const line = main(cell, get(key, "flags") & PROVEN ? get(key, "least").toFixed(1) + " d" : "nothing");
      line.dataset.word = "proven ";
      small(cell, get(key, "until") === null ? "possible " + get(key, "most").toFixed(1) + " d"
        : "until " + date(get(key, "until")));
    }, ["Proven", "Possible"]],
    ["known", (cell, key) => {
      main(cell, text(key, "brief"));
      if (!get(key, "evidence").length) return;
      const details = cell.appendChild(make("details", "evidence"));
      details.append(make("summary", "", "all evidence"));
      const list = details.appendChild(make("ul"));
      for (const words of evidence(key)) list.append(make("li", "", words));
    }, [], "What is known"],
    ["date", (cell, key) => {
      const used = get(key, "last_used");
      const asked = get(key, "least") !== null || get(key, "idle") !== null;
      const line = main(cell, used !== null ? date(used) : asked ? "no record" : "");
      if (used !== null) line.dataset.word = "used ";
      small(cell, text(key, "where"));
    }, ["Last used"]],
    ["todo", todo, ["To do"]],
  ];
  // What is compared, whether the highest comes first, and how the sort is called in the form.
  const SORTS = {
    "To do": [(key) => get(key, "order"), false, "what to do"],
    "User": [(key) => get(key, "user").toLowerCase(), false],
    "Account": [(key) => account(key)[1].toLowerCase() + " " + account(key)[0], false],
    "Access key": [(key) => get(key, "id"), false],
    "Created": [(key) => get(key, "created"), false, "created first"],
    "Proven": [(key) => get(key, "least") ?? -1, true, "proven the longest"],
    "Possible": [(key) => get(key, "most") ?? -1, true, "possibly the longest"],
    "Last used": [(key) => get(key, "last_used") ?? -1, true, "used last"],
  };

  function user(cell, key) {
    const [accountId, name, partition] = account(key);
    const line = main(cell, "", get(key, "user") + (get(key, "path") === "/" ? "" : " in " + get(key, "path")));
    const console_ = CONSOLES[partition];
    if (console_ && !get(key, "user").startsWith("<")) {
      const link = line.appendChild(make("a", "", get(key, "user")));
      link.href = `${console_}/iam/home#/users/details/${encodeURIComponent(get(key, "user"))}?section=security_credentials`;
      link.target = "_blank";
      link.rel = "noopener noreferrer";
      link.title = `In the AWS console, for whoever is signed in to ${accountId}`;
    } else {
      line.textContent = get(key, "user");
    }
    small(cell, name === accountId ? name : `${name} ${accountId}`);
  }
  function id(cell, key) {
    const line = cell.appendChild(make("span", "id", get(key, "id")));
    const button = line.appendChild(make("button"));
    const icon = svg("svg", { viewBox: "0 0 12 12", "aria-hidden": "true" }, button);
    svg("path", { d: "M1.5 3.5h6v7h-6zM4 3.5v-2h6v7H7.5", class: "icon" }, icon);
    button.type = "button";
    button.title = "Copy";
    button.setAttribute("aria-label", "Copy " + get(key, "id"));
    button.addEventListener("click", () => copy(get(key, "id"), button));
    small(cell, [text(key, "owner"), text(key, "description")].filter(Boolean).join(" · "));
  }
  function todo(cell, key) {
    main(cell, group(key)).classList.add(data.tones[get(key, "group")]);
    const from = get(key, "from");
    const flags = get(key, "flags");
    small(cell, [
      from === null ? "" : "from " + iso(from).slice(0, 16).replace("T", " ") + "Z",
      text(key, "why"),
      get(key, "notified") === null ? "" : "told " + date(get(key, "notified")),
      flags & BLOCKED ? "second slot blocked" : "",
      flags & LAST ? "last credential" : "",
    ].filter(Boolean).join(" · "));
  }
  const evidence = (key) => get(key, "evidence").map((number) => texts[number]);

  // -- filters, in the form and in the URL's fragment -------------------------------------------

  const FIELDS = ["search", "account", "policy", "least", "unused", "blocked"];
  let chosen = "";  // the group
  let sorted = { name: "To do", descending: false };
  let page = 0;
  let shown = [];

  function value(name) {
    const field = element(name);
    return field.type === "checkbox" ? (field.checked ? "1" : "") : field.value.trim();
  }
  function writeFragment() {
    const wanted = new URLSearchParams();
    for (const name of FIELDS) if (value(name)) wanted.set(name, value(name));
    if (chosen) wanted.set("group", chosen);
    if (sorted.name !== "To do" || sorted.descending) wanted.set("sort", (sorted.descending ? "-" : "") + sorted.name);
    if (page) wanted.set("page", page + 1);
    const fragment = String(wanted);
    history.replaceState(null, "", fragment ? "#" + fragment : location.pathname + location.search);
  }
  function readFragment() {
    const given = new URLSearchParams(location.hash.slice(1));
    for (const name of FIELDS) {
      const field = element(name);
      if (field.type === "checkbox") field.checked = given.has(name);
      else field.value = given.get(name) ?? "";
    }
    chosen = data.groups.includes(given.get("group")) ? given.get("group") : "";
    const sort = given.get("sort") ?? "To do";
    const name = sort.replace(/^-/, "");
    sorted = Object.hasOwn(SORTS, name)
      ? { name, descending: sort.startsWith("-") } : { name: "To do", descending: false };
    select((Number(given.get("page")) || 1) - 1);
  }
  function matcher() {
    const words = value("search").toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = value("account").toLowerCase();
    const exact = accounts.some(([, name]) => name.toLowerCase() === wanted);
    const policy = value("policy");
    const least = Number(value("least")) || 0;
    const [unused, blocked] = [value("unused"), value("blocked")];
    const hit = accounts.map(([number, name]) => !wanted || number === wanted
      || (exact ? name.toLowerCase() === wanted : name.toLowerCase().includes(wanted) || number.includes(wanted)));
    return (key) =>
      hit[get(key, "account")]
      && get(key, "least") >= least
      && (!chosen || group(key) === chosen)
      && (!policy || get(key, "policies").some((number) => texts[number] === policy))
      && (!unused || get(key, "last_used") === null)
      && (!blocked || get(key, "flags") & BLOCKED)
      && (!words.length || words.every((word) => haystack(key).includes(word)));
  }
  function haystack(key) {
    return [
      ...account(key), get(key, "user"), get(key, "path"), get(key, "id"), group(key), text(key, "why"),
      text(key, "owner"), text(key, "description"), text(key, "brief"), ...evidence(key),
    ].join("\n").toLowerCase();
  }
  function select(to = 0) {
    const matches = matcher();
    shown = keys.filter(matches);
    const [by] = SORTS[sorted.name];
    const values = new Map(shown.map((key) => [key, by(key)]));
    const sign = sorted.descending ? -1 : 1;
    shown.sort((a, b) => {
      const [x, y] = [values.get(a), values.get(b)];
      return x < y ? -sign : x > y ? sign : get(a, "order") - get(b, "order");
    });
    page = Math.min(Math.max(to, 0), pages() - 1);
    draw();
  }
  const pages = () => Math.max(1, Math.ceil(shown.length / PAGE));

  // -- drawing ----------------------------------------------------------------------------------

  function row(key) {
    const made = make("tr");
    made.setAttribute("role", "row");
    for (const [className, fill] of COLUMNS) {
      const cell = made.appendChild(make("td", className));
      cell.setAttribute("role", "cell");
      fill(cell, key);
    }
    return made;
  }
  function rows(part) {
    const body = make("tbody");
    body.setAttribute("role", "rowgroup");
    body.append(...part.map(row));
    element("keys").tBodies[0].replaceWith(body);
  }
  function draw() {
    const number = (count) => count.toLocaleString("en");
    rows(shown.slice(page * PAGE, (page + 1) * PAGE));
    element("count").textContent = number(shown.length) + " of " + number(keys.length) + " keys";
    element("page").textContent = "Page " + (page + 1) + " of " + pages();
    element("previous").disabled = page === 0;
    element("next").disabled = page >= pages() - 1;
    element("pages").hidden = pages() === 1;
    element("keys").hidden = shown.length === 0;
    element("none").hidden = shown.length > 0;
    for (const button of document.querySelectorAll("[data-group]")) {
      button.setAttribute("aria-pressed", String(button.dataset.group === chosen));
    }
    for (const head of element("keys").tHead.rows[0].cells) head.removeAttribute("aria-sort");
    for (const button of element("keys").tHead.querySelectorAll("button")) {
      delete button.dataset.sorted;
      if (button.textContent === sorted.name) {
        button.dataset.sorted = sorted.descending ? "descending" : "ascending";
        button.closest("th").setAttribute("aria-sort", button.dataset.sorted);
      }
    }
    element("sort").value = sorted.name;
    writeFragment();
  }
  function turn(by) {
    page += by;
    draw();
    // The reader goes on at the top of the list, not where the page before it ended.
    if (element("list").getBoundingClientRect().top < 0) element("list").scrollIntoView();
  }

  // -- copying ----------------------------------------------------------------------------------

  async function copy(words, button) {
    const told = await navigator.clipboard.writeText(words).then(() => "copied", () => "cannot copy");
    button.dataset.told = told;
    element("told").textContent = told;
    setTimeout(() => { delete button.dataset.told; }, 1500);
  }
  function csv() {
    const cell = (item) => {
      const words = String(item ?? "");
      const safe = /^[=+\-@\t\r]/.test(words) && Number.isNaN(Number(words)) ? "'" + words : words;
      return /[",\n\r]/.test(safe) ? '"' + safe.replaceAll('"', '""') + '"' : safe;
    };
    const time = (seconds) => (seconds === null ? "" : iso(seconds));
    const lines = shown.map((key) => [
      ...account(key).slice(0, 2), get(key, "user"), get(key, "id"), time(get(key, "created")), time(get(key, "last_used")),
      get(key, "least"), get(key, "most"), get(key, "idle"), group(key), text(key, "why"), time(get(key, "from")), text(key, "brief"),
    ]);
    const heads = ["account_id", "account_name", "user_name", "access_key_id", "created", "last_used", "at_least_days",
      "at_most_days", "unused_days", "group", "reason", "deletable_from", "evidence_in_short"];
    return [heads, ...lines].map((line) => line.map(cell).join(",")).join("\r\n") + "\r\n";
  }

  // -- beginning --------------------------------------------------------------------------------

  for (const [className, , sorts, words] of COLUMNS) {
    const head = make("th", className, words);
    head.scope = "col";
    head.setAttribute("role", "columnheader");
    for (const name of sorts) {
      const button = head.appendChild(make("button", "", name));
      button.type = "button";
      button.addEventListener("click", () => {
        sorted = { name, descending: sorted.name === name ? !sorted.descending : SORTS[name][1] };
        select();
      });
    }
    if (sorts.length) head.dataset.words = sorts[0];  // for paper, where buttons are not repeated
    if (className === "time") head.append(axis());
    element("keys").tHead.rows[0].append(head);
  }
  for (const [name, [, , words]] of Object.entries(SORTS)) {
    element("sort").append(new Option(words ?? name.toLowerCase(), name));
  }
  for (const name of data.policies) element("policy").append(new Option(name));
  for (const [, name] of accounts.slice(0, 2000)) element("accounts").append(new Option(name));
  element("filters").addEventListener("input", (event) => {
    if (event.target.id === "sort") {
      sorted = { name: event.target.value, descending: SORTS[event.target.value][1] };
    }
    select();
  });
  element("filters").addEventListener("reset", () => setTimeout(() => { chosen = ""; select(); }));
  element("filters").addEventListener("submit", (event) => event.preventDefault());
  element("previous").addEventListener("click", () => turn(-1));
  element("next").addEventListener("click", () => turn(1));
  element("csv").addEventListener("click", () => copy(csv(), element("csv")));
  for (const button of document.querySelectorAll("[data-group]")) {
    button.addEventListener("click", () => { chosen = button.dataset.group; select(); });
  }
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.addEventListener("click", () => copy(button.dataset.copy, button));
  }
  window.addEventListener("hashchange", readFragment);
  // Paper has no pages to turn: print what is selected, up to a bound.
  window.addEventListener("beforeprint", () => {
    rows(shown.slice(0, PRINTED));
    for (const details of document.querySelectorAll(".alert details")) details.open = true;
  });
  window.addEventListener("afterprint", () => draw());
  readFragment();
})();
