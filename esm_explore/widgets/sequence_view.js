// The chain as letters in rows, each on the color of its token or value.

const TEN = 10; // letters stand in groups of ten, with a gap after each
const LETTER = 13; // px, as the style sheet has it
const GAP = 5;
const NUMBER = 44;
const BREAK = "|"; // between two chains of a complex

/** Black or white, whichever has more contrast by WCAG 2: one of them has always 4.5. */
function textOn(rgb) {
  const [r, g, b] = rgb.map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  const luminance = 0.2126 * r + 0.7152 * g + 0.0722 * b;
  return luminance > 0.179 ? "#000" : "#fff";
}

/** First and next residue of each row; each chain of a complex begins a row of its own. */
function rowsOf(letters, perRow) {
  const rows = [];
  let from = 0;
  for (const chain of letters.split(BREAK)) {
    for (let at = 0; at < chain.length; at += perRow)
      rows.push([from + at, from + Math.min(at + perRow, chain.length)]);
    from += chain.length + 1;
  }
  return rows;
}

export default {
  render({ model, el }) {
    el.classList.add("esm-explore-strip");
    const name = document.createElement("div");
    name.className = "esm-explore-strip-name";
    const box = document.createElement("div");
    box.className = "esm-explore-strip-rows";
    box.tabIndex = 0;
    box.setAttribute("role", "listbox");
    box.setAttribute("aria-multiselectable", "true");
    el.append(name, box);
    const id = `esm-explore-${Math.random().toString(36).slice(2)}`;
    let cells = [];
    let perRow = 0;
    let from = -1; // of a drag
    let to = -1;
    let anchor = -1; // where shift and arrows began
    let shown = { selected: -1, hovered: -1, chosen: new Set() };

    function fitting() {
      const room = (box.clientWidth || 800) - NUMBER;
      return Math.max(TEN, TEN * Math.floor(room / (TEN * LETTER + GAP)));
    }
    function build() {
      box.replaceChildren();
      name.textContent = model.get("caption");
      box.setAttribute("aria-label", model.get("caption"));
      const letters = model.get("letters");
      const labels = model.get("labels");
      perRow = fitting();
      cells = [];
      shown = { selected: -1, hovered: -1, chosen: new Set() };
      for (const [start, end] of rowsOf(letters, perRow)) {
        const row = document.createElement("div");
        row.setAttribute("role", "presentation");
        const number = document.createElement("span");
        number.className = "esm-explore-strip-number";
        number.setAttribute("aria-hidden", "true");
        number.textContent = labels[start];
        row.append(number);
        for (let i = start; i < end; i++) {
          const cell = document.createElement("span");
          cell.textContent = letters[i];
          cell.dataset.index = i;
          cell.id = `${id}-${i}`;
          cell.setAttribute("role", "option");
          cell.setAttribute("aria-selected", "false");
          const tenth = (i - start) % TEN === TEN - 1;
          cell.className = "esm-explore-residue" + (tenth ? " esm-explore-tenth" : "");
          row.append(cell);
          cells.push(cell);
        }
        // What stands between two chains has a place among the cells, and none on the page.
        if (letters[end] === BREAK) cells.push(document.createElement("span"));
        box.append(row);
      }
      paint();
      describe();
      mark();
    }
    function paint() {
      const { buffer, byteOffset, byteLength } = model.get("colors");
      const colors = new Uint8Array(buffer, byteOffset, byteLength);
      cells.forEach((cell, i) => {
        const rgb = [...colors.subarray(3 * i, 3 * i + 3)];
        if (rgb.length < 3) return;
        cell.style.background = `rgb(${rgb.join(", ")})`;
        cell.style.color = textOn(rgb);
      });
    }
    function describe() {
      const hover = model.get("hover");
      cells.forEach((cell, i) => {
        cell.title = hover[i] ?? "";
        cell.setAttribute("aria-label", hover[i] ?? cell.textContent);
      });
    }
    const span = (a, b) =>
      Array.from({ length: Math.abs(a - b) + 1 }, (_, i) => Math.min(a, b) + i);

    /** Only what has changed is touched: a chain may have thousands of letters. */
    function mark() {
      const now = {
        selected: model.get("selected"),
        hovered: model.get("hovered"),
        chosen: new Set(from >= 0 ? span(from, to) : model.get("selection")),
      };
      for (const [name, kind] of [
        ["selected", "selected"],
        ["hovered", "hovered"],
      ]) {
        if (shown[name] === now[name]) continue;
        cells[shown[name]]?.classList.remove(`esm-explore-${kind}`);
        cells[now[name]]?.classList.add(`esm-explore-${kind}`);
      }
      for (const i of shown.chosen) if (!now.chosen.has(i)) choose(i, false);
      for (const i of now.chosen) if (!shown.chosen.has(i)) choose(i, true);
      if (shown.selected !== now.selected) {
        for (const i of [shown.selected, now.selected])
          cells[i]?.setAttribute("aria-selected", i === now.selected || now.chosen.has(i));
        const cell = cells[now.selected];
        if (cell) box.setAttribute("aria-activedescendant", cell.id);
        else box.removeAttribute("aria-activedescendant");
        if (cell && from < 0) show(cell);
      }
      shown = now;
    }
    function choose(i, on) {
      cells[i]?.classList.toggle("esm-explore-chosen", on);
      cells[i]?.setAttribute("aria-selected", on || i === model.get("selected"));
    }
    /** Scroll inside the box alone: the page must not jump. */
    function show(cell) {
      const top = cell.offsetTop - box.offsetTop;
      if (top < box.scrollTop || top + cell.offsetHeight > box.scrollTop + box.clientHeight)
        box.scrollTop = top - cell.parentElement.offsetHeight;
    }
    function set(name, value) {
      model.set(name, value);
      model.save_changes();
    }
    const at = (event) => {
      const target = document.elementFromPoint(event.clientX, event.clientY);
      const index = target?.dataset?.index;
      return index !== undefined && box.contains(target) ? Number(index) : -1;
    };
    const events = {
      pointerdown(event) {
        from = to = at(event);
        if (from >= 0) box.setPointerCapture(event.pointerId);
      },
      pointermove(event) {
        const index = at(event);
        if (from >= 0) {
          if (index >= 0 && index !== to) {
            to = index;
            mark();
          }
        } else if (index !== model.get("hovered")) set("hovered", index);
      },
      pointerup() {
        if (from < 0) return;
        const [a, b] = [from, to];
        from = to = -1;
        anchor = a;
        if (a === b) set("selected", a);
        else set("selection", span(a, b));
        mark();
      },
      pointercancel() {
        from = to = -1;
        mark();
      },
      pointerleave() {
        if (model.get("hovered") >= 0) set("hovered", -1);
      },
      keydown(event) {
        const selected = model.get("selected");
        const last = cells.length - 1;
        const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -perRow, ArrowDown: perRow }[
          event.key
        ];
        let next = { Home: 0, End: last }[event.key] ?? selected + (step ?? NaN);
        if (model.get("letters")[next] === BREAK) next += Math.sign(step);
        if (!(next >= 0 && next <= last) || event.ctrlKey || event.altKey || event.metaKey) return;
        event.preventDefault();
        event.stopPropagation();
        if (event.shiftKey) {
          if (anchor < 0 || !model.get("selection").length) anchor = selected;
          set("selection", span(anchor, next));
        } else anchor = next;
        set("selected", next);
      },
    };
    for (const [name, call] of Object.entries(events)) box.addEventListener(name, call);
    const listeners = {
      "change:letters change:labels change:caption": build,
      "change:colors": paint,
      "change:hover": describe,
      "change:selected change:selection change:hovered": mark,
    };
    for (const [names, call] of Object.entries(listeners)) model.on(names, call);
    const sized = new ResizeObserver(() => {
      if (fitting() !== perRow) build();
    });
    sized.observe(box);
    build();
    return () => {
      sized.disconnect();
      for (const [names, call] of Object.entries(listeners)) model.off(names, call);
    };
  },
};
