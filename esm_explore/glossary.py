"""What our words mean: a sentence or two each, for a structural biologist.

``docs/glossary.md`` holds the same sentences, and where each word is from; a test compares the two.
"""

from __future__ import annotations

from esm_explore.errors import TraceError

# The inspector's: hovering over one there shows its sentence.
TERMS = {
    "node": "One of the residues of a neighborhood (16 of them), the residue itself among them.",
    "query": "The node that a neighborhood is about: its first, and the only one whose state goes "
    "on to the token.",
    "neighborhood": "The 16 residues whose CA atoms are nearest to a residue's, itself included: "
    "all that its token knows of the protein.",
    "rank": "Place in the neighborhood: 0 is the residue itself, 1 the nearest other residue.",
    "residue": "One amino acid of the chain, named by its number in the file and, after it, an "
    "insertion code if it has one.",
    "along the chain": "A node's residue number minus the query's: -4 is the residue four before.",
    "CA distance": "From a node's CA atom to the query's, in Å.",
    "bin": "Row of the table of 66 embeddings that a node starts from: 33 is the query itself, 34 "
    "the next residue; 1 and 65 stand for all that are 32 or more before and after.",
    "backbone frame": "The axes that N, CA and C of a residue span: where it is and how it is "
    "turned. Without all three atoms there is none.",
    "KNN": "The first step: each residue's nearest neighbors by the distance of CA atoms.",
    "relative position": "Where a node stands along the chain as seen from the query, clipped to "
    "32 residues before and after; the encoder's only word about sequence order.",
    "geometric attention": "Nodes exchange what they hold; how much depends on how far apart they "
    "are and how they are turned to each other, not on amino acids.",
    "attention": "The share of its attention that the query gives to a node; all shares add up "
    "to 1.",
    "head": "One of the parallel parts of geometric attention, each with its own scales for "
    "distance and rotation.",
    "distance term": "What the distance between points of two nodes takes off the attention's "
    "logit, shown with its minus sign: nearer zero means more attention.",
    "rotation term": "What the alignment of directions of two nodes adds to the attention's "
    "logit; larger means more attention.",
    "logit": "The number before the softmax that makes shares of it: rotation term minus distance "
    "term.",
    "block": "Geometric attention followed by a feed-forward network; ESM3's encoder has two.",
    "feed-forward": "A small network that works on each node by itself, after attention.",
    "state": "The numbers that a node holds at a step; each block adds to them.",
    "latent": "The numbers (128) that one linear layer (pre_vq) makes of the query's state, before "
    "the nearest code takes their place.",
    "codebook": "The fixed list of codes (4096 in ESM3), each a point among the latents.",
    "code": "An entry of the codebook, which stands in for all latents nearest to it.",
    "token": "The number of the code that is nearest to the latent: what ESM3 reads.",
    "margin": "Distance to the second nearest code minus that to the nearest: near 0, the token "
    "could easily have been the other.",
    "burial": "How many other CA atoms are within 10 Å of a residue's.",
    "secondary structure": "Helix, strand or coil, assigned by P-SEA from CA atoms alone; other "
    "methods (DSSP) differ at the ends.",
    "PCA": "A flat view of many numbers: the two directions in which they differ most.",
    "UMAP": "A flat view that keeps near neighbors near; far distances on it mean little.",
    "cosine": "How alike two vectors point: 1 the same way, 0 at right angles, -1 opposite.",
    "stage": "A step of the encoder between coordinates and token.",
    "distance": "How far apart two residues are at a stage: of their states; at KNN of their "
    "neighborhoods, in Å.",
    "random pairs nearer": "Share of pairs of residues, drawn at random from the chains shown, "
    "that are nearer to each other at this stage.",
    "category": "What an atlas counts a code's residues by: a value of a kind, such as secondary "
    "structure; or a code that borders this one, or stands before or after it in the chain.",
    "count": "How many residues of the atlas; those without a backbone frame are not counted.",
    "share": "Of the code's residues; of a code that borders it, those whose runner-up it is.",
    "enrichment": "Share among a code's residues over the share among all of the atlas: 2 is twice "
    "as often.",
    "q-value": "How surely a share is another than that of all residues: of those with a q-value "
    "below 0.05 about 5 % are chance (Benjamini and Hochberg). Neighbors in a chain are not "
    "independent, so it is too small.",
    "medoid": "Of a code's residues in the atlas the one whose latent is nearest to their mean.",
    "exemplar": "One of the residues whose latents are nearest to the mean of their code's, each "
    "of another chain.",
    "runner-up": "The code that is second nearest to the latent.",
    "effect": "How far the latent moves when something is taken away: one neighbor, or one head.",
}

