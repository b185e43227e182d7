"""The package's verbs in a shell: ``esm-explore``."""

from esm_explore.cli.commands import app as app
