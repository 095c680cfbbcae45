// Keeps the page of one or several runs up to date: tables and pictures as HTML, plots as points.
(() => {
  const { id, events, ...first } = JSON.parse(document.getElementById("data").textContent);
  let data = first;

  // What a reader has changed stays: drawn plots, what is read in them, choices, opened parts.
  const KEPT = ".drawing, .reading, input, select";
  const options = {
    morphStyle: "outerHTML",
    callbacks: {
      beforeNodeMorphed: (node) => !(node instanceof Element && node.matches(KEPT)),
      beforeAttributeUpdated: (name, node) => !(name === "open" && node.localName === "details"),
    },
  };

  function elementOf(html) {
    const template = document.createElement("template");
    template.innerHTML = html;
    return template.content.firstElementChild;
  }

  const byHand = new WeakSet();
  document.addEventListener("change", ({ target }) => byHand.add(target));

  // A choice that a reader has made stays, also where something newer comes that is chosen by itself.
  function morph(known, html) {
    const chosen = [...known.querySelectorAll("input:checked")].filter((input) => byHand.has(input));
    Idiomorph.morph(known, elementOf(html), options);
    for (const input of chosen) input.checked = true;
  }

  function showFragments(order, fragments) {
    const main = document.querySelector("main");
    for (const section of [...main.children]) if (!order.includes(section.id)) section.remove();
    for (const [id, html] of Object.entries(fragments)) {
      const known = document.getElementById(id);
      if (known !== null) morph(known, html);
      else main.append(elementOf(html));
    }
    for (const [place, id] of order.entries()) {
      const section = document.getElementById(id);
      if (main.children[place] !== section) main.insertBefore(section, main.children[place]);
    }
  }

  // The points before `from` are known.
  function extended(before, { from, ...line }) {
    const columns = ["steps", "mean", "min", "max"].map((name) => [
      name,
      [...(before?.[name].slice(0, from) ?? []), ...line[name]],
    ]);
    return { ...line, ...Object.fromEntries(columns) };
  }

  // Lines that are not among the changes stay.
  function changedPlot(before, change) {
    const known = new Map(before?.lines.map((line) => [line.run, line]));
    for (const line of change.lines) known.set(line.run, extended(known.get(line.run), line));
    return { ...change, lines: [...known.values()].sort((a, b) => a.run - b.run) };
  }

  function mergedPlots(before, changes) {
    const plots = new Map(before.map((plot) => [plot.id, plot]));
    for (const change of changes) plots.set(change.id, changedPlot(plots.get(change.id), change));
    return [...plots.values()];
  }

  listenTo(events, id, ({ order, fragments, names, epochs, plots }) => {
    showFragments(order, fragments);
    data = { names, epochs, plots: mergedPlots(data.plots, plots) };
    reportPage.show(data);
  });
})();
