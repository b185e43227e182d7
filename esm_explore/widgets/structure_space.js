// Places in space, and from where to look at them. A view is what 3Dmol.js's getView gives: the
// model's shift (3 numbers), its depth, and its turn as a quaternion (4).

const HALF_FIELD = Math.tan(Math.PI / 18); // 3Dmol.js sees 20 degrees from top to bottom
const NEAREST = 30; // Å from the eye to what is looked at
const MARGIN = 1.2; // Å that ribbons and balls are wider than their CA
const ASIDE = 0.35; // of half the picture that the selected residue may be off its middle

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
const distance = (a, b) => Math.sqrt(dot(minus(a, b), minus(a, b)));
const clamp = (value, limit) => Math.min(Math.max(value, -limit), limit);

/** The axes of a backbone frame, as esm's Affine3D.from_graham_schmidt has them. */
function frameAxes({ N, CA, C }) {
  const x = unit(minus(CA, C));
  const toN = minus(N, CA);
  const y = unit(along(toN, x, -dot(toN, x)));
  return [x, y, cross(x, y)];
}

function turned([x, y, z, w], point) {
  const axis = { x, y, z };
  const sideways = cross(axis, point);
  return along(along(point, sideways, 2 * w), cross(axis, sideways), 2);
}

/** Where a place lies for the eye: right, up and towards it from what is looked at. */
const asSeen = (view, point) =>
  turned(view.slice(4), { x: point.x + view[0], y: point.y + view[1], z: point.z + view[2] });

function middleOf(points) {
  const half = (axis) => {
    const values = points.map((point) => point[axis]);
    return (Math.min(...values) + Math.max(...values)) / 2;
  };
  return { x: half("x"), y: half("y"), z: half("z") };
}

/**
 * The view, turned so, in which places fill a part of the picture, as wide as `aspect` times its
 * height. The place `main`, where there is one, comes near the middle. `eye`: see `getView`.
 */
function framed(points, main, { turn, aspect, filled, eye }) {
  const places = points.map((point) => turned(turn, point));
  const middle = middleOf(places);
  const there = main && turned(turn, main);
  let center = there ?? middle;
  let far = NEAREST;
  for (let round = 0; round < 4; round++) {
    if (there) {
      const off = ASIDE * far * HALF_FIELD;
      center = {
        x: there.x + clamp(middle.x - there.x, off * aspect),
        y: there.y + clamp(middle.y - there.y, off),
        z: middle.z,
      };
    }
    const needed = places.map((place) => {
      const { x, y, z } = minus(place, center);
      const side = Math.max((Math.abs(x) + MARGIN) / aspect, Math.abs(y) + MARGIN);
      return side / (filled * HALF_FIELD) + z;
    });
    far = Math.max(NEAREST, ...needed);
  }
  const [x, y, z, w] = turn;
  const at = turned([-x, -y, -z, w], center);
  return [-at.x, -at.y, -at.z, eye - far, ...turn];
}

/** What lies a part of the way from one view to another. */
function between(from, to, part) {
  const near = [4, 5, 6, 7].reduce((sum, i) => sum + from[i] * to[i], 0) < 0 ? -1 : 1;
  const mixed = from.map((value, i) => value + part * ((i < 4 ? 1 : near) * to[i] - value));
  const length = Math.hypot(...mixed.slice(4));
  return mixed.map((value, i) => (i < 4 ? value : value / length));
}
