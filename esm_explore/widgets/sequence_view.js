// The chain as letters in rows of 50, each on the color of its token or value.
const ROW = 50;

function textOn(r, g, b) {
  return 0.299 * r + 0.587 * g + 0.114 * b > 140 ? "#000" : "#fff";
}

export default {
  render({ model, el }) {
    el.classList.add("esm-explore-strip");
    const box = document.createElement("div");
    box.className = "esm-explore-strip-rows";
    box.tabIndex = 0;
    box.setAttribute("role", "listbox");
    el.append(box);
    let cells = [];
    let from = -1;
    let to = -1;

    function build() {
      box.replaceChildren();
      box.setAttribute("aria-label", model.get("caption"));
      const letters = model.get("letters");
      const labels = model.get("labels");
      cells = [];
      for (let start = 0; start < letters.length; start += ROW) {
        const row = document.createElement("div");
        const number = document.createElement("span");
        number.className = "esm-explore-strip-number";
        number.textContent = labels[start];
        row.append(number);
        for (let i = start; i < Math.min(start + ROW, letters.length); i++) {
          const cell = document.createElement("span");
          cell.textContent = letters[i];
          cell.dataset.index = i;
          cell.className = "esm-explore-residue" + (i % 10 === 9 ? " esm-explore-tenth" : "");
          row.append(cell);
          cells.push(cell);
        }
        box.append(row);
      }
      paint();
      describe();
      mark();
    }
    function paint() {
      const view = model.get("colors");
      const colors = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
      cells.forEach((cell, i) => {
        const [r, g, b] = colors.subarray(3 * i, 3 * i + 3);
        cell.style.background = `rgb(${r}, ${g}, ${b})`;
        cell.style.color = textOn(r, g, b);
      });
    }
    function describe() {
      const hover = model.get("hover");
      cells.forEach((cell, i) => { cell.title = hover[i] ?? ""; });
    }
    function mark() {
      const chosen = new Set(model.get("selection"));
      const selected = model.get("selected");
      const drag = from >= 0 ? [Math.min(from, to), Math.max(from, to)] : null;
      cells.forEach((cell, i) => {
        cell.classList.toggle("esm-explore-selected", i === selected);
        cell.classList.toggle(
          "esm-explore-chosen", drag ? i >= drag[0] && i <= drag[1] : chosen.has(i));
        cell.classList.toggle("esm-explore-hovered", i === model.get("hovered"));
      });
      const cell = cells[selected];
      if (cell && from < 0) {
        // Only inside the strip: the page must not jump.
        const top = cell.offsetTop - box.offsetTop;
        if (top < box.scrollTop || top + cell.offsetHeight > box.scrollTop + box.clientHeight)
          box.scrollTop = top - box.clientHeight / 2;
      }
    }
    function set(name, value) {
      model.set(name, value);
      model.save_changes();
    }
    const at = event => {
      const target = document.elementFromPoint(event.clientX, event.clientY);
      const index = target?.dataset?.index;
      return index !== undefined && box.contains(target) ? Number(index) : -1;
    };
    box.addEventListener("pointerdown", event => {
      from = to = at(event);
      if (from >= 0) box.setPointerCapture(event.pointerId);
    });
    box.addEventListener("pointermove", event => {
      const index = at(event);
      if (from >= 0) {
        if (index >= 0 && index !== to) { to = index; mark(); }
      } else if (index !== model.get("hovered")) set("hovered", index);
    });
    box.addEventListener("pointerup", () => {
      if (from < 0) return;
      const [low, high] = [Math.min(from, to), Math.max(from, to)];
      from = to = -1;
      if (low === high) set("selected", low);
      else set("selection", Array.from({ length: high - low + 1 }, (_, i) => low + i));
      mark();
    });
    box.addEventListener("pointercancel", () => { from = to = -1; mark(); });
    box.addEventListener("pointerleave", () => { if (model.get("hovered") >= 0) set("hovered", -1); });
    box.addEventListener("keydown", event => {
      const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -ROW, ArrowDown: ROW }[event.key];
      const next = model.get("selected") + (step ?? 0);
      if (step === undefined || next < 0 || next >= cells.length) return;
      event.preventDefault();
      event.stopPropagation();
      set("selected", next);
    });
    const listeners = {
      "change:letters": build, "change:labels": build, "change:colors": paint,
      "change:hover": describe, "change:selected": mark, "change:selection": mark,
      "change:hovered": mark,
    };
    for (const [name, call] of Object.entries(listeners)) model.on(name, call);
    build();
    return () => {
      for (const [name, call] of Object.entries(listeners)) model.off(name, call);
    };
  },
};
