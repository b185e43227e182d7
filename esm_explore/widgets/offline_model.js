// What stands for the notebook's models in a saved page, and how the page's data are unpacked.

/** What a view of the notebook takes for its model. */
class Model {
  constructor(state, { script, changed, received } = {}) {
    this.state = { _script: `IPY_MODEL_${script}`, ...state };
    this.listeners = {};
    this.pending = new Set();
    this.changed = changed ?? (() => {});
    this.received = received ?? (() => {});
    this.widget_manager = { get_model: async (name) => new Model({ source: scripts(name) }) };
  }
  get(name) {
    return this.state[name];
  }
  set(name, value) {
    const before = this.state[name];
    this.state[name] = value;
    if (before === value) return;
    this.pending.add(name);
    for (const call of this.listeners[`change:${name}`] ?? []) call(this, value);
  }
  put(values) {
    for (const [name, value] of Object.entries(values)) this.set(name, value);
    this.pending.clear();
  }
  save_changes() {
    const names = [...this.pending];
    this.pending.clear();
    for (const name of names) this.changed(name, this.state[name]);
  }
  on(names, call) {
    for (const name of names.split(" ")) (this.listeners[name] ??= []).push(call);
  }
  off(names, call) {
    for (const name of names.split(" "))
      this.listeners[name] = (this.listeners[name] ?? []).filter((other) => other !== call);
  }
  send(content) {
    if (content.kind !== "asked") return this.received(content);
    // Later, as a kernel would: who asks starts to wait after that.
    queueMicrotask(() => {
      for (const call of this.listeners["msg:custom"] ?? []) call(content);
    });
  }
}

const bytes = (text) => new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
const scripts = (name) => bytes(document.getElementById(`script-${name}`).textContent);

async function unpacked(id) {
  const packed = bytes(document.getElementById(id).textContent);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}
