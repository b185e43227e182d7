// The page of one code: bars, exemplars in 3D once they come into view, and arrow keys.
"use strict";
(() => {
  const COLORS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00"];
  const MIDDLE = "#808080";
  const LOCAL = 4; // along the chain, joined to a line
  const SURE = 0.05;
  const { code, chunk } = document.querySelector("main").dataset;
  const place = document.getElementById("structure");
  const list = document.getElementById("exemplars");

  document.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: "prev", ArrowRight: "next" }[event.key];
    if (!way || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.target.closest("input, select, textarea")) return;
    document.querySelector(`a[rel=${way}]`)?.click();
  });
  if (!place) return;

  const load = (address) =>
    new Promise((done, failed) => {
      const script = document.createElement("script");
      Object.assign(script, { src: address, onload: done });
      script.onerror = () => failed(new Error(`${address} is missing.`));
      document.head.append(script);
    });

  const say = (text) => {
    const line = document.createElement("p");
    line.textContent = text;
    place.replaceChildren(line);
  };

  function cell(row, kind, text) {
    const made = document.createElement(kind);
    made.textContent = text;
    row.append(made);
    return made;
  }

  const percent = (share) => `${(share / 10).toFixed(1)}%`;

  function bars(kind, rows) {
    const table = Object.assign(document.createElement("table"), { className: "bars" });
    const caption = document.createElement("caption");
    caption.textContent = kind.title;
    table.append(caption);
    const shares = rows.map(([, share]) => share ?? 0);
    const largest = Math.max(...shares, ...kind.background, 1);
    rows.forEach(([count, share, times, q], i) => {
      const row = document.createElement("tr"),
        known = share !== null;
      cell(row, "th", kind.names[i]).scope = "row";
      cell(row, "td", count.toLocaleString("en"));
      cell(row, "td", known ? percent(share) : "");
      const bar = Object.assign(document.createElement("i"), { className: "bar" });
      bar.style.setProperty("--v", `${(100 * shares[i]) / largest}%`);
      bar.style.setProperty("--b", `${(100 * kind.background[i]) / largest}%`);
      bar.title = `${percent(kind.background[i])} of all residues`;
      cell(row, "td", "").append(bar);
      const last = cell(row, "td", known ? `${times.toFixed(1)}x` : "");
      if (known) last.title = `q ${q.toPrecision(1)}`;
      if (known) last.className = q >= SURE ? "unsure" : times > 1 ? "more" : "";
      table.append(row);
    });
    return table;
  }

  function enrich(all) {
    let from = 0;
    document.getElementById("kinds").replaceChildren(
      ...window.KINDS.map((kind) => {
        const rows = all.slice(from, (from += kind.names.length));
        return bars(kind, rows);
      }),
    );
  }

  const points = (numbers) => {
    const found = [];
    for (let i = 0; i < numbers.length; i += 3) {
      const [x, y, z] = numbers.slice(i, i + 3).map((n) => (n === null ? null : n / 100));
      found.push(x === null || y === null || z === null ? null : { x, y, z });
    }
    return found;
  };

  function line(viewer, from, to, color, radius) {
    if (from && to)
      viewer.addCylinder({ start: from, end: to, radius, color, fromCap: 1, toCap: 1 });
  }

  function draw(viewer, one, color, medoid) {
    const ca = points(one.ca);
    const order = one.relative
      .map((at, i) => [at, i])
      .filter(([at, i]) => Math.abs(at) <= LOCAL && ca[i])
      .sort((a, b) => a[0] - b[0]);
    const backbone = medoid && points(one.backbone);
    order.forEach(([at, i], k) => {
      const [before, j] = order[k - 1] ?? [];
      const joined = at - before === 1;
      if (!medoid) {
        if (joined) line(viewer, ca[j], ca[i], color, 0.09);
        return;
      }
      const [n, alpha, c] = backbone.slice(3 * i, 3 * i + 3);
      line(viewer, n, alpha, color, 0.2);
      line(viewer, alpha, c, color, 0.2);
      if (joined) line(viewer, backbone[3 * j + 2], n, color, 0.2);
    });
    one.relative.forEach((at, i) => {
      if (Math.abs(at) > LOCAL && ca[i]) {
        viewer.addSphere({ center: ca[i], radius: medoid ? 0.55 : 0.35, color, opacity: 0.75 });
      }
    });
  }

  function paint(viewer, shown) {
    viewer.removeAllShapes();
    viewer.addSphere({ center: { x: 0, y: 0, z: 0 }, radius: 0.5, color: MIDDLE });
    const chosen = [...list.querySelectorAll("input")].map((box) => box.checked);
    shown.forEach((one, i) => chosen[i] && draw(viewer, one, COLORS[i % COLORS.length], i === 0));
    viewer.render();
  }

  const panel = () => getComputedStyle(document.body).getPropertyValue("--panel").trim();

  const data = Promise.all([load(`../data/cards-${chunk}.js`), load("../data/kinds.js")]);
  data.then(
    () => enrich(window.CARDS[code].rows),
    (error) => {
      document.getElementById("kinds").textContent = error.message;
    },
  );

  async function start() {
    say("Drawing …");
    try {
      await Promise.all([data, load("../lib/3Dmol-min.js")]);
      if (
        !document.createElement("canvas").getContext("webgl2") &&
        !document.createElement("canvas").getContext("webgl")
      ) {
        say("This browser draws no 3D (WebGL): the exemplars are not shown.");
        return;
      }
      const shown = window.CARDS[code].exemplars;
      place.replaceChildren();
      const viewer = $3Dmol.createViewer(place, { backgroundColor: panel() });
      paint(viewer, shown);
      viewer.zoomTo();
      viewer.render();
      list.addEventListener("change", () => paint(viewer, shown));
      matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
        viewer.setBackgroundColor(panel());
        viewer.render();
      });
      new ResizeObserver(() => viewer.resize()).observe(place);
      place.dataset.drawn = shown.length;
    } catch (error) {
      say(`The exemplars could not be drawn: ${error.message}`);
    }
  }

  list.querySelectorAll(".swatch").forEach((swatch, i) => {
    swatch.style.background = COLORS[i % COLORS.length];
  });
  new IntersectionObserver((entries, observer) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    start();
  }).observe(place);
})();
