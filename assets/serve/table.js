// The table of all runs: kept up to date, sorted, filtered, and chosen from. Sorting and filter stand in the address.
(() => {
  const MOST = 8;
  const { id, events, runs: runsPath, ...first } = JSON.parse(document.getElementById("data").textContent);
  const [filter, form, body] = [
    document.getElementById("filter"),
    document.querySelector("form"),
    document.querySelector("#runs tbody"),
  ];
  const heads = [...document.querySelectorAll("#runs [data-column]")];
  const collator = new Intl.Collator("en", { numeric: true });
  const ages = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "short" });
  // By the name of the run: what the server says of it, and its row.
  const known = new Map();
  let sorting = { column: "name", descending: false };

  function ageText(since) {
    const seconds = (Date.parse(since) - Date.now()) / 1000;
    const [unit, length] = [
      ["day", 86_400],
      ["hour", 3600],
      ["minute", 60],
      ["second", 1],
    ].find(([, length]) => -seconds >= length) ?? ["second", 1];
    return ages.format(Math.min(0, Math.trunc(seconds / length)), unit);
  }

  function element(name, properties, ...content) {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...content);
    return made;
  }

  function newRow(name) {
    const choice = element("input", {
      type: "checkbox",
      name: "run",
      value: name,
      ariaLabel: `Choose ${name}`,
    });
    const link = element("a", { href: `${runsPath}?${new URLSearchParams({ run: name })}` }, name);
    const cells = heads.slice(1).map((head) => element("td", { className: head.className }));
    const title = element("th", { scope: "row" }, link);
    return element("tr", {}, element("td", { className: "choose" }, choice), title, ...cells);
  }

  const chosenBoxes = () => [...body.querySelectorAll("input:checked")];

  // The name stands in the row from its beginning.
  function fill({ row, cells }) {
    for (const [place, { text, kind, since }] of [...cells.entries()].slice(1)) {
      const cell = row.children[place + 1];
      const shown = since === undefined ? text : ageText(since);
      if (cell.textContent !== shown) cell.textContent = shown;
      cell.className = kind ?? heads[place].className;
      if (since !== undefined) cell.title = text;
    }
  }

  function compared(a, b) {
    const place = heads.findIndex((head) => head.dataset.column === sorting.column);
    const [left, right] = [a.cells[place].order, b.cells[place].order];
    if (left === null || right === null) return (left === null) - (right === null);
    const order = typeof left === "number" ? left - right : collator.compare(left, right);
    return sorting.descending ? -order : order;
  }

  // Only rows that are not where they belong are moved: moving one takes the focus from it.
  function arrange() {
    const focused = document.activeElement;
    const byName = [...known.values()].sort((a, b) => collator.compare(a.name, b.name));
    const words = filter.value.toLowerCase().split(/\s+/);
    let shown = 0;
    for (const [place, { row, name }] of byName.sort(compared).entries()) {
      if (body.children[place] !== row) body.insertBefore(row, body.children[place] ?? null);
      row.hidden = !words.every((word) => name.toLowerCase().includes(word));
      if (!row.hidden) shown += 1;
    }
    if (document.activeElement !== focused) focused.focus({ preventScroll: true });
    say("count", countText(shown));
    for (const head of heads) {
      const order = sorting.descending ? "descending" : "ascending";
      if (head.dataset.column === sorting.column) head.ariaSort = order;
      else head.removeAttribute("aria-sort");
    }
  }

  function countText(shown) {
    if (known.size === 0) return "no runs yet";
    const runs = known.size === 1 ? "run" : "runs";
    return shown === known.size ? `${shown} ${runs}` : `${shown} of ${known.size} ${runs}`;
  }

  function say(place, text) {
    const shown = document.getElementById(place);
    if (shown.textContent !== text) shown.textContent = text;
  }

  function showChosen() {
    const count = chosenBoxes().length;
    document.getElementById("compare").disabled = count < 2;
    document.getElementById("none").disabled = count === 0;
    for (const box of body.querySelectorAll("input")) box.disabled = count >= MOST && !box.checked;
    say("chosen", count === 0 ? `Choose two to ${MOST} runs to see them side by side.` : `${count} chosen`);
  }

  function show({ names, rows, refused }) {
    for (const { name, cells } of rows) {
      const row = known.get(name)?.row ?? newRow(name);
      known.set(name, { name, cells, row });
      fill(known.get(name));
    }
    for (const [name, { row }] of known) {
      if (names.includes(name)) continue;
      row.remove();
      known.delete(name);
    }
    const hint = document.getElementById("refused");
    hint.hidden = refused.length === 0;
    say("refused", `Not shown, since not all of their files lie in this folder: ${refused.join(", ")}.`);
    arrange();
    showChosen();
  }

  function remember() {
    const address = new URL(location.href);
    const { column, descending } = sorting;
    address.searchParams.set("sort", descending ? `-${column}` : column);
    if (filter.value === "") address.searchParams.delete("filter");
    else address.searchParams.set("filter", filter.value);
    history.replaceState(null, "", address);
  }

  function recall() {
    const given = new URLSearchParams(location.search);
    const [, minus, column] = /^(-?)(.*)$/.exec(given.get("sort") ?? "");
    if (heads.some((head) => head.dataset.column === column)) {
      sorting = { column, descending: minus === "-" };
    }
    filter.value = given.get("filter") ?? "";
  }

  for (const head of heads) {
    head.querySelector("button").addEventListener("click", () => {
      const { column } = head.dataset;
      sorting = { column, descending: sorting.column === column && !sorting.descending };
      arrange();
      remember();
    });
  }
  filter.addEventListener("input", () => {
    arrange();
    remember();
  });
  form.addEventListener("change", showChosen);
  form.addEventListener("reset", () => setTimeout(showChosen));
  setInterval(() => {
    for (const run of known.values()) fill(run);
  }, 10_000);
  recall();
  show(first);
  listenTo(events, id, show);
})();
