from .writing import residues as residues
