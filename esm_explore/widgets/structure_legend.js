// What the colors mean: words under the picture, or a bar at its right edge.

function legendOf(scene, list) {
  const { model, area } = scene;
  const bar = element(area, "bar", { role: "img" });

  function show() {
    list.replaceChildren();
    for (const [color, text] of model.get("legend")) {
      const item = element(list, "meaning", {}, "span");
      if (color) element(item, "swatch", {}, "span").style.backgroundColor = color;
      element(item, "word", {}, "span").textContent = text;
    }
    list.hidden = !list.childElementCount;
    const { colors = [], marks = [], title = "" } = model.get("bar");
    bar.hidden = !colors.length;
    bar.replaceChildren();
    const words = marks.map(([, text]) => text).join(", ");
    bar.setAttribute("aria-label", `Colors: ${title}. From below: ${words}`);
    element(bar, "bar-title").textContent = title;
    const scale = element(bar, "scale");
    for (const color of [...colors].reverse()) {
      element(scale, "step").style.backgroundColor = color;
    }
    for (const [fraction, text] of marks) {
      const mark = element(scale, "mark");
      mark.textContent = text;
      mark.style.bottom = `${100 * fraction}%`;
    }
  }
  return { show, boxes: () => [...bar.querySelectorAll(".esm-structure-scale, .esm-structure-mark")] };
}

