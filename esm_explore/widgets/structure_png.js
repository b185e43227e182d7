// The picture as a PNG, with all that is written on it and under it, as it stands in the page.

const LARGEST = 8192; // px a side, of what any WebGL draws
const SAVED = ["ring", "label", "bar", "legend", "caption"];

/** Draw the chain larger than on the screen; give back the canvas as it was. */
function drawChain({ viewer, area }, context, times) {
  const { clientWidth: width, clientHeight: height } = area;
  const canvas = viewer.getCanvas();
  const dense = canvas.width / canvas.clientWidth;
  const larger = Math.min(times, LARGEST / (dense * Math.max(width, height)));
  viewer.setWidth(Math.round(width * larger)).setHeight(Math.round(height * larger));
  viewer.setView(viewer.getView(), true);
  context.drawImage(canvas, 0, 0, width, height);
  viewer.resize();
}

function drawBox(context, element, { left, top, width, height }) {
  const style = getComputedStyle(element);
  const round = style.borderRadius.endsWith("%") ? width / 2 : parseFloat(style.borderRadius);
  const border = parseFloat(style.borderTopWidth);
  const path = (grown) => {
    context.beginPath();
    const [x, y] = [left - grown, top - grown];
    context.roundRect(x, y, width + 2 * grown, height + 2 * grown, Math.max(round + grown, 0));
  };
  context.setLineDash([]);
  context.fillStyle = style.backgroundColor;
  if (round) {
    path(0);
    context.fill();
  } else {
    // On whole pixels: steps of a color bar have no gaps.
    const scale = context.getTransform().a;
    const [x, y] = [left, top].map((edge) => Math.round(edge * scale) / scale);
    const [right, bottom] = [left + width, top + height].map((v) => Math.round(v * scale) / scale);
    context.fillRect(x, y, right - x, bottom - y);
  }
  if (style.outlineStyle === "solid") {
    path(parseFloat(style.outlineWidth) / 2);
    context.lineWidth = parseFloat(style.outlineWidth);
    context.strokeStyle = style.outlineColor;
    context.stroke();
  }
  if (!border) return;
  path(-border / 2);
  context.lineWidth = border;
  context.strokeStyle = style.borderTopColor;
  if (style.borderTopStyle === "dashed") context.setLineDash([2 * border, border]);
  context.stroke();
}

/** Word by word, each where the page has it. */
function drawWords(context, node, from) {
  const style = getComputedStyle(node.parentElement);
  context.font = `${style.fontStyle} ${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
  context.fillStyle = style.color;
  context.textBaseline = "middle";
  const range = document.createRange();
  for (const { 0: word, index } of node.data.matchAll(/\S+/g)) {
    range.setStart(node, index);
    range.setEnd(node, index + word.length);
    const box = range.getBoundingClientRect();
    context.fillText(word, box.left - from.left, box.top + box.height / 2 - from.top);
  }
}

function drawPage(context, element, from) {
  if (element.hidden) return;
  const { left, top, width, height } = element.getBoundingClientRect();
  drawBox(context, element, { left: left - from.left, top: top - from.top, width, height });
  for (const node of element.childNodes) {
    if (node.nodeType === Node.TEXT_NODE) drawWords(context, node, from);
    else if (node.nodeType === Node.ELEMENT_NODE) drawPage(context, node, from);
  }
}

/** Let the reader save the view, this many times as large as in the page. */
async function savePng(scene, times) {
  const { root, area, model } = scene;
  const from = root.getBoundingClientRect();
  const made = document.createElement("canvas");
  made.width = Math.round(from.width * times);
  made.height = Math.round(from.height * times);
  const context = made.getContext("2d");
  context.scale(times, times);
  context.fillStyle = getComputedStyle(area).backgroundColor;
  context.fillRect(0, 0, from.width, from.height);
  context.save();
  const box = area.getBoundingClientRect();
  context.translate(box.left + area.clientLeft - from.left, box.top + area.clientTop - from.top);
  drawChain(scene, context, times);
  context.restore();
  const saved = SAVED.map((part) => `.esm-structure-${part}`).join();
  for (const part of root.querySelectorAll(saved)) drawPage(context, part, from);
  const blob = await new Promise((resolve) => made.toBlob(resolve, "image/png"));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  const name = model
    .get("caption")
    .split("\n")[0]
    .replace(/[^\p{L}\p{N}]+/gu, "-");
  link.download = `${name.slice(0, 60).replace(/^-|-$/g, "") || "structure"}.png`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
