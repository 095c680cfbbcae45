// Draws the plots of a report with uPlot. The page's data stand in the element "data".
(() => {
  const { names, plots } = JSON.parse(document.getElementById("data").textContent);
  const figures = [...document.querySelectorAll("[data-plot]")];
  const drawn = new Map();

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const faint = (value) => `${value}2e`;

  function numberText(value) {
    if (value === 0) return "0";
    const size = Math.abs(value);
    if (size < 1e-4 || size >= 1e6) return value.toExponential(2);
    return size >= 1000 ? value.toFixed(0) : String(Number(value.toPrecision(4)));
  }

  // 400, 1500, 20k, 1.5M: short enough to stand beside each other.
  function stepText(step) {
    if (step >= 1e6) return `${Number((step / 1e6).toFixed(2))}M`;
    return step >= 1e4 ? `${Number((step / 1e3).toFixed(1))}k` : String(step);
  }

  // Each run has its own steps; uPlot wants one list of steps for all.
  function aligned(lines) {
    return uPlot.join(lines.map(({ steps, mean, min, max }) => [steps, mean, max, min]));
  }

  // On the means only, not on the edges of their bands.
  function cursorPoint() {
    const point = document.createElement("div");
    Object.assign(point.style, { width: "7px", height: "7px", marginLeft: "-3.5px", marginTop: "-3.5px" });
    return point;
  }

  function options(plot, area, logarithmic) {
    const series = plot.lines.flatMap(({ run, steps }) => {
      const stroke = colour(`run-${run}`);
      const points = { show: steps.length <= 40, size: 5, stroke, fill: stroke };
      const edge = { stroke: "transparent", width: 0, points: { show: false }, spanGaps: true };
      return [{ stroke, width: 1.5, points, spanGaps: true }, edge, edge];
    });
    const bands = plot.lines.map(({ run }, index) => ({
      series: [3 * index + 2, 3 * index + 3],
      fill: faint(colour(`run-${run}`)),
    }));
    const axis = {
      stroke: colour("quiet"),
      grid: { stroke: colour("grid"), width: 1 },
      ticks: { stroke: colour("rule"), width: 1, size: 4 },
      font: "12px system-ui, sans-serif",
      labelFont: "12px system-ui, sans-serif",
    };
    return {
      width: area.clientWidth,
      height: plot.main ? 288 : 184,
      legend: { show: false },
      scales: { x: { time: false }, y: logarithmic ? { distr: 3 } : {} },
      series: [{}, ...series],
      bands,
      axes: [
        {
          ...axis,
          size: 30,
          values: (_, steps) => steps.map(stepText),
          label: "step",
          labelSize: 16,
          labelGap: 0,
        },
        {
          ...axis,
          size: (_, texts) => 14 + 7 * Math.max(3, ...(texts ?? []).map((text) => (text ?? "").length)),
          values: (_, values) => values.map((value) => (value === null ? "" : numberText(value))),
        },
      ],
      cursor: {
        y: false,
        sync: { key: "step" },
        points: { show: (_, index) => (index % 3 === 1 ? cursorPoint() : null) },
      },
      hooks: { setCursor: [(u) => read(plot, u)] },
    };
  }

  // What the lines are at the cursor, or at their ends.
  function read(plot, u) {
    const reading = drawn.get(plot.id)?.reading;
    if (reading === undefined) return;
    reading.replaceChildren(
      ...plot.lines.map((line, index) => entry(plot, line, u.data, index, u.cursor.idx)),
    );
  }

  function entry({ unit }, { run }, data, index, at) {
    const column = data[3 * index + 1];
    const place = lastKnown(column, at ?? column.length - 1);
    const item = document.createElement("span");
    const swatch = document.createElement("span");
    swatch.className = `swatch run-${run}`;
    const value = document.createElement("b");
    if (place < 0) value.textContent = "no value";
    else value.textContent = `${numberText(column[place])}${unit ? ` ${unit}` : ""}`;
    const parts = [swatch, names.length > 1 ? `${names[run]} ` : "", value];
    const [max, min] = [data[3 * index + 2][place], data[3 * index + 3][place]];
    const range = max > min ? ` (${numberText(min)} to ${numberText(max)})` : "";
    item.append(...parts, place < 0 ? "" : `${range} at step ${data[0][place].toLocaleString("en")}`);
    return item;
  }

  function lastKnown(column, from) {
    let place = from;
    while (place >= 0 && (column[place] === null || column[place] === undefined)) place -= 1;
    return place;
  }

  function draw(figure) {
    const plot = plots.find(({ id }) => id === figure.dataset.plot);
    const area = figure.querySelector(".area");
    const logarithmic = figure.querySelector(".log input")?.checked ?? false;
    drawn.get(plot.id)?.chart.destroy();
    const reading = figure.querySelector(".reading");
    const chart = new uPlot(options(plot, area, logarithmic), aligned(plot.lines), area);
    drawn.set(plot.id, { chart, reading });
    read(plot, chart);
  }

  // Arrow keys move the cursor from point to point; Home and End go to the ends, Escape leaves.
  function moveCursor(figure, event) {
    const { chart } = drawn.get(figure.dataset.plot);
    const last = chart.data[0].length - 1;
    const now = chart.cursor.idx ?? (event.key === "ArrowLeft" ? last + 1 : -1);
    const places = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: last };
    if (event.key === "Escape") chart.setCursor({ left: -10, top: -10 });
    if (!(event.key in places)) return;
    event.preventDefault();
    const place = Math.min(last, Math.max(0, places[event.key]));
    chart.setCursor({ left: chart.valToPos(chart.data[0][place], "x"), top: 10 });
  }

  function drawAll() {
    for (const figure of figures) draw(figure);
  }

  function remembered() {
    try {
      return localStorage.getItem("udi-report-colours") ?? "";
    } catch {
      return ""; // a browser may keep nothing for files
    }
  }

  function setTheme(theme) {
    if (theme === "") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    try {
      localStorage.setItem("udi-report-colours", theme);
    } catch {}
    drawAll();
  }

  for (const figure of figures) {
    figure.querySelector(".log input")?.addEventListener("change", () => draw(figure));
    figure.querySelector(".area").addEventListener("keydown", (event) => moveCursor(figure, event));
  }
  const choice = document.getElementById("theme");
  choice.value = remembered();
  choice.addEventListener("change", () => setTheme(choice.value));
  setTheme(choice.value);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  let width = innerWidth;
  addEventListener("resize", () => {
    if (width !== innerWidth) drawAll();
    width = innerWidth;
  });
})();
