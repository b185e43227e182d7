// The map of all codes, colored by any column. plotly.js is loaded when the map comes into view.
"use strict";
window.codeMap = (() => {
  const GRAY = "#9a9a9a";
  const place = document.getElementById("map");
  const style = (name) => getComputedStyle(document.body).getPropertyValue(name).trim();
  // Plotly's texts know tags, formulas and blanks: what is written is shown.
  const plain = (text) =>
    String(text)
      .replace(/&/g, "&amp;")
      .replace(/</g, "&lt;")
      .replace(/\$/g, "&#36;")
      .replace(/%\{/g, "&#37;{");
  let wanted = null,
    ready = null;

  function load() {
    ready ??= new Promise((done, failed) => {
      const script = document.createElement("script");
      Object.assign(script, { src: "lib/plotly.min.js", onload: done });
      script.onerror = () => failed(new Error("lib/plotly.min.js is missing."));
      document.head.append(script);
    });
    return ready;
  }

  function dots(codes, data, more) {
    return {
      type: "scatter",
      mode: "markers",
      showlegend: false,
      x: codes.map((code) => data.x[code]),
      y: codes.map((code) => data.y[code]),
      customdata: codes,
      text: codes.map((code) => `${code}: ${plain(data.description[code])}`),
      hovertemplate: "%{text}<extra></extra>",
      ...more,
    };
  }

  function colored(codes, data, color) {
    if (color.names) {
      return color.names
        .map((name, i) => [name, i, codes.filter((code) => color.values[code] === i)])
        .filter(([, , them]) => them.length)
        .map(([name, i, them]) =>
          dots(them, data, {
            name: plain(name),
            showlegend: true,
            marker: { size: 5, color: color.colors[i] },
          }),
        );
    }
    const values = codes.map((code) => color.values[code]);
    const known = values.map((value) => value !== null && value >= 0);
    const scale = data.scale.map((shade, i) => [i / (data.scale.length - 1), shade]);
    const of = (keep) => codes.filter((_, i) => known[i] === keep);
    const bar = {
      title: { text: plain(color.title + (color.unit ?? "")), side: "right" },
      thickness: 12,
    };
    return [
      dots(of(false), data, { marker: { size: 4, color: GRAY } }),
      dots(of(true), data, {
        marker: {
          size: 5,
          color: of(true).map((code) => color.values[code]),
          colorscale: scale,
          // All columns begin at 0, also one that is 0 everywhere.
          cmin: 0,
          cmax: Math.max(...values) || 1,
          showscale: true,
          colorbar: bar,
        },
      }),
    ];
  }

  function draw() {
    const { data, shown, color, picked, pick } = wanted;
    const inside = new Set(shown);
    const others = data.description.map((_, code) => code).filter((code) => !inside.has(code));
    const pale = dots(others, data, { opacity: 0.25, marker: { size: 3, color: GRAY } });
    const ring = { size: 14, color: "rgba(0,0,0,0)", line: { width: 3, color: style("--mark") } };
    const chosen = dots(picked === null ? [] : [picked], data, { marker: ring });
    const axis = { visible: false };
    const touched = matchMedia("(pointer: coarse)").matches;
    const layout = {
      margin: { l: 4, r: 4, t: 4, b: 4 },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: style("--text"), size: 12 },
      xaxis: axis,
      yaxis: { ...axis, scaleanchor: "x" },
      hovermode: "closest",
      uirevision: "kept",
      // A finger that drags over the map scrolls the page.
      dragmode: touched ? false : "pan",
      legend: { itemsizing: "constant", orientation: "h", y: 0, yanchor: "top" },
    };
    const config = {
      displaylogo: false,
      responsive: true,
      scrollZoom: !touched,
      modeBarButtonsToRemove: ["select2d", "lasso2d", "sendChartToCloud"],
    };
    const first = !place.data;
    const traces = [pale, ...colored(shown, data, color), chosen];
    Plotly.react(place, traces, layout, config).then(() => {
      place.dataset.drawn = color.title;
    });
    if (first) place.on("plotly_click", (event) => pick(event.points[0].customdata));
  }

  new IntersectionObserver((entries, observer) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    load().then(
      () => wanted && draw(),
      (error) => {
        place.textContent = error.message;
      },
    );
  }).observe(place);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    if (window.Plotly && wanted) draw();
  });

  return {
    show(what) {
      wanted = what;
      if (window.Plotly) draw();
    },
  };
})();
