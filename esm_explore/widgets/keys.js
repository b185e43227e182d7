// Keys for the whole inspector, and a word when the kernel does not answer.

export default {
  render({ model, el }) {
    const sign = document.createElement("div");
    sign.className = "esm-explore-busy";
    el.append(sign);
    const kernel = watchKernel(model, sign);
    let root;

    function pressed(event) {
      // The head slider, the sequence and the structure have arrow keys of their own.
      if (event.defaultPrevented || event.target.closest("input, textarea, select, [role=slider]") ||
          event.ctrlKey || event.metaKey || event.altKey) return;
      if (!/^[1-9]$/.test(event.key) && !["ArrowLeft", "ArrowRight"].includes(event.key)) return;
      event.preventDefault();
      kernel.ask();
      model.send({ kind: "key", key: event.key });
    }
    // The widget is put into the page after it is rendered.
    const wait = setInterval(() => {
      root = el.closest(".esm-explore-inspector");
      if (!root) return;
      clearInterval(wait);
      root.tabIndex = 0;
      // JupyterLab's own keys (1 makes a cell a heading) must not act in here.
      root.dataset.lmSuppressShortcuts = "true";
      root.addEventListener("pointerup", kernel.ask);
      root.addEventListener("keydown", pressed);
    }, 50);
    return () => {
      clearInterval(wait);
      kernel.stop();
      root?.removeEventListener("pointerup", kernel.ask);
      root?.removeEventListener("keydown", pressed);
    };
  },
};
