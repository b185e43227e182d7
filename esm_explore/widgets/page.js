// Keys for the whole inspector, and a word when the kernel does not answer.
const PATIENCE = 400;

export default {
  render({ model, el }) {
    const message = document.createElement("div");
    message.className = "esm-explore-busy";
    message.setAttribute("role", "status");
    message.hidden = true;
    el.append(message);
    let asked = 0;
    let timer;
    let root;

    function ask() {
      asked += 1;
      model.send({ kind: "ping", number: asked });
      timer ??= setTimeout(() => {
        message.textContent =
          "The kernel is busy: the views follow when the running cell is done.";
        message.hidden = false;
      }, PATIENCE);
    }
    function answered(content) {
      if (content.kind !== "pong" || content.number < asked) return;
      clearTimeout(timer);
      timer = undefined;
      message.hidden = true;
    }
    function pressed(event) {
      // The head slider, the strip and the structure have arrow keys of their own.
      if (event.defaultPrevented || event.target.closest("input, textarea, select, [role=slider]") ||
          event.ctrlKey || event.metaKey || event.altKey) return;
      if (!/^[1-9]$/.test(event.key) && !["ArrowLeft", "ArrowRight"].includes(event.key)) return;
      event.preventDefault();
      ask();
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
      root.addEventListener("pointerup", ask);
      root.addEventListener("keydown", pressed);
    }, 50);
    model.on("msg:custom", answered);
    return () => {
      clearInterval(wait);
      clearTimeout(timer);
      model.off("msg:custom", answered);
      root?.removeEventListener("pointerup", ask);
      root?.removeEventListener("keydown", pressed);
    };
  },
};
