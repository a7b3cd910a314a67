// Sorts, filters and pages the keys. Text goes into the page by textContent only, never as HTML.
(function () {
  "use strict";
  const PAGE = 100;
  const PRINTED = 5000;
  const data = JSON.parse(document.getElementById("data").textContent);
  const at = Object.fromEntries(data.columns.map((name, number) => [name, number]));
  const keys = data.keys;
  const accounts = data.accounts;
  const element = (id) => document.getElementById(id);
  const account = (key) => accounts[key[at.account]];

  // What the table shows: heading, value to sort by, and how a cell is filled.
  const COLUMNS = [
    ["Account", (key) => account(key)[1].toLowerCase() + " " + account(key)[0], (cell, key) => {
      cell.textContent = account(key)[1];
      if (account(key)[0] !== account(key)[1]) small(cell, account(key)[0]);
    }],
    ["User", (key) => key[at.user_name].toLowerCase(), (cell, key) => {
      cell.textContent = key[at.user_name];
      if (key[at.path] !== "/") small(cell, key[at.path]);
      if (key[at.slot_blocked]) small(cell, "second slot blocked");
    }],
    ["Access key", (key) => key[at.access_key_id], text("access_key_id", "id")],
    ["Created", (key) => key[at.created], date("created")],
    ["Last used", (key) => key[at.last_used] || "", (cell, key) => {
      cell.className = "date";
      cell.textContent = key[at.last_used] ? key[at.last_used].slice(0, 10) : "none recorded";
      if (key[at.used_where]) small(cell, key[at.used_where]);
    }],
    ["Days, proven", (key) => key[at.at_least_days], days("at_least_days", "not_after")],
    ["Days, possible", (key) => key[at.at_most_days], days("at_most_days", "not_before")],
    ["Outcome", (key) => (key[at.outcome] || "") + " " + (key[at.reason] || ""), (cell, key) => {
      cell.className = key[at.outcome] || "";
      cell.textContent = key[at.outcome] || "";
      if (key[at.reason]) small(cell, key[at.reason]);
    }],
    ["Evidence", null, (cell, key) => {
      cell.className = "evidence";
      const list = cell.appendChild(document.createElement("ul"));
      for (const words of key[at.evidence]) {
        list.appendChild(document.createElement("li")).textContent = words;
      }
    }],
  ];

  function small(cell, words) {
    cell.appendChild(document.createElement("small")).textContent = words;
  }
  function text(name, className) {
    return (cell, key) => { cell.className = className; cell.textContent = key[at[name]]; };
  }
  function date(name) {
    return (cell, key) => {
      cell.className = "date";
      cell.textContent = key[at[name]].slice(0, 10);
      cell.title = key[at[name]];
    };
  }
  function days(name, since) {
    return (cell, key) => {
      cell.className = "number";
      cell.textContent = key[at[name]].toFixed(1);
      cell.title = "since " + key[at[since]];
    };
  }

  let shown = keys.map((_, number) => number);
  let page = 0;
  let sorted = { column: 5, descending: true };

  function matcher() {
    const words = element("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = element("account").value.trim().toLowerCase();
    const atLeast = Number(element("at-least").value) || 0;
    const atMost = Number(element("at-most").value) || 0;
    const outcome = element("outcome").value;
    const neverUsed = element("never-used").checked;
    const blocked = element("blocked").checked;
    const hit = accounts.map(([id, name]) =>
      !wanted || id.includes(wanted) || name.toLowerCase().includes(wanted));
    return (key) =>
      hit[key[at.account]]
      && key[at.at_least_days] >= atLeast
      && key[at.at_most_days] >= atMost
      && (!outcome || (outcome === "found" ? !key[at.outcome] : key[at.outcome] === outcome))
      && (!neverUsed || !key[at.last_used])
      && (!blocked || key[at.slot_blocked])
      && (!words.length || words.every((word) => haystack(key).includes(word)));
  }
  function haystack(key) {
    return [
      ...account(key), key[at.user_name], key[at.path], key[at.access_key_id], key[at.outcome],
      key[at.reason], ...key[at.evidence],
    ].join("\n").toLowerCase();
  }

  function select() {
    const matches = matcher();
    shown = [];
    for (let number = 0; number < keys.length; number++) {
      if (matches(keys[number])) shown.push(number);
    }
    order();
  }
  function order() {
    const value = COLUMNS[sorted.column][1];
    const values = new Map(shown.map((number) => [number, value(keys[number])]));
    const sign = sorted.descending ? -1 : 1;
    shown.sort((a, b) => {
      const [x, y] = [values.get(a), values.get(b)];
      return x < y ? -sign : x > y ? sign : a - b;
    });
    page = 0;
    draw();
  }

  function draw(from = page * PAGE, to = from + PAGE) {
    const body = document.createElement("tbody");
    for (const number of shown.slice(from, to)) {
      const row = body.insertRow();
      for (const [, , fill] of COLUMNS) fill(row.insertCell(), keys[number]);
    }
    element("keys").tBodies[0].replaceWith(body);
    const pages = Math.max(1, Math.ceil(shown.length / PAGE));
    element("count").textContent =
      shown.length.toLocaleString("en") + " of " + keys.length.toLocaleString("en") + " keys";
    element("page").textContent = "Page " + (page + 1) + " of " + pages;
    element("previous").disabled = page === 0;
    element("next").disabled = page >= pages - 1;
    for (const [number, head] of [...element("keys").tHead.rows[0].cells].entries()) {
      if (number === sorted.column) {
        head.setAttribute("aria-sort", sorted.descending ? "descending" : "ascending");
      } else {
        head.removeAttribute("aria-sort");
      }
    }
  }

  COLUMNS.forEach(([heading, value], number) => {
    const head = document.createElement("th");
    head.scope = "col";
    const button = head.appendChild(document.createElement("button"));
    button.type = "button";
    button.textContent = heading;
    button.disabled = !value;
    button.addEventListener("click", () => {
      const again = sorted.column === number;
      sorted = { column: number, descending: again ? !sorted.descending : heading.startsWith("Days") };
      order();
    });
    element("keys").tHead.rows[0].appendChild(head);
  });
  element("filters").addEventListener("input", select);
  element("filters").addEventListener("reset", () => setTimeout(select));
  element("filters").addEventListener("submit", (event) => event.preventDefault());
  element("previous").addEventListener("click", () => { page--; draw(); });
  element("next").addEventListener("click", () => { page++; draw(); });
  // Paper has no pages to turn: print what is selected, up to a bound.
  window.addEventListener("beforeprint", () => draw(0, PRINTED));
  window.addEventListener("afterprint", () => draw());
  order();
})();
