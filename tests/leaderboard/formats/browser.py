"""Headless Chromium for the tests: the DOM after scripts ran, and a page under real key presses (DevTools pipe)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from tests.command_line import LAST_RESORT

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ABSENT = "no chromium on PATH: apt-get install chromium"
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
)  # fmt: skip


def dom(page: Path) -> str:
    """The document as HTML after its scripts ran."""
    with tempfile.TemporaryDirectory() as profile:
        command = [str(CHROMIUM), *FLAGS, f"--user-data-dir={profile}", "--dump-dom", page.as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=LAST_RESORT, check=True)
    return done.stdout


class Tab:
    """One page that can be asked and typed into."""

    def __init__(self, page: Path) -> None:
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        there, self.write = os.pipe()
        self.read, back = os.pipe()
        flags = [*FLAGS, f"--user-data-dir={self.profile.name}", "--remote-debugging-pipe", "--window-size=1200,900"]
        self.process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{there} 4>&{back}', "_", str(CHROMIUM), *flags, "about:blank"],
            pass_fds=(there, back),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(there)
        os.close(back)
        self.buffer, self.count, self.session = b"", 0, ""
        target = self.call("Target.createTarget", url=page.as_uri())["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        while self.ask("document.documentElement.dataset.ready") != "yes":
            pass

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self.count += 1
        message = {"id": self.count, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write, json.dumps(message).encode() + b"\0")
        while True:
            while b"\0" not in self.buffer:
                chunk = os.read(self.read, 65536)
                assert chunk, "chromium ended"
                self.buffer += chunk
            raw, _, self.buffer = self.buffer.partition(b"\0")
            answer = json.loads(raw)
            if answer.get("id") == self.count:
                assert "error" not in answer, answer
                return answer["result"]

    def ask(self, expression: str) -> Any:
        """The value of a JavaScript expression, by value."""
        return self.call("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def press(self, key: str, text: str = "") -> None:
        code = {"Tab": 9, "Enter": 13, " ": 32}.get(key, ord(key.upper()[0]))
        common = {"key": key, "code": key if len(key) > 1 else "", "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **common)
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.profile.cleanup()
