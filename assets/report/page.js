// Draws the plots of a report with uPlot. The page's data stand in the element "data"; who has newer ones calls
// `reportPage.show`.
globalThis.reportPage = (() => {
  let data = JSON.parse(document.getElementById("data").textContent);
  // What is drawn, by the id of the plot.
  const drawn = new Map();
  // What keys make of the part of a plot that is seen.
  const ZOOMS = { "+": 0.5, "-": 2 };
  const axisChoice = document.getElementById("axis");

  const seenColours = new Map();

  function colour(name) {
    if (!seenColours.has(name)) seenColours.set(name, seenColour(name));
    return seenColours.get(name);
  }

  // A variable holds one colour for light and one for dark: which one is seen, only an element knows.
  function seenColour(name) {
    const probe = document.body.appendChild(document.createElement("span"));
    probe.style.color = `var(--${name})`;
    const seen = getComputedStyle(probe).color;
    probe.remove();
    return seen;
  }
  const faint = (seen) => seen.replace("rgb(", "rgba(").replace(")", ", 0.18)");

  function numberText(value) {
    if (value === 0) return "0";
    const size = Math.abs(value);
    if (size < 1e-4 || size >= 1e6) return value.toExponential(2);
    return size >= 1000 ? value.toFixed(0) : String(Number(value.toPrecision(4)));
  }

  // 400, 1500, 20k, 1.5M: short enough to stand beside each other.
  function shortText(number) {
    if (number >= 1e6) return `${Number((number / 1e6).toFixed(2))}M`;
    return number >= 1e4 ? `${Number((number / 1e3).toFixed(1))}k` : String(Number(number.toFixed(3)));
  }

  const inEpochs = () => axisChoice.value === "epoch";

  // On the straight line through the two places around a step, or through the outermost ones.
  function epochAt(step, places) {
    if (places.length < 2) return step;
    const next = places.findIndex((place) => place.step >= step);
    const end = next < 0 ? places.length - 1 : Math.max(1, next);
    const [from, to] = [places[end - 1], places[end]];
    const epoch = from.epochs + ((step - from.step) / (to.step - from.step)) * (to.epochs - from.epochs);
    return Number(epoch.toFixed(9)); // the same place in several runs is one place
  }

  // Each run has its own steps; uPlot wants one list of places for all.
  function aligned(lines) {
    const tables = lines.map(({ run, steps, mean, min, max }) => {
      const places = inEpochs() ? steps.map((step) => epochAt(step, data.epochs[run])) : steps;
      return [places, mean, max, min];
    });
    return uPlot.join(tables);
  }

  // On the means only, not on the edges of their bands.
  function cursorPoint() {
    const point = document.createElement("div");
    Object.assign(point.style, { width: "7px", height: "7px", marginLeft: "-3.5px", marginTop: "-3.5px" });
    return point;
  }

  function sizeOf({ main }, area) {
    return { width: area.clientWidth, height: main ? 288 : 184 };
  }

  function seriesOf(id, { run }, index) {
    const stroke = colour(`run-${run}`);
    // Few points are shown one by one.
    const show = () => (drawn.get(id)?.plot.lines[index].steps.length ?? 0) <= 40;
    const edge = { stroke: "transparent", width: 0, points: { show: false }, spanGaps: true };
    const line = { stroke, width: 1.5, points: { show, size: 5, stroke, fill: stroke }, spanGaps: true };
    return [line, edge, edge];
  }

  function options(plot, area, logarithmic) {
    const axis = {
      stroke: colour("quiet"),
      grid: { stroke: colour("grid"), width: 1 },
      ticks: { stroke: colour("rule"), width: 1, size: 4 },
      font: "12px system-ui, sans-serif",
      labelFont: "12px system-ui, sans-serif",
    };
    const across = {
      ...axis,
      size: 30,
      values: (_, places) => places.map(shortText),
      label: axisChoice.value,
      labelSize: 16,
      labelGap: 0,
    };
    const up = {
      ...axis,
      size: (_, texts) => 14 + 7 * Math.max(3, ...(texts ?? []).map((text) => (text ?? "").length)),
      values: (_, values) => values.map((value) => (value === null ? "" : numberText(value))),
    };
    return {
      ...sizeOf(plot, area),
      legend: { show: false },
      scales: { x: { time: false }, y: logarithmic ? { distr: 3 } : {} },
      series: [{}, ...plot.lines.flatMap((line, index) => seriesOf(plot.id, line, index))],
      bands: plot.lines.map(({ run }, index) => ({
        series: [3 * index + 2, 3 * index + 3],
        fill: faint(colour(`run-${run}`)),
      })),
      axes: [across, up],
      cursor: {
        y: false,
        sync: { key: "step" },
        points: { show: (_, index) => (index % 3 === 1 ? cursorPoint() : null) },
      },
      hooks: { setCursor: [() => read(plot.id)] },
    };
  }

  // What the lines are at the cursor, or at their ends.
  function read(id) {
    const known = drawn.get(id);
    if (known === undefined) return;
    const { plot, chart, figure } = known;
    const entries = plot.lines.map((line, index) => entry(plot, line, chart.data, index, chart.cursor.idx));
    figure.querySelector(".reading").replaceChildren(...entries);
  }

  function entry({ unit }, { run }, columns, index, at) {
    const column = columns[3 * index + 1];
    const place = lastKnown(column, at ?? column.length - 1);
    const item = document.createElement("span");
    const swatch = document.createElement("span");
    swatch.className = `swatch run-${run}`;
    const value = document.createElement("b");
    if (place < 0) value.textContent = "no value";
    else value.textContent = `${numberText(column[place])}${unit ? ` ${unit}` : ""}`;
    const parts = [swatch, data.names.length > 1 ? `${data.names[run]} ` : "", value];
    const [max, min] = [columns[3 * index + 2][place], columns[3 * index + 3][place]];
    const range = max > min ? ` (${numberText(min)} to ${numberText(max)})` : "";
    item.append(...parts, place < 0 ? "" : `${range} at ${placeText(columns[0][place])}`);
    return item;
  }

  function placeText(place) {
    return inEpochs() ? `epoch ${place.toFixed(2)}` : `step ${place.toLocaleString("en")}`;
  }

  function lastKnown(column, from) {
    let place = from;
    while (place >= 0 && (column[place] === null || column[place] === undefined)) place -= 1;
    return place;
  }

  // The part that was zoomed into; null: all of it is shown.
  function zoomed(chart) {
    const [places, { min, max }] = [chart.data[0], chart.scales.x];
    if (places.length < 2 || (min === places[0] && max === places.at(-1))) return null;
    return { min, max };
  }

  function draw(plot, figure, keepZoom = true) {
    const before = drawn.get(plot.id);
    const zoom = keepZoom && before !== undefined ? zoomed(before.chart) : null;
    before?.chart.destroy();
    const area = figure.querySelector(".drawing");
    const logarithmic = figure.querySelector(".log input")?.checked ?? false;
    const chart = new uPlot(options(plot, area, logarithmic), aligned(plot.lines), area);
    drawn.set(plot.id, { plot, figure, chart, held: null });
    if (zoom !== null) chart.setScale("x", zoom);
    read(plot.id);
  }

  function drawAll(keepZoom) {
    for (const { plot, figure } of [...drawn.values()]) draw(plot, figure, keepZoom);
  }

  // New points in a plot that stays as it is, zoomed where it was.
  function extend(known, plot) {
    const { chart } = known;
    const zoom = zoomed(chart);
    known.plot = plot;
    chart.setData(aligned(plot.lines), zoom === null);
    if (zoom !== null) chart.setScale("x", zoom);
    known.figure.querySelector(".reading").setAttribute("aria-live", "off");
    read(plot.id);
  }

  // The cursor stays at the point where keys have put it.
  function holdCursor({ chart, held }) {
    if (held !== null) putCursor(chart, chart.data[0].indexOf(held));
  }

  function putCursor(chart, place) {
    if (place >= 0) chart.setCursor({ left: chart.valToPos(chart.data[0][place], "x"), top: 10 });
  }

  function isSame(epochs) {
    return JSON.stringify(epochs) === JSON.stringify(data.epochs);
  }

  const runsOf = ({ lines }) => lines.map(({ run }) => run).join();

  // Draws what is new: a plot that has not changed is the same object as before.
  function show(newer) {
    const moved = inEpochs() && !isSame(newer.epochs);
    data = newer;
    for (const [id, { chart, figure }] of drawn) {
      if (figure.isConnected) continue;
      chart.destroy();
      drawn.delete(id);
    }
    for (const plot of data.plots) {
      const figure = document.getElementById(`plot-${plot.id}`);
      const known = drawn.get(plot.id);
      if (figure === null || (known?.plot === plot && !moved)) continue;
      if (known !== undefined && runsOf(known.plot) === runsOf(plot)) extend(known, plot);
      else draw(plot, figure);
    }
    for (const known of drawn.values()) holdCursor(known);
  }

  // Arrow keys move the cursor from point to point, as far as they are seen; Home and End go to the ends, Escape leaves.
  function moveCursor(known, event) {
    const { chart, figure } = known;
    const [first, last] = chart.series[0].idxs;
    const now = chart.cursor.idx ?? (event.key === "ArrowLeft" ? last + 1 : first - 1);
    const places = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: first, End: last };
    if (event.key === "Escape") {
      known.held = null;
      chart.setCursor({ left: -10, top: -10 });
    }
    if (!(event.key in places)) return;
    event.preventDefault();
    const place = Math.min(last, Math.max(first, places[event.key]));
    for (const other of drawn.values()) other.held = null;
    known.held = chart.data[0][place];
    figure.querySelector(".reading").setAttribute("aria-live", "polite");
    putCursor(chart, place);
  }

  // As the mouse does: all plots show the same part. Around the cursor, or around the middle of what is seen.
  function zoomTo({ chart, held }, factor) {
    const { min, max } = chart.scales.x;
    const [least, most] = endsOf(chart);
    const width = (max - min) * factor;
    const from = Math.min(most - width, Math.max(least, (held ?? (min + max) / 2) - width / 2));
    for (const other of drawn.values()) {
      const [first, last] = width < most - least ? [from, from + width] : endsOf(other.chart);
      other.chart.setScale("x", { min: first, max: last });
      holdCursor(other);
    }
  }

  const endsOf = ({ data: [places] }) => [places[0], places.at(-1)];

  // Of the plot that something happened in.
  const drawnAt = ({ target }) => drawn.get(target.closest?.("[data-plot]")?.dataset.plot);

  document.addEventListener("keydown", (event) => {
    const known = event.target.matches(".area") ? drawnAt(event) : undefined;
    if (known === undefined) return;
    if (event.key in ZOOMS) zoomTo(known, ZOOMS[event.key]);
    else moveCursor(known, event);
  });
  document.addEventListener("mousemove", (event) => {
    if (drawnAt(event) === undefined) return;
    for (const known of drawn.values()) known.held = null;
  });
  document.addEventListener("change", (event) => {
    const known = event.target.matches(".log input") ? drawnAt(event) : undefined;
    if (known !== undefined) draw(known.plot, known.figure);
  });
  document.addEventListener("colours", () => {
    seenColours.clear();
    drawAll(true);
  });
  axisChoice.addEventListener("change", () => drawAll(false));
  addEventListener("resize", () => {
    for (const { plot, figure, chart } of drawn.values()) {
      const size = sizeOf(plot, figure.querySelector(".drawing"));
      if (size.width !== chart.width) chart.setSize(size);
    }
  });
  show(data);
  return { show };
})();
