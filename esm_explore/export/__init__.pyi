from .reports import report as report
from .writing import residues as residues
