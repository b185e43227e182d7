// What views share; `page.module` puts it before each view's own code. Each model imports its
// module anew, so what they have in common is kept with the page.
const page = (globalThis.esmExplore ??= { scripts: {}, webgl: null, idle: [], asked: 0 });
const BUSY_AFTER = 400; // ms without an answer from Python
const BUSY = "the kernel is busy: the views follow when the running cell is done";

/** The text of a library that a model of Script holds; "" where the installation lacks it. */
async function textOf(script) {
  const packed = script.get("source");
  if (!packed.byteLength) return "";
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}

/** The Script of a view. */
const scriptOf = (model) =>
  model.widget_manager.get_model(model.get("_script").replace("IPY_MODEL_", ""));

// How the text of each library becomes the library.
const LIBRARIES = {
  "3Dmol.js": (text) => {
    const address = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
    return import(address).finally(() => URL.revokeObjectURL(address));
  },
  "plotly.js": (text) => {
    const module = { exports: {} };
    new Function("module", "exports", "define", text)(module, module.exports);
    return module.exports;
  },
};

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
