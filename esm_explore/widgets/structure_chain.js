// The chain itself: its atoms, its ribbon, sticks or surface, and their colors.

const FAINT = 0.6; // opacity of what lies before what is drawn around the residues in focus
const COMPUTING = "Computing the surface …";

function chainOf(scene, say) {
  const { model, engine, viewer } = scene;
  let surface = null; // its number
  let awaited = 0;

  function load() {
    viewer.removeAllSurfaces();
    viewer.removeAllModels();
    surface = null;
    scene.residues = [];
    const text = model.get("structure");
    for (const atom of text ? viewer.addModel(text, "cif").selectedAtoms({}) : []) {
      (scene.residues[atom.resi - 1] ??= {})[atom.atom] = { x: atom.x, y: atom.y, z: atom.z };
    }
    scene.targets = [];
    scene.residues.forEach((atoms, index) => {
      if (!atoms.CA) return;
      const sphere = [new engine.Sphere(atoms.CA, PICK_RADIUS)];
      const intersectionShape = { sphere, triangle: [], cylinder: [], line: [] };
      scene.targets.push({ index, intersectionShape });
    });
    say(scene.targets.length ? "" : "There are no CA atoms to draw.");
  }

  /** Shape the ribbon as `secondary` says; 3Dmol.js has an opinion of its own, which it replaces. */
  function assign() {
    const letters = model.get("secondary");
    if (!letters) return;
    const at = (index) => (["h", "s"].includes(letters[index]) ? letters[index] : "c");
    for (const atom of viewer.selectedAtoms({})) {
      const index = atom.resi - 1;
      atom.ss = at(index);
      atom.ssbegin = at(index - 1) !== atom.ss;
      atom.ssend = at(index + 1) !== atom.ss;
    }
  }

  function colorOf(index) {
    const { buffer, byteOffset, byteLength } = model.get("colors");
    if (3 * index + 3 > byteLength) return model.get("_drawn").missing;
    const [r, g, b] = new Uint8Array(buffer, byteOffset + 3 * index, 3);
    return (r << 16) | (g << 8) | b;
  }

  const colorfunc = (atom) => colorOf(atom.resi - 1);
  // What is told about shall be seen through the rest; where nothing is drawn, the chain itself is.
  const isFaint = () =>
    model.get("focus").length > 0 &&
    ["lines", "frames", "ghost"].some((part) => model.get(part).length);
  const faint = () => (isFaint() ? { opacity: FAINT } : {});
  let painted = false; // faint

  function paint() {
    painted = isFaint();
    const style = model.get("_style");
    if (style !== "surface") dropSurface();
    else if (surface === null) return computeSurface();
    if (style === "cartoon") viewer.setStyle({}, { cartoon: { colorfunc, ...faint() } });
    if (style === "stick") viewer.setStyle({}, { stick: { colorfunc, radius: 0.3, ...faint() } });
    if (style === "surface") {
      viewer.setStyle({}, {});
      viewer.setSurfaceMaterialStyle(surface, { colorfunc, opacity: 0.9, ...faint() });
    }
  }

  function dropSurface() {
    if (surface !== null) viewer.removeSurface(surface);
    surface = null;
    if (!awaited) return;
    clearTimeout(awaited);
    awaited = 0;
    scene.hint("");
  }

  // The page stands still meanwhile, so it says why before.
  function computeSurface() {
    viewer.setStyle({}, { cartoon: { colorfunc } });
    scene.hint(COMPUTING);
    awaited ||= setTimeout(() => {
      awaited = 0;
      const { surfid } = viewer.addSurface("SES", { colorfunc });
      surface = surfid;
      scene.hint("");
      paint();
      viewer.render();
    }, 60);
  }

  const isStale = () => painted !== isFaint();
  return { load, assign, paint, isStale, colorOf, close: () => clearTimeout(awaited) };
}
