// What the inspector does as a whole: its keys, its size, the full window, the kernel's silence.

const LEAST = 480; // px
const NARROW = 640;
const CONTAINERS = ".jp-WindowedPanel-outer, .jp-MainAreaWidget, .jp-LinkedOutputView";

export default {
  render({ model, el }) {
    const sign = document.createElement("div");
    sign.className = "esm-explore-busy";
    el.append(sign);
    const kernel = watchKernel(model, sign);
    let root;
    let container;

    function pressed(event) {
      // What can be typed into, and what has arrow keys of its own, keeps them.
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      const typing = event.target.closest("input, textarea, select");
      const known =
        event.key === "Escape" || (!typing && /^([1-9]|Arrow(Left|Right))$/.test(event.key));
      if (!known) return;
      event.preventDefault();
      if (event.key === "Escape" && root.matches(".esm-explore-full")) return full();
      model.send({ kind: "key", key: event.key });
    }
    /** As high as what the notebook shows at once, so that nothing has to be scrolled to. */
    function fit() {
      const high = root.matches(".esm-explore-full")
        ? window.innerHeight
        : Math.min(container?.clientHeight || Infinity, window.innerHeight) - 12;
      root.style.setProperty("--esm-explore-height", `${Math.max(high, LEAST)}px`);
      root.classList.toggle("esm-explore-narrow", root.clientWidth < NARROW);
    }
    // In the browser's top layer, which no box of the notebook cuts off.
    function full() {
      const on = root.classList.toggle("esm-explore-full");
      if (on) {
        root.popover = "manual";
        root.showPopover();
      } else {
        root.hidePopover();
        root.removeAttribute("popover");
      }
      fit();
      root.scrollIntoView({ block: "nearest" });
    }
    const sized = new ResizeObserver(() => fit());
    const asked = () => kernel.ask();

    // The widget is put into the page after it is rendered.
    const wait = setInterval(() => {
      root = el.closest(".esm-explore-inspector");
      if (!root?.isConnected) return;
      clearInterval(wait);
      container = root.closest(CONTAINERS);
      root.tabIndex = 0;
      root.setAttribute("role", "group");
      root.setAttribute("aria-label", model.get("label"));
      // JupyterLab's own keys (1 makes a cell a heading) must not act in here.
      root.dataset.lmSuppressShortcuts = "true";
      root.addEventListener("pointerup", asked);
      root.addEventListener("keyup", asked);
      root.addEventListener("keydown", pressed);
      root.addEventListener("esm-explore-full", full);
      if (container) sized.observe(container);
      sized.observe(document.documentElement);
      sized.observe(root);
    }, 50);
    return () => {
      clearInterval(wait);
      kernel.stop();
      sized.disconnect();
      if (!root) return;
      root.removeEventListener("pointerup", asked);
      root.removeEventListener("keyup", asked);
      root.removeEventListener("keydown", pressed);
      root.removeEventListener("esm-explore-full", full);
    };
  },
};
