// The camera: it frames what is talked about, tells Python where it is, and moves with its group.

const TRAVEL = 400; // ms
const YIELD = 200; // ms after a click or a key that a travel waits for the answer
const AT_REST = 300; // ms without a move before Python is told
const WHOLE = 0.88; // of the picture that a chain fills
const NEIGHBORHOOD = 0.8; // of the picture that the residues in focus fill
const STRAIGHT = [0, 0, 0, 1];

/** Note when something is clicked or typed in the page: each picture of a travel takes its time. */
function noteActs() {
  if (page.acted !== undefined) return;
  page.acted = 0;
  const act = () => {
    page.acted = performance.now();
  };
  for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, act, true);
}

const sameView = (a, b) => a.length === b.length && a.every((v, i) => Math.abs(v - b[i]) < 1e-6);

function cameraOf(scene, moved) {
  const { model, viewer, area } = scene;
  const eye = viewer.getPerceivedDistance() + viewer.getView()[3];
  let last = viewer.getView();
  let ours = false; // whether it is moved from here, and not by the pointer
  let touched = false; // whether it is where the reader or Python wants it
  let travel = 0;
  let resting = 0;
  let following = 0;
  let goal = null;
  let group = "";

  function set(view) {
    ours = true;
    viewer.setView(view);
    ours = false;
  }

  /** Whether the whole chain or a part is looked at, all of it is drawn, and what is far is pale. */
  function setDepth(view) {
    const center = { x: -view[0], y: -view[1], z: -view[2] };
    const deep = 10 + Math.max(...scene.places().map((place) => distance(place, center)));
    if (inFocus().length) viewer.setSlab(-1.5 * deep, 1.75 * deep);
    else viewer.setSlab(-4 * deep, 4 * deep);
  }

  const inFocus = () => model.get("focus").map(scene.ca).filter(Boolean);

  function framing(turn) {
    const some = inFocus();
    const main = model.get("focus").includes(model.get("selected"));
    const aspect = area.clientWidth / area.clientHeight;
    return framed(
      some.length ? some : scene.places(),
      main ? scene.ca(model.get("selected")) : null,
      { turn, aspect, filled: some.length ? NEIGHBORHOOD : WHOLE, eye },
    );
  }

  function go(view, calm) {
    stop();
    setDepth(view);
    if (calm || matchMedia("(prefers-reduced-motion: reduce)").matches) return set(view);
    const from = viewer.getView();
    const start = performance.now();
    const step = (now) => {
      if (start < page.acted && now - page.acted < YIELD) {
        travel = requestAnimationFrame(step);
        return;
      }
      const part = Math.min((now - start) / TRAVEL, 1);
      travel = part < 1 ? requestAnimationFrame(step) : 0;
      set(part < 1 ? between(from, view, part * part * (3 - 2 * part)) : view);
    };
    travel = requestAnimationFrame(step);
  }

  function stop() {
    cancelAnimationFrame(travel);
    travel = 0;
  }

  // Those of a group may look at different places: what they share is how they turn and zoom.
  function follow(before, now) {
    const mine = goal ?? viewer.getView();
    const zoom = (eye - now[3]) / (eye - before[3]);
    goal = mine.map((value, i) => (i < 3 ? value + now[i] - before[i] : now[i]));
    goal[3] = eye - (eye - mine[3]) * zoom;
    following ||= requestAnimationFrame(() => {
      following = 0;
      touched = true;
      stop();
      set(goal);
      goal = null;
    });
  }

  const others = () => [...(page.groups?.get(group) ?? [])].filter((other) => other !== camera);

  function changed() {
    const now = viewer.getView();
    moved();
    if (sameView(now, last)) return;
    if (!ours) {
      touched = true;
      for (const other of others()) other.follow(last, now);
    }
    last = now;
    clearTimeout(resting);
    resting = setTimeout(report, AT_REST);
  }

  // Other views of the model in this page stay where they are: each frames for its own size.
  function report() {
    if (travel || sameView(last, model.get("camera"))) return;
    page.reporting = true;
    model.set("camera", last);
    page.reporting = false;
    model.save_changes();
  }

  function leave() {
    page.groups?.get(group)?.delete(camera);
    group = "";
  }

  const camera = {
    follow,
    stop,
    turn: () => viewer.getView().slice(4),
    /** Frame what is in focus, or the whole chain. */
    frame({ turn = viewer.getView().slice(4), calm = false } = {}) {
      if (!scene.places().length) return;
      touched = false;
      go(framing(turn), calm);
    },
    /** As at first; those of the group too. */
    reset() {
      for (const one of [camera, ...others()]) one.frame({ turn: STRAIGHT });
    },
    /** Take the place that the model says, if it says one; say whether it did. */
    obey() {
      const view = model.get("camera");
      if (view.length !== 8 || !scene.places().length) return false;
      touched = true;
      stop();
      setDepth(view);
      set(view);
      return true;
    },
    /** The picture has another size. */
    resized() {
      if (!touched && !travel) camera.frame({ calm: true });
    },
    join() {
      leave();
      group = model.get("group");
      if (!group) return;
      const [first] = others();
      if (first) set([...viewer.getView().slice(0, 4), ...first.turn()]);
      page.groups ??= new Map();
      page.groups.set(group, (page.groups.get(group) ?? new Set()).add(camera));
    },
    close() {
      leave();
      stop();
      cancelAnimationFrame(following);
      clearTimeout(resting);
    },
  };
  noteActs();
  viewer.setViewChangeCallback(changed);
  return camera;
}
