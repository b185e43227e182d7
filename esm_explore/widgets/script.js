// The page's side of Script: a library starts to load as soon as it is here, which is before Python
// has built the views that need it.

export default {
  initialize({ model }) {
    const name = model.get("name");
    // Without its text a view says what it does instead; what fails here the view tries again.
    if (LIBRARIES[name] && model.get("source").byteLength)
      loadOnce(name, async () => LIBRARIES[name](await textOf(model))).catch(() => {});
  },
};