# What doctor, files and notebooks speak of beyond that.
FURTHER = {
    "accuracy": "Share of residues of which a probe says the right thing; to be compared with "
    "always saying what is most frequent.",
    "alternate location": "A second place for the same atoms in a crystal structure. The most "
    "occupied one is used.",
    "B-factor": "How far an atom is spread about its place in a crystal, in Å²; high where the "
    "structure is uncertain.",
    "backbone": "The atoms N, CA, C and O of each residue, without side chains; the encoder uses "
    "the first three.",
    "CA": "The alpha carbon, the atom of the backbone that the side chain is bonded to.",
    "chain": "One protein molecule of a structure, named by a letter in its file. Each is encoded "
    "alone, and its tokens do not know what others do beside it, unless a complex is one input.",
    "chain break": "What stands between two chains that are one input: in esm a row `|` without "
    "coordinates, whose token ESM3 replaces by 4100; in residue numbers a jump of more than 32, "
    "here of 512.",
    "clash": "Atoms nearer to each other than atoms can be.",
    "commitment loss": "What training adds to keep latents near their codes: 0.25 times the mean "
    "squared difference of the two.",
    "constant code": "The code that every residue without a backbone frame gets, as its state is "
    "set to zero: it says nothing.",
    "D-amino acid": "The mirror image of a usual amino acid; rare in proteins, and often an error "
    "of a model.",
    "distance weight": "How much a head's logits weigh distance: the softplus of a learned "
    "number, 0.69 before training.",
    "EMA": "Exponential moving average: what was kept so far times 0.99, and what is new times "
    "0.01. ESM3's codes are such averages of the latents that chose them.",
    "embedding": "The row of numbers that a table holds for something that has no numbers of its "
    "own, such as a relative position.",
    "encoder": "The network from coordinates to tokens; ESM3's was trained as one half of a "
    "VQ-VAE.",
    "entropy": "How evenly a head spreads its attention, in bits: 0 is all on one node, 4 is the "
    "same on all 16.",
    "gap": "Residues that a structure lacks although the protein has them; numbers jump there.",
    "insertion code": "A letter after a residue number that several residues share (37, 37A, "
    "37B). The encoder is told the number without the letter.",
    "interface": "Where chains meet: residues with a node in another chain, if all were one input.",
    "joint encoding": "Several chains encoded as one input, so that neighborhoods reach across "
    "them. Their tokens are of another kind than those of the chains alone.",
    "mini": "The small encoder of ESM3's kind that is bundled with this package. Its codes are "
    "its own: their numbers mean nothing to ESM3.",
    "model": "One of several versions of a structure in a file, as NMR gives them. Tokens are "
    "made of one.",
    "modified residue": "A residue that is none of the 20 amino acids, such as selenomethionine; "
    "it gets a token as any other.",
    "near-tie": "A token whose margin is so small that moving atoms by 0.01 Å can turn it over.",
    "neighbor": "One of the 15 other residues of a neighborhood.",
    "numbering": "Which residue numbers the encoder is told: the file's, or 1 to L as esm's "
    "`tokenize_structure` counts.",
    "occupancy": "Share of the molecules in a crystal in which an atom is at this place.",
    "perplexity": "How many codes, all used alike, would be as hard to guess as those that were "
    "used.",
    "pLDDT": "How sure a structure predictor is of a residue, from 0 to 100 (in esm 0 to 1). It "
    "is no attention mask.",
    "pre_vq": "The latent, as esm names it: what the layer pre_vq_proj makes of the query's state.",
    "probe": "A simple classifier fitted to a stage's numbers, to find out what can be read off "
    "them; here linear discriminant analysis, tested on chains that it has not seen.",
    "quantization": "Putting the nearest code in the place of a latent: many latents become one "
    "token.",
    "radius": "Of a neighborhood: the CA distance to its farthest neighbor, in Å. Large where "
    "little is near.",
    "reach": "Mean CA distance of what a head attends to, each node counted by its attention; in "
    "Å.",
    "residue number": "The number that a file gives a residue. Differences of these are the "
    "encoder's relative positions.",
    "rotation weight": "How much a head's logits weigh directions: the softplus of a learned "
    "number, 0.69 before training.",
    "special token": "A number from 4096 on that is no code: 4096 mask, 4097 end (EOS), 4098 "
    "begin (BOS), 4099 padding, 4100 chain break.",
    "superposition": "Two structures laid on each other so that the squared distances of their "
    "atoms are least; needed before asking how far a residue has moved.",
    "trace": "All that the encoder computed for one chain, stage by stage.",
    "trustworthiness": "How far neighbors on a map are neighbors in the data: 1 if no point has a "
    "neighbor on the map that it does not have there.",
    "VQ-VAE": "An encoder and a decoder, trained together, with a codebook between them: the "
    "decoder has to rebuild the backbone from codes alone.",
    "z_q": "The code in the latent's place: the same for all residues of one token. Not the "
    "latent, though `encode` returns it.",
    # Of the atlas and the experiments.
    "3Di": "Foldseek's alphabet for structures: one of 20 letters a residue, for how it lies to "
    "its nearest neighbor in space.",
    "AUROC": "The probability that a moved residue has a higher score than a still one: 0.5 is "
    "guessing, 1 is perfect.",
    "border": "A code that is often the runner-up of another: what residues of that one would "
    "have had next.",
    "DSSP": "Secondary structure in eight letters, by hydrogen bonds of the backbone.",
    "flip radius": "How far all backbone atoms are moved at random, in Å, until a residue's "
    "token changes.",
    "knock-out": "Running the encoder again without one neighbor or one head, and looking at how "
    "far the latent moves and whether the token changes.",
    "P-SEA": "Secondary structure as helix, strand or coil, from CA atoms alone; it does not "
    "agree with DSSP everywhere.",
    "swap": "The last neighbor of a neighborhood and the next residue change places, by however "
    "little, and the token with them.",
    "synonym": "Another code that is near in the codebook, is often the runner-up, and has "
    "residues of the same kinds.",
}


def explain(term: str) -> str:
    """Say what a term means.

    Parameters
    ----------
    term : str
        One of `TERMS` or `FURTHER`, in any case, also with an s.

    Returns
    -------
    str

    Raises
    ------
    TraceError
        If it is none of them.

    Examples
    --------
    >>> explain("Margins")[:38]
    'Distance to the second nearest code mi'
    """
    every = TERMS | FURTHER
    known = {name.lower(): sentence for name, sentence in every.items()}
    wanted = term.lower()
    for name in (wanted, wanted.removesuffix("s"), wanted.removesuffix("es")):
        if name in known:
            return known[name]
    raise TraceError(f"{term!r} is not in the glossary; it has: {', '.join(every)}.")
