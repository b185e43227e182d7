"""What the inspector's words mean: one sentence each, for a structural biologist.

``docs/glossary.md`` holds the same sentences; a test compares the two.
"""

from __future__ import annotations

from esm_explore.errors import TraceError

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


def explain(term: str) -> str:
    """Say what a term means.

    Parameters
    ----------
    term : str
        One of `TERMS`, in any case, also with an s.

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
    known = {name.lower(): sentence for name, sentence in TERMS.items()}
    wanted = term.lower()
    for name in (wanted, wanted.removesuffix("s"), wanted.removesuffix("es")):
        if name in known:
            return known[name]
    raise TraceError(f"{term!r} is not in the glossary; it has: {', '.join(TERMS)}.")
