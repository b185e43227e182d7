// How much room the texts of a plot take.

const SYMBOL = 48; // px of a legend's entry beside its text

const measure = document.createElement("canvas").getContext("2d");

/** Break text where it would not fit: between words, and inside one that is too long alone. */
function wrapped(text, width, size) {
  measure.font = `${size}px sans-serif`;
  const fits = (line) => measure.measureText(line).width <= width;
  const lines = [""];
  for (const word of text.split(" ")) {
    const longer = lines.at(-1) ? `${lines.at(-1)} ${word}` : word;
    if (fits(longer)) lines[lines.length - 1] = longer;
    else {
      if (lines.at(-1)) lines.push("");
      // What is escaped for plotly stays whole.
      for (const letter of word.match(/&[#\w]+;|./gsu) ?? []) {
        if (lines.at(-1) && !fits(lines.at(-1) + letter)) lines.push("");
        lines[lines.length - 1] += letter;
      }
    }
  }
  return lines;
}

/** How many lines a legend above a plot has: where they do not fit in one, all are equally wide. */
function legendLines(names, width, size) {
  measure.font = `${size}px sans-serif`;
  const wide = names.map((name) => SYMBOL + measure.measureText(name).width);
  if (wide.reduce((sum, one) => sum + one, 0) <= width) return 1;
  return Math.ceil(names.length / Math.max(1, Math.floor(width / Math.max(...wide))));
}
