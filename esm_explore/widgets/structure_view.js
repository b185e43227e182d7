// The page's side of StructureView: the traits say what is shown, 3Dmol.js draws it.

const REST = 120; // ms on a residue before Python is told: a click shall not have to wait for that
const DOWNLOAD_LIMIT = 20_000; // ms
const STILL = 4; // px that the pointer may move in a click
const PICK_RADIUS = 1.9; // Å around a CA: half the way to the next one
const NO_WEBGL = "This browser has no WebGL, so the structure cannot be drawn in 3D.";

function hasWebGL() {
  if (page.webgl) return true;
  // As 3Dmol.js asks for it: one context for all viewers, off the screen where there is such.
  const gl =
    typeof OffscreenCanvas === "undefined"
      ? document.createElement("canvas").getContext("webgl2")
      : new OffscreenCanvas(1, 1).getContext("webgl2");
  if (!gl) return false;
  const info = gl.getExtension("WEBGL_debug_renderer_info");
  const name = gl.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : gl.RENDERER);
  page.webgl = { software: /swiftshader|llvmpipe|software|basic render/i.test(name) };
  return true;
}

async function fetch3Dmol(model, say) {
  const text = await scriptOf(model);
  if (text) {
    const script = new Blob([text], { type: "text/javascript" });
    const address = URL.createObjectURL(script);
    return import(address).finally(() => URL.revokeObjectURL(address));
  }
  say("3Dmol.js is not in this installation: loading it from the internet …");
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error("no answer")), DOWNLOAD_LIMIT);
  });
  return Promise.race([import(model.get("_cdn")), late]).finally(() => clearTimeout(timer));
}

// A viewer cannot be disposed of (it listens to the window for ever), so it is used again.
function takeViewer(engine, parent) {
  const kept = page.idle.pop();
  if (kept) {
    parent.append(kept.container);
    kept.setView([0, 0, 0, 0, 0, 0, 0, 1]);
    return kept.resize();
  }
  const place = element(parent, "viewer");
  // Four times the pixels look smoother, but without a graphics card take three times as long.
  return engine.createViewer(place, { cartoonQuality: 5, upscale: !page.webgl.software });
}

function giveBack(viewer) {
  viewer.setViewChangeCallback(null);
  viewer.clear();
  viewer.container.remove();
  page.idle.push(viewer);
}

function element(parent, name, attributes = {}) {
  const made = document.createElement("div");
  made.className = `esm-structure-${name}`;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  parent.append(made);
  return made;
}

const along = (a, direction, by) => ({
  x: a.x + by * direction.x,
  y: a.y + by * direction.y,
  z: a.z + by * direction.z,
});
const minus = (a, b) => along(a, b, -1);
const dot = (a, b) => a.x * b.x + a.y * b.y + a.z * b.z;
const unit = (a) => along({ x: 0, y: 0, z: 0 }, a, 1 / Math.sqrt(dot(a, a)));
const cross = (a, b) => ({
  x: a.y * b.z - a.z * b.y,
  y: a.z * b.x - a.x * b.z,
  z: a.x * b.y - a.y * b.x,
});

/** The axes of a backbone frame, as esm's Affine3D.from_graham_schmidt has them. */
function frameAxes({ N, CA, C }) {
  const x = unit(minus(CA, C));
  const toN = minus(N, CA);
  const y = unit(along(toN, x, -dot(toN, x)));
  return [x, y, cross(x, y)];
}

