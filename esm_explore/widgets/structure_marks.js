// What is drawn around the chain: chosen residues, lines, frames, ghosts.

const TUBE = 0.13; // Å: the thinnest line that is still seen behind a ribbon

function marksOf(scene, colorOf) {
  const { model, viewer, area } = scene;
  let shapes = [];
  let behind = null; // the background's color

  /** Follow the theme; give the color that is seen on it. */
  function background() {
    const [r, g, b] = getComputedStyle(area)
      .backgroundColor.match(/[\d.]+/g)
      .map(Number);
    const color = (r << 16) | (g << 8) | b;
    // Told so, 3Dmol.js draws everything anew.
    if (color !== behind) viewer.setBackgroundColor(color, 1);
    behind = color;
    return r + g + b < 384 ? "white" : "black";
  }

  function shape(color) {
    const made = viewer.addShape({ color });
    shapes.push(made);
    return {
      ball: (center, radius) => made.addSphere({ center, radius, color }),
      tube: (start, end, radius) => made.addCylinder({ start, end, radius, color }),
    };
  }

  function drawSelection(ink) {
    const many = shape(ink);
    const chosen = new Set(model.get("selection"));
    for (const index of chosen) {
      const [here, next] = [scene.ca(index), scene.ca(index + 1)];
      if (!here) continue;
      many.ball(here, 0.8);
      if (next && chosen.has(index + 1)) many.tube(here, next, 0.25);
    }
  }

  function drawLines() {
    const { line } = model.get("_drawn");
    const shapesOf = {}; // one shape a color
    for (const [i, j, weight, color = line] of model.get("lines")) {
      const [start, end] = [scene.ca(i), scene.ca(j)];
      if (!start || !end) continue;
      const lines = (shapesOf[color] ??= shape(color));
      const radius = TUBE + 0.4 * Math.min(Math.max(weight, 0), 1);
      lines.tube(start, end, radius);
      lines.ball(end, radius + 0.3);
    }
  }

  function drawFrames() {
    const framed = model.get("frames").map((index) => scene.residues[index]);
    model.get("_drawn").axes.forEach((color, k) => {
      const axis = shape(color);
      for (const atoms of framed) {
        if (!atoms?.N || !atoms.CA || !atoms.C) continue;
        axis.tube(atoms.CA, along(atoms.CA, frameAxes(atoms)[k], 2), 0.14);
      }
    });
  }

  function drawGhost() {
    for (const { points, color, radius = TUBE } of model.get("ghost")) {
      const places = points.map(([x, y, z]) => ({ x, y, z }));
      const line = shape(color);
      places.forEach((place, i) => {
        line.ball(place, 3 * TUBE);
        if (i) line.tube(places[i - 1], place, radius);
      });
    }
  }

  return function mark() {
    for (const made of shapes) viewer.removeShape(made);
    shapes = [];
    drawSelection(background());
    drawLines();
    drawFrames();
    drawGhost();
    const selected = model.get("selected");
    if (scene.ca(selected)) shape(colorOf(selected)).ball(scene.ca(selected), 1.4);
  };
}
