// 3Dmol.js on its way into the page, and its viewers, which are used again.

const DOWNLOAD_LIMIT = 20_000; // ms

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
  const text = await textOf(await scriptOf(model));
  if (text) return LIBRARIES["3Dmol.js"](text);
  say("3Dmol.js is not in this installation: loading it from the internet …");
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error("no answer")), DOWNLOAD_LIMIT);
  });
  return Promise.race([import(model.get("_cdn")), late]).finally(() => clearTimeout(timer));
}

// A viewer cannot be disposed of (it listens to the window for ever), so it is used again.
function takeViewer(engine, parent) {
  // Its workers need a script of another address; without them it says so on the console.
  engine.setSyncSurface(true);
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

function element(parent, name, attributes = {}, tag = "div") {
  const made = document.createElement(tag);
  made.className = `esm-structure-${name}`;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  parent.append(made);
  return made;
}
