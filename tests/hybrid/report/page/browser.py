"""Chromium without a window, driven over chromedriver's HTTP protocol (W3C WebDriver), for the tests of pages."""

import base64
import json
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import List, Optional

CHROMIUM = next((path for path in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if path), None)
DRIVER = shutil.which("chromedriver")
INSTALLED = bool(CHROMIUM and DRIVER)

TAB, ENTER, SPACE, END = "\ue004", "\ue007", "\ue00d", "\ue010"
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the key of an element's id, fixed by the protocol


class Browser:
    """A session; a context manager. What is not below goes through `script`."""

    def __enter__(self) -> "Browser":
        self._process = subprocess.Popen([DRIVER, "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                         encoding="utf-8")
        try:
            self._base = f"http://127.0.0.1:{self._port()}/session"
            options = {"binary": CHROMIUM, "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                "--disable-background-networking"]}
            wanted = {"goog:loggingPrefs": {"browser": "ALL"}, "goog:chromeOptions": options}
            self._session = self._call("POST", "", {"capabilities": {"alwaysMatch": wanted}})["sessionId"]
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_) -> None:
        try:
            self.call("DELETE", "")
        finally:
            self._end()

    def _end(self) -> None:
        self._process.terminate()
        self._process.wait(10)
        self._process.stdout.close()

    def _port(self) -> int:
        for line in self._process.stdout:
            found = re.search(r"started successfully on port (\d+)", line)
            if found:
                return int(found[1])
        raise RuntimeError("chromedriver did not start")

    def _call(self, method: str, path: str, body: Optional[dict] = None):
        data = None if method != "POST" else json.dumps(body or {}).encode("utf-8")
        request = urllib.request.Request(self._base + path, data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{method} {path}: {error.read().decode('utf-8')[:500]}") from None

    def call(self, method: str, path: str, body: Optional[dict] = None):
        """A command of this session. Returns its value."""
        return self._call(method, f"/{self._session}{path}", body)

    def open(self, path: Path) -> None:
        """Returns when the page is loaded, also where the driver itself returns before."""
        self.script("window.beforeThis = true")
        self.call("POST", "/url", {"url": Path(path).absolute().as_uri()})
        self.devtools("Emulation.setFocusEmulationEnabled", enabled=True)
        self.wait_for("!window.beforeThis && document.readyState === 'complete'")

    def wait_for(self, condition: str) -> None:
        """Asks again and again, also across pages. Raises TimeoutError after a minute."""
        end = time.monotonic() + 60
        while not self.script(f"return Boolean({condition})"):
            if time.monotonic() > end:
                raise TimeoutError(condition)
            time.sleep(0.05)

    def script(self, text: str, *arguments):
        """What the body of a function returns; its arguments are arguments[0], ..."""
        return self.call("POST", "/execute/sync", {"script": text, "args": list(arguments)})

    def log(self) -> List[dict]:
        """Messages of the console since the last call: level, message."""
        return self.call("POST", "/se/log", {"type": "browser"})

    def devtools(self, command: str, **parameters):
        return self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def resize(self, width: int, height: int, narrow: bool = False) -> None:
        """Size of the page in CSS pixels, whatever a window could have. narrow: a phone."""
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height,
                      deviceScaleFactor=1, mobile=narrow)

    def emulate(self, media: str = "", **features) -> None:
        """media: print or screen. features: such as prefers_color_scheme="dark"."""
        pairs = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.devtools("Emulation.setEmulatedMedia", media=media, features=pairs)

    def press(self, *keys: str) -> None:
        """Presses and lets go of one key after the other, wherever the focus is."""
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self.call("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def pdf(self) -> bytes:
        return base64.b64decode(self.devtools("Page.printToPDF", printBackground=True)["data"])

    def screenshot(self, whole: bool = False) -> bytes:
        """PNG. whole: the page as far as it reaches."""
        if not whole:
            return base64.b64decode(self.call("GET", "/screenshot"))
        found = self.devtools("Page.captureScreenshot", captureBeyondViewport=True)
        return base64.b64decode(found["data"])
