// What the reader does with pointer, wheel and keys.

const REST = 120; // ms on a residue before Python is told: a click shall not have to wait for that
const STILL = 4; // px that the pointer may move in a click
const PICK_RADIUS = 1.9; // Å around a CA: half the way to the next one
const HOW_TO_ZOOM = "Click, and the wheel zooms";
const BUTTON_KEYS = ["Enter", " ", "Escape", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"];

function listenTo(scene, acted) {
  const { model, canvas, area } = scene;
  let hoverTimer = 0;
  let down = null;

  function pick(event) {
    const box = canvas.getBoundingClientRect();
    const x = (2 * (event.clientX - box.left)) / box.width - 1;
    const y = 1 - (2 * (event.clientY - box.top)) / box.height;
    return scene.viewer.targetedObjects(x, y, scene.targets)[0]?.clickable.index ?? -1;
  }

  function press(event) {
    down = event.button === 0 ? [event.clientX, event.clientY] : null;
    canvas.focus({ preventScroll: true });
    takeWheel(true);
    scene.camera?.stop();
  }
  function release(event) {
    if (!scene.viewer || !down) return;
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
    if (!scene.viewer || event.buttons) return;
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
  function leave() {
    hover(-1);
    takeWheel(false);
  }

  // The wheel is the page's until the reader turns to the picture.
  const takeWheel = (ours) => canvas.classList.toggle("zooms", ours);
  function wheel(event) {
    if (canvas.classList.contains("zooms")) return scene.camera?.stop();
    event.stopPropagation();
    scene.hint(HOW_TO_ZOOM, 1500);
  }

  // On the window and before everyone else, because JupyterLab's own keys leave the cell.
  function key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    if (event.target !== canvas) {
      if (!BUTTON_KEYS.includes(event.key)) return;
      event.stopPropagation();
      return scene.tools.key(event);
    }
    if (event.key === "Escape") takeWheel(false);
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const selected = model.get("selected");
    const next = selected < 0 ? (step > 0 ? 0 : scene.count() - 1) : selected + step;
    if (next >= 0 && next < scene.count()) acted("selected", next);
  }
  const deafen = () => window.removeEventListener("keydown", key, true);

  const onCanvas = {
    pointerdown: press,
    pointerup: release,
    pointermove: move,
    pointerleave: leave,
    focus: () => takeWheel(true),
    blur: () => takeWheel(false),
  };
  for (const [name, handler] of Object.entries(onCanvas)) canvas.addEventListener(name, handler);
  // Before 3Dmol.js, whose canvas is inside.
  canvas.addEventListener("wheel", wheel, { capture: true, passive: true });
  area.addEventListener("focusin", () => window.addEventListener("keydown", key, true));
  area.addEventListener("focusout", deafen);
  return () => {
    deafen();
    clearTimeout(hoverTimer);
  };
}
