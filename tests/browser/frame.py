"""What the tests of the pages share: the real server, people at the line protocol, and headless Chromium.

A test is a Case: it has a server of its own, with `events`, and browsers that it opens. After each test the console has
to have been silent, and no page may have asked another host for anything. Every wait has an end.

    class Office(Case):
        events = ["rush=5:The noon rush"]

        def test_what_is_left_moves_while_one_looks(self):
            page = self.open("/e/rush")
            self.person().ask("/book rush")
            page.wait_text("#opened-left", "4 of 5 left")

    main()

    test_NAME.py build/release [PICTURES] [TEST...]
"""
import contextlib
import itertools
import json
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

BUILD = pathlib.Path("build/release")
PICTURES = None
PASSWORD = "open sesame"
WAIT_SECONDS = 30
SWITCHES = """--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
--disable-component-update --disable-sync --hide-scrollbars --autoplay-policy=no-user-gesture-required""".split()
# What the network does not bring is said on the console, too: where a test ends the server, that is what it is about.
NO_ANSWER = ("net::ERR_CONNECTION_REFUSED", "net::ERR_CONNECTION_RESET", "net::ERR_EMPTY_RESPONSE", "WebSocket connection to",
             "net::ERR_NETWORK_IO_SUSPENDED", "net::ERR_INTERNET_DISCONNECTED")
# Chromium notes each refusal of the API's, though it is an answer like others.
REFUSED = re.compile(r"\S+/api/v1/\S+ - Failed to load resource: the server responded with a status of 4\d\d")


def wait_for(what, condition):
    """Waits until CONDITION() is true, and returns what it is."""
    end = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < end:
        with contextlib.suppress(WebDriverException):
            found = condition()
            if found:
                return found
        time.sleep(0.02)
    raise AssertionError(f"waited {WAIT_SECONDS} s for {what}")


class Server:
    """turnstiled, its store in a folder of its own, started again with the same ports."""

    def __init__(self, events, options):
        self.folder = tempfile.TemporaryDirectory(prefix="turnstile-browser-")
        self.password_file = pathlib.Path(self.folder.name) / "password"
        self.password_file.write_text(PASSWORD + "\n")
        self.password_file.chmod(0o600)
        self.arguments = ["--op-password-file", self.password_file, "--max-held", "0", *options]
        for event in events:
            self.arguments += ["--event", event]
        self.lines = self.http = 0
        self.process = None
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [BUILD.resolve() / "turnstiled", "--state", pathlib.Path(self.folder.name) / "state", "--workers", "2",
             "--listen", f"lines:127.0.0.1:{self.lines}", "--listen", f"http:127.0.0.1:{self.http}", *self.arguments],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for line in self.process.stdout:
            told = re.match(r"listening (\w+) 127\.0\.0\.1:(\d+)", line)
            if told:
                setattr(self, told[1], int(told[2]))
            if line.startswith("ready"):
                return
        raise AssertionError("turnstiled did not start")

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        self.process.wait(WAIT_SECONDS)
        self.process.stdout.close()

    def end(self):
        self.stop()
        self.folder.cleanup()

    def workers(self):
        """Their pids."""
        with contextlib.closing(Person(self.lines)) as operator:
            operator.ask(f"/op {PASSWORD}")
            return [int(row.split()[1]) for row in operator.rows("/workers")]

    def address(self, path):
        return f"http://localhost:{self.http}{path}"

    def ask(self, method, path, body=None, fields=()):
        """A request to the API, as a shop makes it; returns the JSON of the answer."""
        request = urllib.request.Request(self.address(f"/api/v1/{path}"), method=method, headers=dict(fields),
                                         data=None if body is None else json.dumps(body).encode())
        if body is not None:
            request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=WAIT_SECONDS) as answer:
            return json.load(answer)


