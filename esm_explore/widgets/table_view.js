// The page's side of TableView.

function make(parent, tag, text = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  parent?.append(made);
  return made;
}

/** Compare as people count and as they spell; what is not known comes last. */
function compare(a, b, up) {
  if (a === null || b === null) return (a === null) - (b === null);
  const order =
    typeof a === "number" ? a - b : String(a).localeCompare(b, undefined, { numeric: true });
  return up ? order : -order;
}

export default {
  render({ model, el }) {
    el.classList.add("esm-explore-table-view");
    let sorted = -1;
    let up = true;
    let at = 0; // the row that Tab reaches
    let lines = []; // by the number of the row, as it was given

    function order() {
      const values = model.get("sort_values");
      const rows = values.map((_, row) => row);
      if (sorted >= 0 && sorted < model.get("columns").length)
        rows.sort((a, b) => compare(values[a][sorted], values[b][sorted], up) || a - b);
      return rows;
    }
    function copy() {
      const titles = model.get("columns").map(({ title }) => title);
      const rows = order().map((row) => model.get("rows")[row]);
      navigator.clipboard.writeText([titles, ...rows].map((row) => row.join("\t")).join("\n"));
    }
    function build() {
      // A reader who goes through the rows by keys shall not have to begin anew.
      const within = el.querySelector("tbody")?.contains(document.activeElement);
      el.replaceChildren();
      const columns = model.get("columns");
      if (!columns.length) return;
      const table = make(el, "table");
      table.setAttribute("aria-label", model.get("caption"));
      const head = make(make(table, "thead"), "tr");
      columns.forEach(({ title, hint, numeric }, column) => {
        const cell = make(head, "th");
        cell.scope = "col";
        cell.classList.toggle("esm-explore-numeric", numeric);
        if (column === sorted) cell.setAttribute("aria-sort", up ? "ascending" : "descending");
        const button = make(cell, "button", title + (column === sorted ? (up ? " ▲" : " ▼") : ""));
        button.type = "button";
        button.title = hint;
        button.setAttribute("aria-description", hint);
        // A title is shown to the mouse alone; screen readers have the description.
        const shown = make(cell, "span", hint);
        shown.className = "esm-explore-hint";
        shown.setAttribute("aria-hidden", "true");
        button.onclick = () => {
          up = column === sorted ? !up : true;
          sorted = column;
          build();
          el.querySelectorAll("th button")[column].focus();
        };
      });
      const body = make(table, "tbody");
      lines = [];
      const rows = order().map((row) => {
        const line = (lines[row] = make(body, "tr"));
        model.get("rows")[row].forEach((text, column) => {
          make(line, "td", text).classList.toggle("esm-explore-numeric", columns[column].numeric);
        });
        const said = columns.map(
          ({ title }, column) => `${title} ${model.get("rows")[row][column]}`,
        );
        line.setAttribute("aria-label", said.join(", "));
        line.onclick = () => model.send({ kind: "row", row });
        return line;
      });
      const copying = make(el, "button", "copy the table");
      copying.type = "button";
      copying.className = "esm-explore-copy";
      copying.onclick = copy;
      at = Math.max(0, Math.min(at, rows.length - 1));
      rows.forEach((line, i) => {
        line.tabIndex = i === at ? 0 : -1;
        line.onkeydown = (event) => {
          if (event.key === "Enter") line.click();
          const next = rows[i + ({ ArrowDown: 1, ArrowUp: -1 }[event.key] ?? NaN)];
          if (!next && event.key !== "Enter") return;
          event.preventDefault();
          event.stopPropagation();
          if (!next) return;
          next.focus();
        };
        line.onfocus = () => {
          rows[at].tabIndex = -1;
          at = i;
          line.tabIndex = 0;
        };
      });
      if (within) rows[at]?.focus({ preventScroll: true });
      mark();
    }
    function mark() {
      const residues = model.get("residues");
      lines.forEach((line, row) => {
        const is = (name) => residues[row] >= 0 && residues[row] === model.get(name);
        line.classList.toggle("esm-explore-hovered-row", is("hovered"));
        if (is("selected")) line.setAttribute("aria-current", "true");
        else line.removeAttribute("aria-current");
      });
    }
    let frame = 0;
    const soon = () => {
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        build();
      });
    };
    const content = "change:columns change:rows change:sort_values change:caption change:residues";
    model.on(content, soon);
    model.on("change:selected change:hovered", mark);
    build();
    return () => {
      cancelAnimationFrame(frame);
      model.off(content, soon);
      model.off("change:selected change:hovered", mark);
    };
  },
};
