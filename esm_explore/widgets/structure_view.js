// The page's side of StructureView: the traits say what is shown, 3Dmol.js draws it. The files
// structure_*.js before this one have a job each; `scene` is what they share.

const NO_WEBGL = "This browser has no WebGL, so the structure cannot be drawn in 3D.";

function render({ model, el }) {
  const root = element(el, "view");
  root.className = "esm-structure";
  const area = element(root, "area");
  const canvas = element(area, "canvas", { role: "img", tabindex: "0" });
  const message = element(area, "message", { role: "status" });
  const hint = element(area, "hint", { role: "status" });
  const kernel = watchKernel(model, element(area, "busy"));
  const legendList = element(root, "legend");
  const caption = element(root, "caption");

  const scene = { model, root, area, canvas, residues: [], targets: [], engine: null };
  scene.viewer = scene.camera = null;
  scene.count = () => Math.max(model.get("labels").length, scene.residues.length);
  scene.ca = (index) => scene.residues[index]?.CA;
  scene.places = () => [
    ...scene.targets.map(({ index }) => scene.ca(index)),
    ...model.get("ghost").flatMap(({ points }) => points.map(([x, y, z]) => ({ x, y, z }))),
  ];
  scene.onScreen = (points) => {
    const { left, top } = canvas.getBoundingClientRect();
    const [right, down] = [left + window.scrollX, top + window.scrollY];
    return scene.viewer.modelToScreen(points).map(({ x, y }) => ({ x: x - right, y: y - down }));
  };
  let hintTimer = 0;
  scene.hint = (text, time) => {
    clearTimeout(hintTimer);
    hint.textContent = text;
    hint.hidden = !text;
    if (time) hintTimer = setTimeout(scene.hint, time, "");
  };
  const say = (text) => {
    message.textContent = text;
    message.hidden = !text;
  };
  function acted(name, value) {
    model.set(name, value);
    model.save_changes();
    kernel.ask();
  }

  const legend = legendOf(scene, legendList);
  const place = labelsOf(scene);
  scene.tools = toolsOf(scene, acted);
  // Names stand beside the buttons and the color bar, too.
  scene.overlays = () => {
    const { left, top } = canvas.getBoundingClientRect();
    return [...scene.tools.boxes(), ...legend.boxes()].map((part) => {
      const box = part.getBoundingClientRect();
      return {
        ...{ left: box.left - left, right: box.right - left },
        ...{ top: box.top - top, bottom: box.bottom - top },
      };
    });
  };
  const deafen = listenTo(scene, acted);

  let chain = null;
  let mark = null;
  let frame = 0;
  const due = new Set();

  // All that changed at once is drawn at once.
  function draw(what) {
    if (!scene.viewer) return;
    due.add(what);
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      const [first, anew] = [due.has("start"), due.has("start") || due.has("structure")];
      if (anew) chain.load();
      if (anew || due.has("secondary")) chain.assign();
      const colored = ["secondary", "colors", "focus"].some((part) => due.has(part));
      if (anew || colored || chain.isStale()) chain.paint();
      mark();
      const placed = (first || due.has("camera")) && scene.camera.obey();
      if (!placed && anew && (first || !model.get("steady"))) scene.camera.frame({ calm: true });
      if (!placed && !anew && due.has("focus")) scene.camera.frame();
      due.clear();
      scene.viewer.render();
      place();
    });
  }

  function describe() {
    const height = model.get("height");
    // Where there is little room it takes one line, if it can.
    const lines = model.get("caption").split("\n");
    caption.textContent = lines.join(height ? "\n" : " · ");
    const keys = "Arrow keys go from residue to residue.";
    canvas.setAttribute("aria-label", `3D structure. ${lines.join(". ")}. ${keys}`);
    el.classList.toggle("esm-structure-fills", height === 0);
    root.classList.toggle("fills", height === 0);
    area.style.height = height ? `${height}px` : "";
    legend.show();
    scene.tools.show();
  }

  const changes = {
    "change:structure": () => draw("structure"),
    "change:secondary": () => draw("secondary"),
    "change:colors change:_style": () => draw("colors"),
    "change:focus": () => draw("focus"),
    "change:selected change:selection change:lines change:frames change:ghost": () => {
      place();
      draw("marks");
    },
    "change:camera": () => page.reporting || draw("camera"),
    "change:group": () => scene.camera?.join(),
    "change:hovered change:labels": place,
    "change:caption change:height change:legend change:bar": describe,
    "change:near change:focus change:_style": scene.tools.show,
  };
  // A new theme's style sheet may follow its name.
  const themes = new MutationObserver(() => setTimeout(() => draw("marks"), 100));
  // Without a width the camera has no numbers.
  const sizes = new ResizeObserver(() => {
    if (!scene.engine || !area.clientWidth) return;
    if (!scene.viewer) return start();
    scene.viewer.resize();
    scene.camera.resized();
  });

  function start() {
    scene.viewer = takeViewer(scene.engine, canvas);
    canvas.__viewer = scene.viewer; // for tests
    scene.camera = cameraOf(scene, place);
    scene.camera.join();
    chain = chainOf(scene, say);
    mark = marksOf(scene, chain.colorOf);
    draw("start");
  }

  for (const [names, handler] of Object.entries(changes)) model.on(names, handler);
  scene.hint("");
  describe();
  place();
  say("Loading the 3D view …");
  let closed = false;
  if (!hasWebGL()) say(NO_WEBGL);
  else {
    loadOnce("3Dmol.js", () => fetch3Dmol(model, say)).then(
      (loaded) => {
        if (closed) return;
        scene.engine = loaded;
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
    clearTimeout(hintTimer);
    for (const [names, handler] of Object.entries(changes)) model.off(names, handler);
    legend.close();
    chain?.close();
    scene.camera?.close();
    if (scene.viewer) giveBack(scene.viewer);
    scene.viewer = null;
    canvas.__viewer = undefined;
  };
}

export default { render };
