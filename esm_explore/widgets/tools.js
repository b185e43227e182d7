// The page's side of Tools: a row of native controls.

const PACE = 2_000; // ms at each step of a play

function make(parent, tag, name, attributes = {}) {
  const made = document.createElement(tag);
  if (name) made.className = `esm-explore-${name}`;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  parent?.append(made);
  return made;
}

function render({ model, el }) {
  const row = make(el, "div", "tools");
  let updates = []; // what brings each control to the present value
  let play = 0;
  let waiting = 0;

  const value = (name) => model.get("values")[name];
  function put(name, chosen) {
    if (value(name) === chosen) return;
    model.set("values", { ...model.get("values"), [name]: chosen });
    model.save_changes();
  }

  const kinds = {
    choice: (item) => void oneOf(item, ["radiogroup", "radio", "aria-checked"]),
    tabs(item) {
      const tabs = oneOf(item, ["tablist", "tab", "aria-selected"]);
      updates.push(() => label(tabs));
      // The panel is put into the page after its tabs.
      waiting = setInterval(() => label(tabs) && clearInterval(waiting), 50);
    },
    menu({ name, text, hint, options }) {
      const label = make(row, "label", "menu", { title: hint });
      make(label, "span").textContent = text;
      const select = make(label, "select", "", { "aria-label": text });
      for (const option of options) make(select, "option").textContent = option.text;
      select.onchange = () => put(name, options[select.selectedIndex].value);
      updates.push(() => {
        select.selectedIndex = options.findIndex((option) => option.value === value(name));
      });
    },
    box({ name, text, hint, example }) {
      const label = make(row, "label", "box", { title: hint });
      make(label, "span").textContent = text;
      const input = make(label, "input", "", { type: "search", placeholder: example });
      input.setAttribute("aria-label", text);
      input.onkeydown = (event) => {
        // JupyterLab and the inspector have keys of their own; Escape empties the box first.
        if (event.key !== "Escape" || input.value) event.stopPropagation();
        if (event.key === "Escape") input.value = "";
        if (event.key === "Enter") model.send({ kind: "typed", name, text: input.value });
      };
      let shown = "";
      updates.push(() => {
        // Not while something else changes: the reader may be typing.
        if (value(name) === shown) return;
        shown = value(name) ?? "";
        input.value = shown;
      });
    },
    button({ name, text, hint, icon, of, page }) {
      const button = make(row, "button", "", { type: "button", title: hint, "aria-label": text });
      button.textContent = icon || text;
      if (of) return playing(button, of, icon);
      button.onclick = () => {
        if (page) button.dispatchEvent(new CustomEvent(page, { bubbles: true }));
        else model.send({ kind: "pressed", name });
      };
      updates.push(() => {
        button.disabled = model.get("disabled").includes(name);
        if (typeof value(name) === "boolean") button.setAttribute("aria-pressed", value(name));
      });
    },
  };

  /** Buttons of which one is chosen; arrows go from one to the next. */
  function oneOf({ name, text, options }, [many, one, chosen]) {
    const group = make(row, "div", "choice", { role: many, "aria-label": text });
    const buttons = options.map((option, i) => {
      const button = make(group, "button", "", { type: "button", role: one, title: option.hint });
      button.setAttribute("aria-label", option.text);
      make(button, "span", "long").textContent = option.text;
      make(button, "span", "short").textContent = option.short;
      button.onclick = () => put(name, option.value);
      button.onkeydown = (event) => {
        const by = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
        const next = buttons[i + by];
        if (!by || event.ctrlKey || event.altKey || event.metaKey) return;
        event.preventDefault();
        event.stopPropagation();
        next?.focus();
        next?.click();
      };
      return button;
    });
    updates.push(() => {
      options.forEach((option, i) => {
        const is = option.value === value(name);
        buttons[i].setAttribute(chosen, is);
        buttons[i].tabIndex = is ? 0 : -1;
      });
    });
    return buttons;
  }
  /** Name the panel below a row of tabs after the one that is chosen; say whether it is there. */
  function label(tabs) {
    const panel = el.closest(".esm-explore-tabbed")?.querySelector(".esm-explore-tabpanel");
    if (!panel) return false;
    panel.id ||= `esm-explore-tabpanel-${(page.named = (page.named ?? 0) + 1)}`;
    tabs.forEach((tab, i) => {
      tab.id = `${panel.id}-${i}`;
      tab.setAttribute("aria-controls", panel.id);
    });
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-labelledby", tabs.find((tab) => tab.tabIndex === 0).id);
    return true;
  }

  /** A button that goes through a choice, and stops where it is told to, or at the end. */
  function playing(button, of, icon) {
    const { options } = model.get("items").find((item) => item.name === of);
    const at = () => options.findIndex((option) => option.value === value(of));
    const show = () => {
      button.textContent = play ? "⏸" : icon;
      button.setAttribute("aria-pressed", Boolean(play));
    };
    function stop() {
      clearInterval(play);
      play = 0;
      show();
    }
    function go() {
      if (at() + 1 < options.length) put(of, options[at() + 1].value);
      if (at() + 1 >= options.length) stop();
    }
    button.onclick = () => {
      if (play) return stop();
      play = setInterval(go, PACE);
      if (at() + 1 >= options.length) put(of, options[0].value);
      else go();
      show();
    };
    updates.push(show);
  }

  function update() {
    for (const each of updates) each();
  }
  function build() {
    clearInterval(play);
    clearInterval(waiting);
    play = 0;
    updates = [];
    row.replaceChildren();
    // Tabs have a role of their own.
    if (model.get("items")[0]?.kind !== "tabs") {
      row.setAttribute("role", "toolbar");
      row.setAttribute("aria-label", model.get("label"));
    }
    for (const item of model.get("items")) kinds[item.kind](item);
    update();
  }
  model.on("change:items", build);
  model.on("change:values change:disabled", update);
  build();
  return () => {
    clearInterval(play);
    clearInterval(waiting);
    model.off("change:items", build);
    model.off("change:values change:disabled", update);
  };
}

export default { render };
