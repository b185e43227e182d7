// The page's side of PlotView: the traits say what is plotted, plotly.js draws it.

const CONFIG = { displaylogo: false, responsive: false };
const FOREGROUND = "foreground"; // stands for what shows up on the theme's background

async function fetchPlotly(model) {
  const module = { exports: {} };
  const script = new Function("module", "exports", "define", await scriptOf(model));
  script(module, module.exports);
  return module.exports;
}

function render({ model, el }) {
  const plot = document.createElement("div");
  plot.className = "esm-explore-plot";
  plot.setAttribute("role", "img");
  plot.textContent = "plotly.js is on its way …";
  el.append(plot);
  let plotly = null;
  let frame = 0;
  let closed = false;

  function foreground() {
    return getComputedStyle(plot).getPropertyValue("--jp-ui-font-color1").trim() || "#222";
  }
  function themed(part) {
    return JSON.parse(JSON.stringify(part).replaceAll(`"${FOREGROUND}"`, `"${foreground()}"`));
  }
  function layout() {
    const asked = model.get("axes");
    const grid = "rgba(128, 128, 128, 0.25)";
    const axis = { gridcolor: grid, zerolinecolor: grid, automargin: true };
    return {
      margin: { t: 45, l: 55, r: 15, b: 45 },
      hovermode: "closest",
      ...themed(asked),
      font: { color: foreground(), size: 12 },
      paper_bgcolor: "rgba(0, 0, 0, 0)",
      plot_bgcolor: "rgba(0, 0, 0, 0)",
      xaxis: { ...axis, ...asked.xaxis },
      yaxis: { ...axis, ...asked.yaxis },
      height: model.get("height"),
      width: el.clientWidth,
    };
  }
  async function draw() {
    frame = 0;
    if (!plotly || closed || !el.clientWidth) return;
    const data = [...model.get("base"), ...themed(model.get("overlay"))];
    plot.setAttribute("aria-label", model.get("axes").title?.text ?? "");
    await plotly.react(plot, data, layout(), CONFIG);
    plot.dataset.drawn = Number(plot.dataset.drawn ?? 0) + 1;
  }
  // Several traits change at once; one drawing is enough.
  function soon() {
    frame ||= requestAnimationFrame(draw);
  }
  const say = (kind, points) => model.send({ kind, points });
  const first = (event) => event.points.filter((p) => p.curveNumber < model.get("base").length);

  function listen() {
    // A heat map numbers its points [row, column].
    for (const kind of ["click", "hover"]) {
      plot.on(`plotly_${kind}`, (event) => {
        const point = first(event)[0];
        if (point) say(kind, [point.pointNumber ?? point.pointIndex].flat());
      });
    }
    plot.on("plotly_unhover", () => say("hover", []));
    plot.on("plotly_selected", (event) => {
      // Taking the loop away, below, is reported like a loop around nothing.
      if (!event?.lassoPoints && !event?.range) return;
      say("lasso", first(event).map((point) => point.pointNumber));
      // The loop has done its work; it would lie over the next map.
      plotly.update(plot, { selectedpoints: null }, { selections: [] });
    });
  }

  const sized = new ResizeObserver(soon);
  const theme = new MutationObserver(soon);
  const changes = ["base", "overlay", "axes", "height"].map((name) => `change:${name}`);
  for (const change of changes) model.on(change, soon);
  loadOnce("plotly.js", () => fetchPlotly(model))
    .then(async (script) => {
      if (closed) return;
      plotly = script;
      plot.textContent = "";
      await plotly.newPlot(plot, [], { width: 10, height: model.get("height") }, CONFIG);
      listen();
      sized.observe(el);
      theme.observe(document.body, { attributeFilter: ["data-jp-theme-light"] });
      soon();
    })
    .catch((error) => {
      plot.textContent = `plotly.js could not be loaded: ${error.message}`;
    });
  return () => {
    closed = true;
    cancelAnimationFrame(frame);
    for (const change of changes) model.off(change, soon);
    sized.disconnect();
    theme.disconnect();
    if (plotly) plotly.purge(plot);
  };
}

export default { render };
