// Rings and names that lie over the picture and move along with the camera.

const GAP = 20; // px from a residue to its name
const ROOM = 7; // px around a point that a name shall not cover
const EDGE = 4; // px
const THICK = 1.8; // Å around a CA that hide what is behind
// Where a name may stand, best first: steps to the right and down, from the residue.
const SIDES = [
  ...[
    [1, 0],
    [-1, 0],
    [0, -1],
    [0, 1],
  ],
  ...[
    [0.8, -0.8],
    [-0.8, -0.8],
    [0.8, 0.8],
    [-0.8, 0.8],
  ],
  ...[
    [0, 2.6],
    [0, -2.6],
    [0.9, 2],
    [-0.9, 2],
    [0.9, -2],
    [-0.9, -2],
  ],
];

const within = ({ x, y }, box, room) =>
  x > box.left - room && x < box.right + room && y > box.top - room && y < box.bottom + room;
const overlap = (a, b) =>
  a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

/** Where a name of this size covers least; `last` is the side where it stood before. */
function bestPlace(at, { width, height }, area, { points, boxes }, last) {
  const places = SIDES.map(([right, down], side) => {
    const x = at.x + right * (GAP + width / 2) - width / 2;
    const y = at.y + down * (GAP + height / 2) - height / 2;
    const left = Math.max(Math.min(x, area.clientWidth - width - EDGE), EDGE);
    const top = Math.max(Math.min(y, area.clientHeight - height - EDGE), EDGE);
    const box = { left, top, right: left + width, bottom: top + height };
    const covered =
      points.filter((point) => within(point, box, ROOM)).length +
      3 * boxes.filter((other) => overlap(other, box)).length +
      (within(at, box, 2 * ROOM) ? 100 : 0);
    return { side, left, top, covered: covered - (side === last ? 0.5 : 0) };
  });
  return places.reduce((best, place) => (place.covered < best.covered ? place : best));
}

function labelsOf(scene) {
  const { model, area } = scene;
  const pair = (kind) => ({
    ring: element(area, `ring${kind}`),
    label: element(area, `label${kind}`),
    side: -1,
  });
  const chosen = pair(" selected");
  chosen.label.setAttribute("aria-live", "polite");
  const pointed = pair("");

  /** Whether something nearer to the eye covers a residue. */
  function isBehind(index) {
    const view = scene.viewer.getView();
    const eye = { x: 0, y: 0, z: scene.viewer.getPerceivedDistance() };
    const sight = minus(asSeen(view, scene.ca(index)), eye);
    const far = Math.sqrt(dot(sight, sight));
    return scene.targets.some(({ index: other }) => {
      if (Math.abs(other - index) < 2) return false;
      const there = minus(asSeen(view, scene.ca(other)), eye);
      const before = dot(there, sight) / far;
      if (before > far - THICK) return false;
      return dot(there, there) - before * before < THICK * THICK;
    });
  }

  function put(mark, index, at, taken) {
    mark.ring.style.transform = `translate(${at.x}px, ${at.y}px)`;
    mark.ring.classList.toggle("behind", isBehind(index));
    mark.label.textContent = model.get("labels")[index] ?? "";
    const size = { width: mark.label.offsetWidth, height: mark.label.offsetHeight };
    const { side, left, top } = bestPlace(at, size, area, taken, mark.side);
    mark.side = side;
    mark.label.style.transform = `translate(${left}px, ${top}px)`;
    return { left, top, right: left + size.width, bottom: top + size.height };
  }

  /** What is talked about: the ends of the lines, and two points of each. */
  function told() {
    const points = [];
    for (const [i, j] of model.get("lines")) {
      const [start, end] = [scene.ca(i), scene.ca(j)];
      if (!start || !end) continue;
      const on = (part) => along(start, minus(end, start), part);
      points.push(end, on(1 / 3), on(2 / 3));
    }
    return points;
  }

  function place() {
    const [selected, hovered] = [model.get("selected"), model.get("hovered")];
    const known = (index) => Boolean(scene.viewer && scene.ca(index));
    chosen.label.hidden = selected < 0 || selected >= scene.count();
    chosen.ring.hidden = !known(selected);
    pointed.ring.hidden = pointed.label.hidden = !known(hovered) || hovered === selected;
    if (chosen.ring.hidden && !chosen.label.hidden) {
      const missing = scene.viewer ? " (no CA atom to show)" : "";
      chosen.label.textContent = (model.get("labels")[selected] ?? "") + missing;
      chosen.label.style.transform = `translate(${2 * EDGE}px, ${2 * EDGE}px)`;
    }
    if (chosen.ring.hidden && pointed.ring.hidden) return;
    const taken = { points: scene.onScreen(told()), boxes: scene.overlays() };
    const spot = (index) => scene.onScreen([scene.ca(index)])[0];
    const [here, there] = [chosen, pointed].map((mark, i) =>
      mark.ring.hidden ? null : spot(i ? hovered : selected),
    );
    if (here) {
      const points = there ? [...taken.points, there] : taken.points;
      taken.boxes.push(put(chosen, selected, here, { ...taken, points }));
    }
    if (there) {
      if (here) taken.points.push(here);
      put(pointed, hovered, there, taken);
    }
  }

  return place;
}
