// The buttons over the picture.

const ICONS = {
  reset: "M3 8a5 5 0 1 0 1.6-3.7M3 2.2v3h3",
  near: "M8 1.5v3M8 11.5v3M1.5 8h3M11.5 8h3M11 8a3 3 0 1 1-6 0a3 3 0 0 1 6 0z",
  style: "M8 2l6 3-6 3-6-3zM2 8l6 3 6-3M2 11l6 3 6-3",
  save: "M8 2v8M5 7.2l3 3 3-3M2.5 11.5v2.5h11v-2.5",
};
const STYLES = { cartoon: "Ribbon", stick: "Sticks", surface: "Surface" };
const TIMES = [1, 2, 3, 4];

function toolsOf(scene, acted) {
  const { model, area } = scene;
  const bar = element(area, "tools", { role: "toolbar", "aria-label": "3D view" });
  let opened = null;

  function button(parent, text, click, attributes = {}) {
    const made = element(parent, "button", { type: "button", ...attributes }, "button");
    made.textContent = text;
    made.addEventListener("click", click);
    return made;
  }

  function tool(icon, name, click, attributes = {}) {
    const made = button(bar, "", click, { "aria-label": name, title: name, ...attributes });
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    svg.setAttribute("viewBox", "0 0 16 16");
    svg.setAttribute("aria-hidden", "true");
    path.setAttribute("d", ICONS[icon]);
    svg.append(path);
    made.append(svg);
    return made;
  }

  function menu(icon, name, role, items) {
    const opener = tool(icon, name, () => (opened === made ? close() : open(made)), {
      "aria-haspopup": "menu",
      "aria-expanded": "false",
    });
    const list = element(area, "menu", { role: "menu", "aria-label": name });
    list.hidden = true;
    const choices = items.map(([text, click]) => {
      const choice = button(list, text, click, { role, tabindex: "-1" });
      choice.addEventListener("click", () => close());
      return choice;
    });
    const made = { opener, list, choices };
    return made;
  }

  function open(one) {
    close();
    opened = one;
    one.list.hidden = false;
    one.opener.setAttribute("aria-expanded", "true");
    (one.choices.find((choice) => choice.ariaChecked === "true") ?? one.choices[0]).focus();
  }
  function close(back = true) {
    if (!opened) return;
    const { opener, list } = opened;
    opened = null;
    if (back) opener.focus();
    list.hidden = true;
    opener.setAttribute("aria-expanded", "false");
  }

  tool("reset", "Reset the view", () => scene.camera?.reset());
  const near = tool("near", "Zoom to the neighborhood", () => {
    acted("focus", model.get("focus").length ? [] : model.get("near"));
  });
  const styles = menu(
    "style",
    "Style",
    "menuitemradio",
    Object.entries(STYLES).map(([style, text]) => [text, () => acted("_style", style)]),
  );
  menu(
    "save",
    "Save as PNG",
    "menuitem",
    TIMES.map((times) => [`${times} ×`, () => scene.viewer && savePng(scene, times)]),
  );

  // A click elsewhere closes a menu.
  const left = ({ relatedTarget }) => {
    if (opened && !opened.list.contains(relatedTarget) && relatedTarget !== opened.opener)
      close(false);
  };
  area.addEventListener("focusout", left);

  return {
    show() {
      const focused = model.get("focus").length > 0;
      near.setAttribute("aria-pressed", focused);
      near.disabled = !focused && !model.get("near").length;
      Object.keys(STYLES).forEach((style, i) => {
        styles.choices[i].setAttribute("aria-checked", model.get("_style") === style);
      });
    },
    /** Obey a key that is pressed on a button; Enter and the space bar are the browser's. */
    key(event) {
      const choices = opened?.choices ?? [...bar.children].filter((made) => !made.disabled);
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (event.key === "Escape") close();
      if (!step) return;
      event.preventDefault();
      const at = choices.indexOf(document.activeElement) + step;
      choices.at(at % choices.length).focus();
    },
    boxes: () => [bar],
  };
}
