// The page's side of Lasting: live views into the places that a notebook has for them.

const REST = 1500; // ms without a change, a key or the pointer, until a new picture is drawn
const AWAY = 10_000; // ms that a place may be out of the page, as when it is scrolled out of sight
const LOOK = 50; // ms that changes of the page are gathered
const ACTS = ["pointermove", "pointerdown", "wheel", "keydown"];

const wait = (ms) => new Promise((done) => setTimeout(done, ms));

/** A model by its id; after a reload of the page it may come later than who asks for it. */
async function awaitModel(manager, id) {
  for (let tries = 0; ; tries += 1) {
    try {
      return await manager.get_model(id);
    } catch (error) {
      if (tries > 100) throw error;
      await wait(100);
    }
  }
}

/** The picture's output, which follows that of the place in the same cell. */
function pictureOf(place) {
  const output = place.closest(".jp-OutputArea-child")?.nextElementSibling;
  return output?.querySelector("img") ? output : null;
}

function showPicture(place, shown) {
  const picture = pictureOf(place);
  const display = shown ? "" : "none";
  if (picture && picture.style.display !== display) picture.style.display = display;
}

/** The outputs of a notebook's document that keep the pictures: [outputs, number] each. */
function keptPictures(manager, name) {
  const found = [];
  for (const { outputs } of manager.context?.model?.cells ?? []) {
    for (let i = 0; i + 1 < (outputs?.length ?? 0); i += 1) {
      const [place, picture] = [outputs.get(i).data, outputs.get(i + 1).data];
      if (!String(place["text/html"] ?? "").includes(name) || !picture["image/png"]) continue;
      found.push([outputs, i + 1]);
    }
  }
  return found;
}

function attach(view, place) {
  const widget = view.luminoWidget;
  // Lumino's own functions hang on each of its classes: they tell all parts that they are shown.
  widget.constructor.attach(widget, place);
  const resize = () => widget.processMessage(widget.constructor.ResizeMessage.UnknownSize);
  const sizes = new ResizeObserver(resize);
  sizes.observe(place);
  return () => {
    sizes.disconnect();
    // Lumino takes only from the page what is in the page.
    if (!widget.isDisposed && !widget.node.isConnected) {
      widget.node.style.display = "none";
      document.body.append(widget.node);
    }
    view.remove();
  };
}

async function initialize({ model }) {
  const manager = model.widget_manager;
  const name = model.get("place");
  const places = document.getElementsByClassName(name);
  const mounted = new Map(); // place -> what takes the view away, once it is there
  let closed = false;
  let looking;
  let resting;

  function rest() {
    clearTimeout(resting);
    resting = undefined;
    // After a reload the page no longer knows which output Python's are: only the document does.
    model.send({ kind: "rest", keeps: keptPictures(manager, name).length > 0 });
  }
  function drawn({ kind, png }) {
    if (kind !== "picture") return;
    for (const [outputs, i] of keptPictures(manager, name)) {
      const output = outputs.get(i).toJSON();
      outputs.set(i, { ...output, data: { ...output.data, "image/png": png } });
    }
  }
  function changed() {
    clearTimeout(resting);
    resting = setTimeout(rest, REST);
  }
  // Who moves the pointer over the view is about to click.
  const acted = () => resting !== undefined && changed();

  async function mount(target, place) {
    let takeAway = () => {};
    let alive = true;
    const entry = {
      since: 0,
      remove() {
        alive = false;
        mounted.delete(place);
        ACTS.forEach((act) => place.removeEventListener(act, acted, true));
        showPicture(place, true);
        takeAway();
      },
    };
    mounted.set(place, entry);
    const view = await manager.create_view(target);
    if (!alive) return view.remove();
    if (!place.isConnected) {
      view.remove();
      return entry.remove();
    }
    ACTS.forEach((act) => place.addEventListener(act, acted, true));
    takeAway = attach(view, place);
    showPicture(place, false);
  }

  function look(target) {
    looking = undefined;
    if (closed) return;
    for (const place of places) {
      if (!mounted.has(place)) mount(target, place).catch(() => mounted.get(place)?.remove());
      else if (place.hasChildNodes()) showPicture(place, false);
    }
    for (const [place, entry] of mounted) {
      if (place.isConnected) entry.since = 0;
      else if (!entry.since) {
        entry.since = Date.now();
        setTimeout(() => look(target), AWAY + 1);
      } else if (Date.now() - entry.since > AWAY) entry.remove();
    }
  }

  const target = await awaitModel(manager, model.get("target"));
  const watch = new MutationObserver(() => {
    looking ??= setTimeout(() => look(target), LOOK);
  });
  function close() {
    closed = true;
    watch.disconnect();
    clearTimeout(looking);
    clearTimeout(resting);
    for (const entry of [...mounted.values()]) entry.remove();
  }
  // A kernel that is started anew knows of none of this: the picture is all there is.
  target.on("comm_live_update", () => !target.comm_live && close());
  target.on("destroy", close);
  model.on("change:changes", changed);
  model.on("msg:custom", drawn);
  watch.observe(document.body, { childList: true, subtree: true });
  look(target);
  return close;
}

export default { initialize };