class Person:
    """Somebody at nc."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=WAIT_SECONDS)
        self.file = self.socket.makefile("rw", encoding="utf-8", newline="\n")
        self.heard = []  # all lines so far
        self.expect(r"\+turnstile")

    def line(self):
        line = self.file.readline()
        if not line:
            raise AssertionError(f"the connection ended after {self.heard}")
        self.heard.append(line.rstrip("\n"))
        return self.heard[-1]

    def expect(self, pattern):
        """Reads until a line matches, and returns the match."""
        while True:
            found = re.match(pattern, self.line())
            if found:
                return found

    def ask(self, command):
        """Returns the final line."""
        self.file.write(command + "\n")
        self.file.flush()
        return self.expect(r"[+-].*")[0]

    def rows(self, command):
        """Those before the final line, without their "="."""
        before = len(self.heard)
        self.ask(command)
        return [line[1:] for line in self.heard[before:] if line.startswith("=")]

    def close(self):
        self.file.close()
        self.socket.close()


class Browsers:
    """Each is used again by the next test: a new server has another port, so nothing that the one before kept is there."""

    def __init__(self):
        self.free, self.profiles = [], []

    def take(self):
        driver = self.free.pop() if self.free else self.start()
        for log in ["browser", "performance"]:  # what was before
            driver.get_log(log)
        return driver

    def start(self):
        self.profiles.append(tempfile.mkdtemp(prefix="turnstile-profile-"))
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for switch in [*SWITCHES, f"--user-data-dir={self.profiles[-1]}"]:
            options.add_argument(switch)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        options.set_capability("unhandledPromptBehavior", "accept")
        driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        driver.set_script_timeout(WAIT_SECONDS)
        return driver

    def give_back(self, driver):
        for undone in ["Emulation.clearDeviceMetricsOverride", "Emulation.setEmulatedMedia"]:
            driver.execute_cdp_cmd(undone, {})
        driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
        driver.get("about:blank")
        self.free.append(driver)

    def end(self):
        for driver in self.free:
            driver.quit()
        for profile in self.profiles:
            shutil.rmtree(profile, ignore_errors=True)


BROWSERS = Browsers()


class Page:
    """A browser that somebody looks at."""

    def __init__(self, server):
        self.server = server
        self.driver = BROWSERS.take()

    def go(self, path):
        self.driver.get(self.server.address(path))
        return self

    def find(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def text(self, selector):
        """As it is seen: nothing of what is hidden."""
        return " ".join(self.find(selector).text.split())

    def content(self, selector):
        """As a screen reader has it, also where it is not seen."""
        return " ".join(self.find(selector).get_property("textContent").split())

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def click(self, selector):
        wait_for(f"{selector} to be pressed", lambda: self.find(selector).is_displayed() and self.find(selector).is_enabled())
        self.run("arguments[0].scrollIntoView({ block: 'center' })", self.find(selector))
        self.find(selector).click()

    def type(self, selector, text):
        self.find(selector).send_keys(text)

    def press(self, *keys):
        """To whatever has the focus."""
        for key in keys:
            self.driver.switch_to.active_element.send_keys(key)

    def focused(self):
        return self.driver.switch_to.active_element.get_attribute("id")

    def spoken(self):
        """The role and the name of what has the focus, as a screen reader says them."""
        element = self.driver.switch_to.active_element
        return f"{element.aria_role}: {element.accessible_name}"

    def wait_text(self, selector, text):
        """TEXT is somewhere in it."""
        try:
            return wait_for(text, lambda: text in self.text(selector))
        except AssertionError as error:
            raise AssertionError(f"{error}; {selector} says '{self.text(selector)}'") from None

    def wait_content(self, selector, text):
        return wait_for(f"'{text}' in {selector}", lambda: text in self.content(selector))

    def look(self, width, height=900, dark=False, motion=True, print_=False):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                    {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print" if print_ else "screen", "features": [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "no-preference" if motion else "reduce"}]})

    def picture(self, name, width, dark=False, height=None):
        """Into the folder that was named on the command line, if any."""
        self.look(width, dark=dark)
        height = height or self.run("return document.documentElement.scrollHeight")
        self.look(width, max(height, 500), dark)
        if PICTURES:
            self.driver.save_screenshot(f"{PICTURES}/{name}-{width}-{'dark' if dark else 'light'}.png")

    def console(self):
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def asked(self):
        """All addresses that were asked for since the last time."""
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        return {message["params"]["request"]["url"] for message in messages if message["method"] == "Network.requestWillBeSent"} | {
            message["params"]["url"] for message in messages if message["method"] == "Network.webSocketCreated"}

    def close(self):
        BROWSERS.give_back(self.driver)


class Case(unittest.TestCase):
    events = ["rush=5:The noon rush"]
    options = []
    ends_server = False  # a test here does: then the console may say that nothing answers

    def setUp(self):
        self.server = Server(self.events, self.options)
        self.addCleanup(self.server.end)
        self.pages, self.people = [], []
        self.addCleanup(self.close_all)

    def open(self, path):
        self.pages.append(Page(self.server))
        return self.pages[-1].go(path)

    def person(self):
        self.people.append(Person(self.server.lines))
        return self.people[-1]

    def close_all(self):
        for each in [*self.pages, *self.people]:
            each.close()

    def tearDown(self):
        own = re.compile(rf"(https?|wss?)://localhost:{self.server.http}/|data:|about:|blob:|chrome:")
        for page in self.pages:
            said = [message for message in page.console() if not REFUSED.match(message)]
            if self.ends_server:
                said = [message for message in said if not any(word in message for word in NO_ANSWER)]
            self.assertEqual(said, [], "on the console")
            self.assertEqual({url for url in page.asked() if not own.match(url)}, set(), "of other hosts")

    def expect_fits(self, page, widths=(320, 768, 1600)):
        """Nothing is wider than the window."""
        for width, dark in itertools.product(widths, [False, True]):
            page.look(width, dark=dark)
            self.assertLessEqual(page.run("return document.documentElement.scrollWidth"), width)


def main():
    """BUILD [PICTURES] [TEST...]"""
    global BUILD, PICTURES
    arguments = sys.argv[1:]
    if arguments:
        BUILD = pathlib.Path(arguments.pop(0))
    if arguments and "/" in arguments[0]:
        PICTURES = arguments.pop(0)
    try:
        unittest.main(module="__main__", argv=[sys.argv[0], *arguments], verbosity=2)
    finally:
        BROWSERS.end()
