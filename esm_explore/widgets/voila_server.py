"""Voilà, closed to everybody else: one notebook, this machine, this Python, no configuration."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from traitlets import List, Unicode
from traitlets.config import Config
from voila.app import Voila

# Voilà's page asks for fonts from elsewhere; the browser is told to load nothing from there.
_OWN = (
    "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'; "
    "connect-src 'self' data: blob: ws://{host}:{port}; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)


# What Voilà would load besides is for JupyterLab, or somebody's own.
_EXTENSIONS = [
    "@jupyter-widgets/jupyterlab-manager",
    "@voila-dashboards/widgets-manager8",
    "anywidget",
]


class OwnPython(KernelSpecManager):
    """Knows the running Python as ``python3``, whatever kernels are registered."""

    kernel_dirs = List(Unicode())

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Give what starts it; it says in the terminal only what is wrong."""
        found = super().get_kernel_spec(kernel_name)
        found.argv.append("--log-level=ERROR")
        return found


class Server(Voila):
    """Voilà that shows one notebook; made by `of`."""

    ready: Callable[[], None]

    @classmethod
    def of(
        cls, notebook: Path, host: str, port: int, token: str, ready: Callable[[], None]
    ) -> Server:
        """Make one; it calls `ready` when its page can be opened."""
        own = _OWN.format(host=host, port=port)
        settings = Config(
            Voila={
                "ip": host,
                "port": port,
                "port_retries": 0,
                "token": token,
                "notebook_path": str(notebook),
                "root_dir": str(notebook.parent),
                # A file of settings is a program: none is taken from where one happens to be.
                "config_file_paths": [],
                "tornado_settings": {
                    "headers": {"Content-Security-Policy": own},
                    "ws_ping_interval": 0,  # nothing lies between that would cut a quiet line
                },
                "log_level": "ERROR",
            },
            VoilaConfiguration={
                "kernel_spec_manager_class": OwnPython,
                "extension_allowlist": _EXTENSIONS,
                "show_tracebacks": True,
            },
        )
        server = cls(config=settings)
        server.ready = ready
        return server

    def serve(self) -> None:
        """Serve until it is interrupted."""
        before = signal.getsignal(signal.SIGTERM)
        self.initialize([])
        signal.signal(signal.SIGTERM, before)
        self.start()

    def launch_browser(self) -> None:
        """Instead of opening a browser through a page that asks for fonts from elsewhere."""
        self.ready()
