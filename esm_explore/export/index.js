// The index of a gallery: search, sort, color. What is asked for stands in the address.
"use strict";
(() => {
  const data = window.CODES;
  const STEP = 100; // rows that are added at once
  const form = document.getElementById("search");
  const body = document.querySelector("#codes tbody");
  const heads = [...document.querySelectorAll("#codes th")];
  const found = document.getElementById("found"),
    more = document.getElementById("more");
  const picked = document.getElementById("picked");
  const all = data.description.map((_, code) => code);
  const number = (key) => data.numbers.find((each) => each.key === key).values;
  const ss = data.words.find((each) => each.key === "ss");
  const columns = {
    code: all,
    count: number("count"),
    chains: number("chains"),
    margin: number("margin"),
    ss: ss.values.map((i) => ss.names[i].replace(/^(\w) .*/, "$1")), // the letter
  };
  const texts = all.map((code) => `${code} ${data.description[code]}`.toLowerCase());
  const start = { q: "", ss: "", aa: "", least: "", color: "ss", sort: "code", code: "" };
  const state = { ...start };
  let shown = [],
    rows = 0;

  const colors = new Map();
  function option(group, key, color) {
    colors.set(key, color);
    group.append(new Option(color.title, key));
  }
  for (const [label, list] of [
    ["kinds", data.words],
    ["numbers", data.numbers],
  ]) {
    const group = Object.assign(document.createElement("optgroup"), { label });
    list.forEach((each) => option(group, each.key, each));
    form.elements.color.append(group);
  }
  const shares = Object.assign(document.createElement("optgroup"), { label: "share in %" });
  data.shares.names.forEach((title, i) => {
    option(shares, `share-${i}`, {
      title,
      unit: ", %",
      values: data.shares.values.map((row) => row[i]),
    });
  });
  form.elements.color.append(shares);

  function matching() {
    const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
    const least = Number(state.least) || 0;
    const alone = words.length === 1 && /^\d+$/.test(words[0]) ? Number(words[0]) : null;
    return all.filter(
      (code) =>
        (alone === null ? words.every((word) => texts[code].includes(word)) : code === alone) &&
        (!state.ss || columns.ss[code] === state.ss) &&
        (!state.aa || data.more[code].includes(state.aa)) &&
        columns.count[code] >= least,
    );
  }

  function sorted(codes) {
    const down = state.sort.startsWith("-"),
      values = columns[state.sort.replace("-", "")] ?? all;
    const sign = down ? -1 : 1;
    return codes.sort((a, b) => {
      const [x, y] = [values[a], values[b]];
      // What is not known comes last, either way.
      if (x === null || y === null) return (x === null) - (y === null) || a - b;
      return (x < y ? -sign : x > y ? sign : 0) || a - b;
    });
  }

  function cell(key, code) {
    const made = Object.assign(document.createElement("td"), { className: "number" });
    made.dataset.key = key;
    if (key === "code") {
      const link = Object.assign(document.createElement("a"), { href: `codes/${code}.html` });
      link.textContent = code;
      made.append(link);
      return made;
    }
    if (key === "description" || key === "ss") made.className = "";
    const value = key === "description" ? data.description[code] : columns[key][code];
    made.textContent =
      value === null
        ? ""
        : key === "margin"
          ? value.toFixed(2)
          : typeof value === "number"
            ? value.toLocaleString("en")
            : value;
    return made;
  }

  function fill(upTo) {
    for (; rows < Math.min(upTo, shown.length); rows += 1) {
      const row = document.createElement("tr"),
        code = shown[rows];
      row.append(...heads.map((head) => cell(head.dataset.key, code)));
      row.classList.toggle("picked", String(code) === state.code);
      body.append(row);
    }
    const many = shown.length.toLocaleString("en");
    found.textContent =
      `${many} of ${all.length.toLocaleString("en")} codes` +
      (rows < shown.length ? `; the table shows the first ${rows}` : "");
    more.hidden = rows >= shown.length;
  }

  function paint() {
    const color = colors.get(state.color) ?? colors.get(start.color);
    const code = state.code === "" ? null : Number(state.code);
    window.codeMap.show({ data, shown, color, picked: code in all ? code : null, pick });
    picked.replaceChildren();
    if (!(code in all)) {
      picked.textContent = "Click a code.";
      return;
    }
    const link = Object.assign(document.createElement("a"), { href: `codes/${code}.html` });
    link.textContent = `Code ${code}`;
    picked.append(link, `: ${data.description[code]}; ${columns.count[code]} residues`);
  }

  function update() {
    shown = sorted(matching());
    rows = 0;
    body.replaceChildren();
    heads.forEach((head) => {
      head.removeAttribute("aria-sort");
      if (state.sort.replace("-", "") === head.dataset.key) {
        head.setAttribute("aria-sort", state.sort[0] === "-" ? "descending" : "ascending");
      }
    });
    fill(STEP);
    paint();
    const said = new URLSearchParams(
      Object.entries(state).filter(([key, value]) => value !== start[key]),
    );
    history.replaceState(null, "", `#${said}`);
  }

  function pick(code) {
    state.code = String(code);
    update();
  }

  function read() {
    Object.assign(state, start);
    for (const [key, value] of new URLSearchParams(location.hash.slice(1))) {
      if (key in start) state[key] = value;
    }
    for (const key of ["q", "ss", "aa", "least", "color"]) form.elements[key].value = state[key];
    update();
  }

  form.addEventListener("input", (event) => {
    state[event.target.name] = event.target.value;
    update();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (shown.length === 1) location.href = `codes/${shown[0]}.html`;
  });
  form.addEventListener("reset", (event) => {
    event.preventDefault();
    history.replaceState(null, "", "#");
    read();
  });
  heads.forEach((head) =>
    head.querySelector("button")?.addEventListener("click", () => {
      const key = head.dataset.key,
        from = key === "code" || key === "ss" ? key : `-${key}`;
      const turned = from[0] === "-" ? key : `-${key}`;
      state.sort = state.sort === from ? turned : from;
      update();
    }),
  );
  more.addEventListener("click", () => fill(rows + STEP));
  addEventListener("hashchange", read);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.target.closest("input, select")) return;
    event.preventDefault();
    form.elements.q.focus();
  });
  document.getElementById("placing").textContent = `Map: ${data.placing}.`;
  read();
})();
