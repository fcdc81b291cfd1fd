"""The page in the window, driven by WebDriver (W3C), which is plain HTTP and JSON."""
import base64
import json
import socket
import subprocess
import urllib.error
import urllib.request

from rig import processes
from rig.waiting import until

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
ANSWER_S = 60
KEYS = {"enter": "\ue007", "escape": "\ue00c", "space": " ", "delete": "\ue017"}


# Errors that nobody caught are in the page's own notices too, from its first moment on.
WATCH_ERRORS = """
    const { error } = console;
    window.reported = [];
    console.error = (...words) => {
        window.reported.push(words.map(String).join(" "));
        error.apply(console, words);
    };
"""
REPORTED_ERRORS = """
    const told = [...document.querySelectorAll("[data-defect]")].map((notice) => notice.textContent);
    return [...(window.reported ?? []), ...told];
"""


class Refused(Exception):
    """The driver answered with an error."""


class Page:
    """A window under the control of tauri-driver, which starts the program and ends it."""

    def __init__(self, program, environment, log, arguments=()):
        self.log = open(log, "ab")
        port, native_port = _free_port(), _free_port()
        self.driver = subprocess.Popen(
            ["tauri-driver", "--port", str(port), "--native-port", str(native_port)],
            env=environment,
            stdout=self.log,
            stderr=self.log,
        )
        self.base = f"http://127.0.0.1:{port}"
        self.session = None
        try:
            # The driver answers before WebKit's own one does, and passes nothing on until then.
            until("both drivers answer", lambda: _answers(port) and _answers(native_port))
            options = {"application": str(program), "args": list(arguments)}
            wanted = {"capabilities": {"alwaysMatch": {"browserName": "wry", "tauri:options": options}}}
            self.session = self._ask("POST", "/session", wanted)["sessionId"]
            # tauri-driver has done its part. Its way to WebKit's driver breaks now and then, when it takes up a
            # connection that the other side is about to close.
            self.base = f"http://127.0.0.1:{native_port}"
        except BaseException:
            self.close()
            raise

    def close(self):
        """Ends the session, the program and the drivers."""
        below = processes.children(self.driver.pid)
        if self.session:
            try:
                self._ask("DELETE", f"/session/{self.session}")
            except (Refused, OSError):
                pass  # the program is already gone
            self.session = None
        # The program outlives its window, as it should, and its driver.
        for process in below:
            processes.end(process)
        self.driver.terminate()
        self.driver.wait()
        until("nothing is left", lambda: not any(map(processes.name, below)))
        self.log.close()

    def run(self, script, *arguments):
        """What a function body gives in the page."""
        return self._in_session("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def watch_errors(self):
        """Gathers what the page logs as errors from now on."""
        self.run(WATCH_ERRORS)

    def reported_errors(self):
        """What the page has logged as errors, and told as its own mistakes; nothing once the page is gone."""
        try:
            return self.run(REPORTED_ERRORS) if self.session else []
        except (Refused, OSError):
            return []

    def call(self, name, /, **params):
        """What the engine replies to a call of this page."""
        script = "return window.__TAURI_INTERNALS__.invoke('rpc', { call: arguments[0], params: arguments[1] })"
        return self.promised(script, name, params)

    def promised(self, script, *arguments):
        """What the promise that a function body gives comes to."""
        waiting = f"""
            const [done, ...given] = [arguments[arguments.length - 1], ...arguments];
            (function () {{ {script} }})(...given).then(
                (kept) => done({{ kept }}),
                (broken) => done({{ broken: String(broken.message ?? broken) }}),
            );
        """
        answer = self._in_session("POST", "/execute/async", {"script": waiting, "args": list(arguments)})
        if "broken" in answer:
            raise Refused(answer["broken"])
        return answer["kept"]

    def find(self, xpath):
        """The elements, as the driver names them."""
        return self._in_session("POST", "/elements", {"using": "xpath", "value": xpath})

    def the(self, xpath, seconds=None):
        """The first such element that can be seen, waited for."""
        visible = lambda: next((one for one in self.find(xpath) if self._of(one, "/displayed")), None)  # noqa: E731
        return until(f"the page shows {xpath}", visible, **({} if seconds is None else {"seconds": seconds}))

    def click(self, xpath):
        """Clicks the first such element; one that moves under the pointer is tried again."""

        def clicked():
            try:
                self._in_session("POST", f"/element/{self.the(xpath)[ELEMENT]}/click", {})
                return True
            except Refused:
                return False

        until(f"{xpath} can be clicked", clicked)

    def button(self, name):
        """Clicks the button that a screen reader calls so."""
        self.click(f"//button[not(@disabled)][normalize-space(.)='{name}' or @aria-label='{name}' or @title='{name}']")

    def choose_language(self, language):
        """Chooses a language, by its code, in the settings."""
        self.button("Settings")
        self.run(f"""
            const choice = [...document.querySelectorAll("dialog select")].find((one) => one.querySelector("[value={language}]"));
            choice.value = "{language}";
            choice.dispatchEvent(new Event("change", {{ bubbles: true }}));
        """)

    def write(self, xpath, text):
        """Types into an element."""
        self._in_session("POST", f"/element/{self.the(xpath)[ELEMENT]}/value", {"text": text})

    def text(self, xpath):
        return self._of(self.the(xpath), "/text")

    def dialog_text(self):
        """All text and fields of the open dialog; empty while there is none."""
        script = """
            const dialog = document.querySelector("dialog[open], [role=dialog]");
            const fields = dialog ? [...dialog.querySelectorAll("input, textarea")].map((field) => field.value) : [];
            return dialog ? [dialog.textContent, ...fields].join("\\n") : "";
        """
        return self.run(script)

    def press(self, key):
        """Presses a key in the element that has the focus."""
        down_up = [{"type": kind, "value": KEYS.get(key, key)} for kind in ("keyDown", "keyUp")]
        self._in_session("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": down_up}]})

    def drag(self, start, end):
        """Drags from one place of the page to another; the screen's own pointer does not reach a page under WebDriver."""
        moves = [{"type": "pointerMove", "duration": 150, "x": x, "y": y} for x, y in ((start[0], start[1] - 12), end)]
        hand = [
            {"type": "pointerMove", "duration": 0, "x": start[0], "y": start[1]},
            {"type": "pointerDown", "button": 0},
            *moves,
            {"type": "pointerUp", "button": 0},
        ]
        mouse = {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": hand}
        self._in_session("POST", "/actions", {"actions": [mouse]})

    def paint(self):
        """Waits until the page has painted what it contains now."""
        frame = "new Promise((painted) => requestAnimationFrame(painted))"
        self.promised(f"return {frame}.then(() => {frame})")

    def keep(self, picture):
        """Keeps a picture of the page."""
        picture.write_bytes(base64.b64decode(self._in_session("GET", "/screenshot")))

    def _of(self, element, what):
        try:
            return self._in_session("GET", f"/element/{element[ELEMENT]}{what}")
        except Refused:
            return None  # it has gone meanwhile

    def _in_session(self, method, path, body=None):
        return self._ask(method, f"/session/{self.session}{path}", body)

    def _ask(self, method, path, body=None):
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, content, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_S) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as refusal:
            raise Refused(refusal.read().decode(errors="replace")) from None


def _free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def _answers(port):
    with socket.socket() as attempt:
        attempt.settimeout(1)
        return attempt.connect_ex(("127.0.0.1", port)) == 0
