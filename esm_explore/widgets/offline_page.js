// The inspector without Python: `offline_record.py` wrote down what it would have answered. Before
// this come `offline_model.js`, and `offline_selection.js`, which does what `Selection` does.

function start(saved) {
  const { chains, stages } = saved;
  const root = document.querySelector(".esm-explore-inspector");
  const place = (name) => root.querySelector(`.esm-explore-${name}`);

  function view(kind, where, state, { script, changed, received } = {}) {
    const model = new Model(state, { script, changed, received });
    VIEWS[kind].render({ model, el: place(where) });
    return model;
  }

  // --- what the reader does ------------------------------------------------------------------

  const say = (text) => {
    place("message").textContent = text;
    place("message").hidden = !text;
  };
  const chosen = selectionOf(saved, say, () => {
    controls.put({ values: { ...controls.get("values"), find: "", chain: now.chain } });
    show();
  });
  const { now, choose, select, many, haveCode, partner } = chosen;
  function pressed({ kind, name, text, key }) {
    if (kind === "typed") {
      // It stays in the box until something else is chosen.
      if (chosen.find(text)) controls.put({ values: { ...controls.get("values"), find: text } });
    } else if (name === "clear" || key === "Escape") choose(now.chain, -1);
    else if (name === "past") chosen.goBack();
    else if (name === "back" || key === "ArrowLeft") step(now.step - 1);
    else if (name === "forward" || key === "ArrowRight") step(now.step + 1);
    else if (key) step(Number(key) - 1);
  }
  function step(wanted) {
    now.step = Math.min(Math.max(wanted, 0), stages - 1);
    show();
  }
  function acted(chain, name, value) {
    if (name === "selected") select(chain, value);
    else if (name === "selection") many(chain, value);
    else if (name === "hovered")
      for (const pane of panes.filter((p) => p.chain === chain)) pane.hover(value);
  }

  // --- what follows --------------------------------------------------------------------------

  /** What is said of a residue in the tab that is open; nothing if there is no residue. */
  function contentOf(chain, residue) {
    const content = chain.contents[now.step][residue];
    if (now.tab === "step" || !content)
      return content && { ...content, table: chain.tables[chain.table_of[now.step]][residue] };
    const { code, said, near, legend, ghost } = chain.codes[residue];
    const space = { lines: [], frames: [], near, zoomed: true };
    const bare = { figure: { traits: { base: [], axes: {} } }, table: {}, source: "" };
    if (now.tab === "why") return { ...bare, sentence: saved.why, space: { ...space, said: [] } };
    const here = { ...space, said: legend, ghost };
    const card = saved.cards[code];
    if (!card) return { ...bare, sentence: said, space: here };
    const { figure, table, source } = card;
    const sentence = `${card.said} ${said} ${card.said_source}`;
    return { figure: { traits: figure }, table, source, sentence, space: here };
  }
  const coloring = () => saved.colors[now.color === "this step" ? `step ${now.step}` : now.color];

  function makePane(fixed) {
    const n = fixed ?? 0;
    const answer = place(`answer-${n}`);
    const pane = {
      get chain() {
        return fixed ?? now.chain;
      },
    };
    const changed = (name, value) => acted(pane.chain, name, value);
    let shown = pane.chain;
    const first = chains[shown];
    const structure = view(
      "structure",
      `structure-${n}`,
      { ...first.structure, colors: bytes("") },
      { script: "3Dmol.js", changed },
    );
    const sequence = view(
      "sequence",
      `sequence-${n}`,
      { ...first.sequence, colors: bytes("") },
      { changed },
    );
    const inside = (name) => `answer-${n} .esm-explore-${name}`;
    const figure = view("plot", inside("plot-view"), saved.plot, {
      script: "plotly.js",
      received({ kind, points }) {
        const { residues, codes } = pane.content?.figure ?? {};
        if (kind !== "click" || !points.length) return;
        const point = points.at(-1);
        if (residues?.length) select(pane.chain, residues[point]);
        else if (codes?.length) haveCode(pane.chain, codes[point]);
      },
    });
    const table = view("table", inside("table-view"), saved.table, {
      received({ kind, row }) {
        const { residues = [], codes = [] } = pane.content?.table ?? {};
        if (kind !== "row") return;
        if (residues[row] !== undefined) select(pane.chain, residues[row]);
        else if (codes[row] >= 0) haveCode(pane.chain, codes[row]);
      },
    });
    pane.tabs = view("tools", inside("tabs"), saved.tabs, {
      changed() {
        now.tab = pane.tabs.get("values").tab;
        show();
      },
    });
    pane.hover = (residue) => {
      for (const model of [structure, sequence, table]) model.put({ hovered: residue });
    };
    pane.show = () => {
      const chain = chains[pane.chain];
      if (shown !== pane.chain) {
        shown = pane.chain;
        structure.put(chain.structure);
        sequence.put(chain.sequence);
      }
      const [selected, selection] = partner(pane.chain);
      const { colors, legend, bar } = coloring();
      const content = (pane.content = contentOf(chain, selected));
      const none =
        now.selected < 0
          ? "No residue is selected."
          : "This chain has no counterpart of the selected residue.";
      // Written by us, and escaped there.
      answer.querySelector(".esm-explore-sentence").innerHTML = content?.sentence ?? none;
      figure.put({
        ...(content?.figure.traits ?? { base: [], axes: {} }),
        source: content?.source ?? "",
      });
      table.put({ ...saved.table, ...content?.table, selected, hovered: table.get("hovered") });
      const space = content?.space ?? { lines: [], frames: [], near: [], said: [] };
      const focus = space.zoomed || structure.get("focus").length ? space.near : [];
      sequence.put({ colors: bytes(colors[pane.chain]), selected, selection });
      structure.put({
        ...{ colors: bytes(colors[pane.chain]), selected, selection, bar, focus },
        ...{ lines: space.lines, frames: space.frames, near: space.near, ghost: space.ghost ?? [] },
        legend: [...legend, ...space.said],
      });
    };
    return pane;
  }

  const steps = view("tools", "steps", saved.steps, {
    changed: () => step(steps.get("values").step),
    received: pressed,
  });
  const controls = view("tools", "controls", saved.controls, {
    changed() {
      const { color, chain } = controls.get("values");
      now.color = color;
      if (chain !== undefined && chain !== now.chain) return choose(chain, -1);
      show();
    },
    received: pressed,
  });
  view("frame", "frame", { label: document.title }, { received: pressed });
  const rows = saved.map.rows; // [chain, residue] of each point
  const map = view("plot", "map", saved.plot, {
    script: "plotly.js",
    received({ kind, points }) {
      const places = points.map((point) => rows[point]);
      if (kind === "click" && places.length) select(...places.at(-1));
      else if (kind === "hover") {
        const [chain, residue] = places.at(-1) ?? [now.chain, -1];
        acted(chain, "hovered", residue);
      } else if (kind === "lasso") {
        const chain =
          places.some(([of]) => of === now.chain) || !places.length ? now.chain : places[0][0];
        many(
          chain,
          places.filter(([of]) => of === chain).map(([, residue]) => residue),
        );
      }
    },
  });
  const panes = chains.length === 2 ? [0, 1].map(makePane) : [makePane()];

  function showMap() {
    const { x, y, axes } = saved.map.stages[now.step];
    const { colors } = coloring();
    const hex = rows.map(([chain, residue]) => {
      const view = bytesOf(colors[chain]);
      return `rgb(${[0, 1, 2].map((k) => view.getUint8(3 * residue + k)).join(",")})`;
    });
    const base = [{ ...saved.map.dots, x, y, marker: { ...saved.map.dots.marker, color: hex } }];
    const chosen = new Set(now.selection);
    const ringed = (wanted, marker) => {
      const at = rows.flatMap(([chain, residue], i) => (wanted(chain, residue) ? [i] : []));
      return {
        ...saved.map.dots,
        hovertext: null,
        hoverinfo: "skip",
        marker,
        x: at.map((i) => x[i]),
        y: at.map((i) => y[i]),
      };
    };
    const [ring, thick] = saved.map.rings;
    const partners = panes.map((pane) => [pane.chain, partner(pane.chain)[0]]);
    map.put({
      base,
      axes,
      source: saved.source,
      overlay: [
        ringed((chain, residue) => chain === now.chain && chosen.has(residue), ring),
        ringed((chain, residue) => partners.some(([c, r]) => c === chain && r === residue), thick),
      ],
    });
  }
  const decoded = new Map();
  function bytesOf(text) {
    if (!decoded.has(text)) decoded.set(text, bytes(text));
    return decoded.get(text);
  }
  function show() {
    for (const pane of panes) {
      pane.show();
      pane.tabs.put({ values: { tab: now.tab } });
    }
    steps.put({ values: { ...steps.get("values"), step: now.step } });
    controls.put({
      values: { ...controls.get("values"), color: now.color, chain: now.chain },
      disabled: [
        ...(chosen.hasPast() ? [] : ["past"]),
        ...(now.selected < 0 && !now.selection.length ? ["clear"] : []),
      ],
    });
    showMap();
  }
  show();
}

unpacked("saved").then(start);
