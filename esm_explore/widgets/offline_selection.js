// What is chosen in a saved page: what `Selection`, `History` and the find box do in the notebook.

/**
 * `say` tells the reader something, "" takes it away; `changed` is called after each choice.
 */
function selectionOf(saved, say, changed) {
  const { chains } = saved;
  const now = {
    ...{ chain: saved.chain, selected: saved.selected, selection: saved.selection },
    ...{ step: saved.step, color: saved.color, tab: saved.tab },
  };
  const past = [];

  function put(chain, selected, selection) {
    Object.assign(now, { chain, selected, selection });
    say("");
    changed();
  }
  function choose(chain, selected, selection = []) {
    past.push([now.chain, now.selected, now.selection]);
    put(chain, selected, selection);
  }
  const goBack = () => past.length && put(...past.pop());
  const select = (chain, residue) =>
    choose(chain, residue, chain === now.chain ? now.selection : []);
  const many = (chain, residues) =>
    choose(chain, chain === now.chain ? now.selected : -1, residues);
  function haveCode(chain, code) {
    const { tokens, title } = chains[chain];
    const same = tokens.map((_, i) => i).filter((i) => tokens[i] === code);
    many(chain, same);
    if (!same.length) say(`No residue of ${title} has code ${code} as its token.`);
  }
  /** Choose what is typed; say whether it is there. */
  function find(text) {
    const wanted = text.trim();
    if (!wanted) return false;
    const { labels, tokens } = chains[now.chain];
    const range = wanted.match(/^(-?\w+)\s*-\s*(-?\w+)$/);
    const token = wanted.match(/^token\s*(\d+)$/i);
    const [low, high] = (range?.slice(1) ?? [wanted, wanted]).map((label) => labels.indexOf(label));
    const all = labels.map((_, i) => i);
    const found = token
      ? all.filter((i) => tokens[i] === Number(token[1]))
      : all.filter((i) => low >= 0 && low <= i && i <= high);
    if (!found.length) {
      say(
        `${wanted} is not in ${chains[now.chain].title}. In a saved page find takes a ` +
          `residue's number (${labels[0]} to ${labels.at(-1)}), a range of them, or token and its number.`,
      );
      return false;
    }
    if (token || range) many(now.chain, found);
    else select(now.chain, found[0]);
    return true;
  }
  /** The counterparts in a chain of what is chosen. */
  function partner(chain) {
    if (chain === now.chain) return [now.selected, now.selection];
    const match = saved.match[now.chain][chain];
    const known = (i) => i >= 0;
    return [
      known(now.selected) ? match[now.selected] : -1,
      now.selection.map((i) => match[i]).filter(known),
    ];
  }
  return {
    now,
    choose,
    select,
    many,
    haveCode,
    find,
    goBack,
    partner,
    hasPast: () => past.length > 0,
  };
}
