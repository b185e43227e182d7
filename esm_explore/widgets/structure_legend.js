// What the colors mean: words under the picture, or a bar at its right edge.

const MARK = 13; // px that a mark of the bar takes

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
    thin();
  }
  /** A low bar has fewer marks: the lowest, the highest, and of the others those with room. */
  function thin() {
    const scale = bar.querySelector(".esm-structure-scale");
    const places = (model.get("bar").marks ?? []).map(
      ([fraction]) => fraction * scale.clientHeight,
    );
    let last = -Infinity;
    [...scale.querySelectorAll(".esm-structure-mark")].forEach((mark, i) => {
      const ends = i === 0 || i === places.length - 1;
      const fits = places[i] - last >= MARK && places.at(-1) - places[i] >= MARK;
      mark.hidden = !(ends || fits);
      if (!mark.hidden) last = places[i];
    });
  }
  const sized = new ResizeObserver(thin);
  sized.observe(bar);
  return {
    show,
    close: () => sized.disconnect(),
    boxes: () => [...bar.querySelectorAll(".esm-structure-scale, .esm-structure-mark")],
  };
}