function render({ model, el }) {
  const root = document.createElement("div");
  root.className = "esm-structure";
  const area = element(root, "area");
  const canvas = element(area, "canvas", { role: "img", tabindex: "0" });
  const ring = element(area, "ring selected");
  const label = element(area, "label selected", { "aria-live": "polite" });
  const hoverRing = element(area, "ring");
  const hoverLabel = element(area, "label");
  const message = element(area, "message", { role: "status" });
  const kernel = watchKernel(model, element(area, "busy"));
  const caption = element(root, "caption");
  el.append(root);

  let engine = null;
  let viewer = null;
  let residues = []; // of each residue, its atoms by name
  let targets = [];
  let shapes = [];
  let hoverTimer = 0;
  let frame = 0;
  const due = new Set();

  const say = (text) => {
    message.textContent = text;
    message.hidden = !text;
  };
  const count = () => Math.max(model.get("labels").length, residues.length);
  const ca = (index) => residues[index]?.CA;

  // --- what is drawn -----------------------------------------------------------------------

  function draw(what) {
    if (!viewer) return;
    due.add(what);
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      if (due.has("structure")) load();
      if (due.has("structure") || due.has("colors")) color();
      mark();
      due.clear();
      viewer.render();
    });
  }

  function load() {
    viewer.removeAllModels();
    residues = [];
    const text = model.get("structure");
    for (const atom of text ? viewer.addModel(text, "cif").selectedAtoms({}) : []) {
      (residues[atom.resi - 1] ??= {})[atom.atom] = { x: atom.x, y: atom.y, z: atom.z };
    }
    targets = [];
    residues.forEach((atoms, index) => {
      if (!atoms.CA) return;
      const sphere = [new engine.Sphere(atoms.CA, PICK_RADIUS)];
      targets.push({ index, intersectionShape: { sphere, triangle: [], cylinder: [], line: [] } });
    });
    say(targets.length ? "" : "There are no CA atoms to draw.");
    if (!targets.length) return;
    fill();
  }

  // 3Dmol.js leaves room for any way to turn the chain; a first picture can be larger.
  function fill() {
    viewer.zoomTo();
    const places = viewer.modelToScreen(targets.map(({ index }) => ca(index)));
    const [across, down] = ["x", "y"].map((axis) => {
      const values = places.map((place) => place[axis]);
      return Math.max(...values) - Math.min(...values) + 20;
    });
    const room = Math.min(area.clientWidth / across, area.clientHeight / down);
    viewer.zoom(Math.min(0.85 * room, 2));
  }

  function colorOf(index) {
    const { buffer, byteOffset, byteLength } = model.get("colors");
    if (3 * index + 3 > byteLength) return model.get("_drawn").missing;
    const [r, g, b] = new Uint8Array(buffer, byteOffset + 3 * index, 3);
    return (r << 16) | (g << 8) | b;
  }

  function color() {
    viewer.setStyle({}, { cartoon: { colorfunc: (atom) => colorOf(atom.resi - 1) } });
  }

  function background() {
    const [r, g, b] = getComputedStyle(area).backgroundColor.match(/[\d.]+/g).map(Number);
    viewer.setBackgroundColor((r << 16) | (g << 8) | b, 1);
    return r + g + b < 384 ? "white" : "black";
  }

  function mark() {
    shapes.forEach((shape) => viewer.removeShape(shape));
    const ink = background();
    const drawn = model.get("_drawn");
    const many = viewer.addShape({ color: ink });
    const chosen = new Set(model.get("selection"));
    for (const index of chosen) {
      if (!ca(index)) continue;
      many.addSphere({ center: ca(index), radius: 0.8, color: ink });
      if (!chosen.has(index + 1) || !ca(index + 1)) continue;
      many.addCylinder({ start: ca(index), end: ca(index + 1), radius: 0.25, color: ink });
    }
    const lines = viewer.addShape({ color: drawn.line });
    for (const [i, j, weight] of model.get("lines")) {
      if (!ca(i) || !ca(j)) continue;
      const radius = 0.04 + 0.3 * Math.min(Math.max(weight, 0), 1);
      lines.addCylinder({ start: ca(i), end: ca(j), radius, color: drawn.line });
    }
    shapes = [many, lines];
    const framed = model.get("frames").map((index) => residues[index]);
    drawn.axes.forEach((axisColor, k) => {
      const axis = viewer.addShape({ color: axisColor });
      for (const atoms of framed) {
        if (!atoms?.N || !atoms.CA || !atoms.C) continue;
        const end = along(atoms.CA, frameAxes(atoms)[k], 2);
        axis.addCylinder({ start: atoms.CA, end, radius: 0.14, color: axisColor });
      }
      shapes.push(axis);
    });
    const selected = model.get("selected");
    if (ca(selected)) {
      const sphere = { center: ca(selected), radius: 1.3, color: colorOf(selected) };
      shapes.push(viewer.addSphere(sphere));
    }
    place();
  }

  // --- what lies over the picture: it moves along with the camera ------------------------------

  function put(circle, text, index) {
    const offset = canvas.getBoundingClientRect();
    const at = viewer.modelToScreen(ca(index));
    const x = at.x - offset.left - window.scrollX;
    const y = at.y - offset.top - window.scrollY;
    circle.style.transform = `translate(${x}px, ${y}px)`;
    text.textContent = model.get("labels")[index] ?? "";
    // Above for the selected residue, below for the other: the two are often neighbors.
    const above = text === label;
    const left = Math.min(x + 16, area.clientWidth - text.offsetWidth - 6);
    const top = above ? y - text.offsetHeight - 10 : y + 10;
    const lowest = area.clientHeight - text.offsetHeight - 6;
    text.style.left = `${Math.max(left, 4)}px`;
    text.style.top = `${Math.min(Math.max(top, 4), lowest)}px`;
  }

  function place() {
    const [selected, hovered] = [model.get("selected"), model.get("hovered")];
    const known = (index) => Boolean(viewer && ca(index));
    label.hidden = selected < 0 || selected >= count();
    ring.hidden = !known(selected);
    if (!ring.hidden) put(ring, label, selected);
    else if (!label.hidden) {
      const missing = viewer ? " (no CA atom to show)" : "";
      label.textContent = (model.get("labels")[selected] ?? "") + missing;
      label.style.left = label.style.top = "8px";
    }
    hoverRing.hidden = hoverLabel.hidden = !known(hovered) || hovered === selected;
    if (!hoverRing.hidden) put(hoverRing, hoverLabel, hovered);
  }

  function describe() {
    caption.textContent = model.get("caption");
    const text = model.get("caption").replaceAll("\n", ". ");
    canvas.setAttribute("aria-label", `3D structure. ${text}`);
    area.style.height = model.get("height") ? `${model.get("height")}px` : "calc(100% - 20px)";
  }

  // --- what the user does --------------------------------------------------------------------

  function pick(event) {
    const box = canvas.getBoundingClientRect();
    const x = (2 * (event.clientX - box.left)) / box.width - 1;
    const y = 1 - (2 * (event.clientY - box.top)) / box.height;
    return viewer.targetedObjects(x, y, targets)[0]?.clickable.index ?? -1;
  }

  function acted(name, value) {
    model.set(name, value);
    model.save_changes();
    kernel.ask();
  }

  let down = null;
  function press(event) {
    down = event.button === 0 ? [event.clientX, event.clientY] : null;
    canvas.focus({ preventScroll: true });
  }
  function release(event) {
    if (!viewer || !down) return;
    const moved = Math.hypot(event.clientX - down[0], event.clientY - down[1]);
    down = null;
    const index = moved < STILL ? pick(event) : -1;
    if (index < 0) return;
    if (!event.shiftKey) return acted("selected", index);
    const kept = model.get("selection").filter((other) => other !== index);
    const added = kept.length === model.get("selection").length;
    acted("selection", added ? [...kept, index].sort((a, b) => a - b) : kept);
  }
  function move(event) {
    if (!viewer || event.buttons) return;
    const index = pick(event);
    canvas.style.cursor = index < 0 ? "grab" : "pointer";
    hover(index);
  }
  function hover(index) {
    if (index === model.get("hovered")) return;
    model.set("hovered", index);
    clearTimeout(hoverTimer);
    hoverTimer = setTimeout(() => model.save_changes(), REST);
  }
  const leave = () => hover(-1);

  // On the window and before everyone else, because JupyterLab's own arrow keys leave the cell.
  function key(event) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    event.stopPropagation();
    const selected = model.get("selected");
    const next = selected < 0 ? (step > 0 ? 0 : count() - 1) : selected + step;
    if (next >= 0 && next < count()) acted("selected", next);
  }
  const listen = () => window.addEventListener("keydown", key, true);
  const deafen = () => window.removeEventListener("keydown", key, true);

  // --- from the first to the last moment -------------------------------------------------------

  const changes = {
    "change:structure": () => draw("structure"),
    "change:colors": () => draw("colors"),
    "change:selected change:selection change:lines change:frames": () => {
      place();
      draw("marks");
    },
    "change:hovered change:labels": place,
    "change:caption change:height": describe,
  };
  const events = {
    pointerdown: press,
    pointerup: release,
    pointermove: move,
    pointerleave: leave,
    focus: listen,
    blur: deafen,
  };
  // A new theme's style sheet may follow its name.
  const themes = new MutationObserver(() => setTimeout(() => draw("marks"), 100));
  // Without a width the camera has no numbers.
  const sizes = new ResizeObserver(() => engine && !viewer && area.clientWidth > 0 && start());

  function start() {
    viewer = takeViewer(engine, canvas);
    canvas.__viewer = viewer; // for tests
    viewer.setViewChangeCallback(place);
    draw("structure");
  }

  for (const [names, handler] of Object.entries(changes)) model.on(names, handler);
  for (const [name, handler] of Object.entries(events)) canvas.addEventListener(name, handler);
  describe();
  place();
  say("Loading the 3D view …");
  let closed = false;
  if (!hasWebGL()) say(NO_WEBGL);
  else {
    loadOnce("3Dmol.js", () => fetch3Dmol(model, say)).then(
      (loaded) => {
        if (closed) return;
        engine = loaded;
        themes.observe(document.body, { attributeFilter: ["data-jp-theme-light", "class"] });
        sizes.observe(area);
      },
      (error) => say(`3Dmol.js could not be loaded (${error.message}): no 3D view.`),
    );
  }

  return () => {
    closed = true;
    themes.disconnect();
    sizes.disconnect();
    deafen();
    cancelAnimationFrame(frame);
    kernel.stop();
    clearTimeout(hoverTimer);
    for (const [names, handler] of Object.entries(changes)) model.off(names, handler);
    if (viewer) giveBack(viewer);
    viewer = null;
    canvas.__viewer = undefined;
  };
}

export default { render };
