// The page's side of PlotView: the traits say what is plotted, plotly.js draws it.

const CONFIG = { displayModeBar: false, responsive: false };
const LOW = 190; // px below which a plot has room for its ticks alone
const TITLE = 14; // px of a title's line
const KEY = 19; // px of a legend's line
const SOURCE = 10; // px of the letters that name chain and encoder in a saved plot
const FOREGROUND = "foreground"; // stands for what shows up on the theme's background

const fetchPlotly = async (model) => LIBRARIES["plotly.js"](await textOf(await scriptOf(model)));

function button(parent, text, name, call) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.title = name;
  made.setAttribute("aria-label", name);
  made.onclick = call;
  parent.append(made);
  return made;
}

function render({ model, el }) {
  el.classList.add("esm-explore-plot-view");
  const plot = document.createElement("div");
  plot.className = "esm-explore-plot";
  plot.setAttribute("role", "img");
  plot.textContent = "plotly.js is on its way …";
  const tools = document.createElement("div");
  tools.className = "esm-explore-plot-tools";
  const drag = button(tools, "zoom", "zoom by dragging", () => {
    zooming = !zooming;
    drag.setAttribute("aria-pressed", zooming);
    soon();
  });
  for (const format of ["svg", "png"])
    button(tools, format.toUpperCase(), `save as ${format.toUpperCase()}`, () => save(format));
  el.append(plot, tools);
  let plotly = null;
  let frame = 0;
  let closed = false;
  let zooming = false;

  function foreground() {
    return getComputedStyle(plot).getPropertyValue("--jp-ui-font-color1").trim() || "#222";
  }
  function themed(part) {
    return JSON.parse(JSON.stringify(part).replaceAll(`"${FOREGROUND}"`, `"${foreground()}"`));
  }
  const background = () =>
    getComputedStyle(plot).getPropertyValue("--jp-layout-color0").trim() || "white";
  const height = () => model.get("height") || el.clientHeight;
  function layout(width = el.clientWidth, high = height()) {
    const asked = themed(model.get("axes"));
    const grid = "rgba(128, 128, 128, 0.25)";
    const axis = { gridcolor: grid, zerolinecolor: grid, automargin: true };
    const low = high < LOW;
    const margin = { t: 30, l: 50, r: 15, b: low ? 26 : 40, ...asked.margin };
    const untitled = low ? { title: "" } : {};
    const font = low ? 10 : 12;
    let title = asked.title?.text ?? "";
    let { legend } = asked;
    if (asked.showlegend && legend) {
      const names = model.get("base").map(({ name }) => name ?? "");
      const more = (legendLines(names, width - margin.l - margin.r, font) - 1) * KEY;
      margin.t += more;
      if (low) {
        // What the colors mean counts for more than the title, which a screen reader still says.
        title = "";
        legend = { ...legend, x: 0, xanchor: "left" };
        Object.assign(margin, { t: 30 + more, b: 26 });
      }
    }
    const size = asked.title?.font?.size ?? 13;
    const broken = (text) => wrapped(text, width - tools.offsetWidth - 16, size);
    const first = (some, all) => `${title} (the first ${some} of ${all})`;
    // Where not all bars have room for their names, those that have are shown.
    const all = low && asked.yaxis?.dtick === 1 ? model.get("base")[0].y.length : 0;
    let lines = broken(all ? first(all, all) : title);
    const top = margin.t + (lines.length - 1) * (TITLE + 2);
    const fit = Math.max(1, Math.floor((high - top - margin.b) / (1.25 * font)));
    if (all) lines = broken(all > fit ? first(fit, all) : title);
    const rows = all > fit ? { autorange: false, range: [fit - 0.5, -0.5] } : {};
    // Plotly writes the title of an axis larger than the rest, and would cut it off.
    let beside = wrapped(asked.yaxis?.title?.text ?? "", high - top - margin.b, 1.2 * font);
    if (low && beside.length > 2) beside = [];
    return {
      hovermode: "closest",
      hoverlabel: {
        bgcolor: background(),
        bordercolor: foreground(),
        font: { color: foreground() },
      },
      ...asked,
      margin: { ...margin, t: top },
      title: {
        ...asked.title,
        text: lines.join("<br>"),
        y: 1 - 16 / high,
        yref: "container",
        yanchor: "top",
      },
      dragmode: zooming ? "zoom" : asked.dragmode,
      font: { color: foreground(), size: font },
      paper_bgcolor: "rgba(0, 0, 0, 0)",
      plot_bgcolor: "rgba(0, 0, 0, 0)",
      xaxis: { ...axis, ...asked.xaxis, ...untitled },
      yaxis: {
        ...axis,
        ...asked.yaxis,
        ...rows,
        title: { ...asked.yaxis?.title, text: beside.join("<br>") },
      },
      ...(legend ? { legend } : {}),
      height: high,
      width,
    };
  }
  /** Save the plot with the chain and the encoder below it. */
  function save(format) {
    const width = Math.max(el.clientWidth, 480);
    const shown = layout(width, Math.max(height(), 300));
    const lines = wrapped(model.get("source"), width - shown.margin.l - 40, SOURCE);
    const below = 18 + lines.length * (SOURCE + 3);
    const source = {
      ...{ text: lines.join("<br>"), font: { size: SOURCE }, showarrow: false, align: "left" },
      ...{ xref: "paper", yref: "paper", x: 0, y: 0, xanchor: "left", yanchor: "top" },
      yshift: -shown.margin.b - 6,
    };
    const figure = {
      data: plot.data,
      layout: {
        ...shown,
        annotations: [...(shown.annotations ?? []), source],
        height: shown.height + below,
        width,
        margin: { ...shown.margin, b: shown.margin.b + below },
        paper_bgcolor: background(),
      },
    };
    const filename = (plot.getAttribute("aria-label") || "plot")
      .replace(/[^\w-]+/g, "_")
      .slice(0, 60);
    return plotly.downloadImage(figure, {
      format,
      filename,
      scale: format === "png" ? 2 : 1,
      width: figure.layout.width,
      height: figure.layout.height,
    });
  }
  /** In a low plot a color bar has room for its ends alone. */
  function withRoom(data) {
    if (!data.colorbar || height() >= LOW) return data;
    const small = { nticks: 3, thickness: 10, title: { text: "" }, tickfont: { size: 9 } };
    return { ...data, colorbar: { ...data.colorbar, ...small } };
  }
  async function draw() {
    frame = 0;
    if (!plotly || closed || !el.clientWidth || !height()) return;
    drag.hidden = model.get("axes").dragmode !== "lasso";
    const data = [...model.get("base").map(withRoom), ...themed(model.get("overlay"))];
    // Where nothing is plotted there is no picture to tell of, and axes would be of nothing.
    el.classList.toggle("esm-explore-nothing", !data.length);
    const name = model.get("axes").title?.text ?? "";
    plot.setAttribute("role", name ? "img" : "presentation");
    if (name) plot.setAttribute("aria-label", name);
    else plot.removeAttribute("aria-label");
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
      say(
        "lasso",
        first(event).map((point) => point.pointNumber),
      );
      // The loop has done its work; it would lie over the next map.
      plotly.update(plot, { selectedpoints: null }, { selections: [] });
    });
  }

  const sized = new ResizeObserver(soon);
  const theme = new MutationObserver(soon);
  const changes = ["base", "overlay", "axes", "height", "source"].map((name) => `change:${name}`);
  for (const change of changes) model.on(change, soon);
  loadOnce("plotly.js", () => fetchPlotly(model))
    .then(async (script) => {
      if (closed) return;
      plotly = script;
      plot.textContent = "";
      await plotly.newPlot(plot, [], { width: 10, height: height() || 10 }, CONFIG);
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
