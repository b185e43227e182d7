// What views share; `page.module` puts it before each view's own code. Each model imports its
// module anew, so what they have in common is kept with the page.
const page = (globalThis.esmExplore ??= { scripts: {}, webgl: null, idle: [], asked: 0 });
const BUSY_AFTER = 400; // ms without an answer from Python
const BUSY = "the kernel is busy: the views follow when the running cell is done";

/** The script that the kernel holds ready for a view; "" where the installation lacks it. */
async function scriptOf(model) {
  const id = model.get("_script").replace("IPY_MODEL_", "");
  const packed = (await model.widget_manager.get_model(id)).get("source");
  if (!packed.byteLength) return "";
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}

/** Load a script once a page; where that fails the next view tries again. */
function loadOnce(name, load) {
  page.scripts[name] ??= load().catch((error) => {
    page.scripts[name] = null;
    throw error;
  });
  return page.scripts[name];
}

/** Say so in `sign` when Python does not answer in time: callbacks wait for the running cell. */
function watchKernel(model, sign) {
  sign.setAttribute("role", "status");
  sign.hidden = true;
  let awaited = 0;
  let timer;
  function answered({ kind, n }) {
    if (kind !== "asked" || n < awaited) return;
    clearTimeout(timer);
    timer = undefined;
    sign.hidden = true;
  }
  model.on("msg:custom", answered);
  return {
    ask() {
      awaited = ++page.asked;
      model.send({ kind: "asked", n: awaited });
      timer ??= setTimeout(() => {
        sign.textContent = BUSY;
        sign.hidden = false;
      }, BUSY_AFTER);
    },
    stop() {
      clearTimeout(timer);
      model.off("msg:custom", answered);
    },
  };
}

