#!/usr/bin/python3
"""The pages of `turnstile race --html` and `turnstile lab --html` in headless Chromium: they ask nobody, say nothing on the
console, the tasks can be solved, and the page counts and refuses as the program does.

    test_page.py build/release [PICTURES]
"""
import itertools
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

TURNSTILE = f"{sys.argv.pop(1)}/turnstile"
PICTURES = sys.argv.pop(1) if len(sys.argv) > 1 and not sys.argv[1].startswith("-") else None
STRATEGIES = ["none", "lock", "join", "semaphore", "atomic"]
SWITCHES = """--headless --no-sandbox --disable-gpu --disable-quic --no-first-run
--disable-background-networking --disable-component-update --disable-sync --hide-scrollbars""".split()


def turnstile(*arguments):
    return subprocess.run([TURNSTILE, "race", *arguments], capture_output=True, text=True, timeout=120)


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.file = pathlib.Path(cls.folder.name) / "race.html"
        made = turnstile("--quiet", "--seed=7", "--serialize=all", "--buyers=6", "--tickets=2", f"--html={cls.file}")
        assert made.returncode == 0, made.stderr
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for switch in [*SWITCHES, f"--user-data-dir={cls.folder.name}/profile"]:
            options.add_argument(switch)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        service = Service("/usr/bin/chromedriver")
        cls.browser = webdriver.Chrome(options=options, service=service)

    @classmethod
    def tearDownClass(cls):
        cls.browser.quit()
        cls.folder.cleanup()

    def setUp(self):
        self.browser.get("about:blank")
        self.browser.get(self.file.as_uri())

    def run_in_page(self, script, *arguments):
        return self.browser.execute_script(script, *arguments)

    def step(self, *buyers):
        for buyer in buyers:
            self.browser.find_element(By.CSS_SELECTOR, f'[data-act=step][data-buyer="{buyer - 1}"]').click()

    def set_up(self, task):
        self.browser.find_elements(By.CSS_SELECTOR, "#task-list button")[task - 1].click()

    def solved(self):
        items = self.browser.find_elements(By.CSS_SELECTOR, "#task-list li")
        return [i + 1 for i, item in enumerate(items) if "solved" in item.get_attribute("class").split()]

    def text(self, name):
        return self.browser.find_element(By.ID, name).text

    def test_it_asks_nobody_and_says_nothing_on_the_console(self):
        for log in ["browser", "performance"]:  # what the browser did for itself before
            self.browser.get_log(log)
        self.setUp()
        self.browser.find_element(By.ID, "play").click()
        self.assertEqual(self.browser.get_log("browser"), [])
        messages = [json.loads(entry["message"])["message"] for entry in self.browser.get_log("performance")]
        asked = {message["params"]["request"]["url"] for message in messages
                 if message["method"] == "Network.requestWillBeSent"}
        self.assertEqual({url for url in asked if not url.startswith(("file:", "data:", "about:"))}, set())
        self.assertLess(self.file.stat().st_size, 300_000)

    def test_all_seven_tasks_are_solved_by_clicks(self):
        ways = [[1, 2, 1, 2], [1, 1, 2, 2], [1, 1, 2, 3, 2, 3], [1], [1] * 4 + [2] * 4, [1, 2, 1, 2, 1, 2]]
        for task, way in enumerate(ways, 1):
            self.set_up(task)
            self.step(*way)
            if task == 5:
                self.assertIn("1 of 2 seen", self.text("task-list"))
                self.set_up(task)
                self.step(*[2] * 4 + [1] * 4)
            self.assertIn(task, self.solved())
        self.set_up(7)
        self.step(1, 1)
        self.browser.find_element(By.CSS_SELECTOR, '[data-act=kill][data-buyer="0"]').click()
        self.assertNotIn(7, self.solved())
        self.step(2, 2, 2)
        self.assertEqual(self.solved(), [1, 2, 3, 4, 5, 6, 7])

    def test_who_has_ended_has_nothing_to_press(self):
        self.step(1, 1)
        pressed = self.browser.find_elements(By.CSS_SELECTOR, "[data-act]")
        self.assertEqual({button.get_attribute("data-buyer") for button in pressed}, {"1"})
        self.step(2, 2)
        self.assertEqual(self.browser.find_elements(By.CSS_SELECTOR, "[data-act]"), [])
        self.assertEqual(self.browser.switch_to.active_element.get_attribute("id"), "undo")

    def test_one_is_not_said_to_be_many(self):
        self.run_in_page('Scheduler.load({ strategy: "join", buyers: 2, tickets: 1 })')
        self.assertIn("one schedule only", self.text("count"))
        self.assertEqual(self.run_in_page('return [1, 2].map((n) => Run.counted(n, "ticket"))'), ["1 ticket", "2 tickets"])

    def test_task_three_says_how_long_the_best_way_is(self):
        told = json.loads(turnstile("--exhaustive", "--json", "--buyers=3", "--tickets=2").stdout)
        shortest = next(s["shortest"] for s in told["strategies"] if s["strategy"] == "none")
        self.assertIn(f"it has {len(shortest.split())} steps", self.text("task-list"))

    def test_it_is_steered_by_the_keyboard_alone_undone_and_redone(self):
        body = self.browser.find_element(By.TAG_NAME, "body")
        body.send_keys("1212")
        self.assertIn("1 too many", self.text("stock"))
        body.send_keys("u")
        self.assertIn("1 sold of 1", self.text("stock"))
        body.send_keys("r")
        self.assertIn("1 too many", self.text("stock"))
        self.assertEqual(self.solved(), [1])

    def test_the_schedule_stands_in_the_address_and_on_the_line_to_be_copied(self):
        self.step(1, 2, 1)
        address = self.browser.current_url
        self.assertTrue(address.endswith("#none/2/1/1r.2r.1w"), address)
        line = self.browser.find_element(By.ID, "command").get_attribute("value")
        self.assertIn('--schedule "1r 2r 1w"', line)
        self.browser.get("about:blank")
        self.browser.get(address)
        self.assertIn("1 sold of 1", self.text("stock"))

    def test_it_counts_as_exhaustive_does_for_all_small_cases(self):
        for buyers, tickets in itertools.product([2, 3, 4], [1, 2, 3]):
            told = json.loads(turnstile("--exhaustive", "--json", f"--buyers={buyers}", f"--tickets={tickets}").stdout)
            for strategy in told["strategies"]:
                counted = self.run_in_page("return Interleavings.count(...arguments)", strategy["strategy"], buyers, tickets)
                self.assertEqual((counted["all"], counted["oversold"]),
                                 (strategy["interleavings"], strategy["oversold"]), (strategy, buyers, tickets))
                steps = len(strategy["shortest"].split())
                self.assertEqual(counted["shortest"] or 0, steps)

    def test_what_is_impossible_is_refused_in_the_same_words(self):
        schedules = ["1l 2l", "1r 2r", "2r", "1l", "1u", "1l 1w", "1r 1w 1w", "1r 1r", "1l 1r 1u", "1x 1r", "1l 2l 3l 4l",
                     "1r 2x", "1l 1r 1w 1u 1x", "1l 1l"]
        for strategy, text in itertools.product(STRATEGIES, schedules):
            done = turnstile("--quiet", "--think=0-0", f"--serialize={strategy}", "--buyers=4", f"--schedule={text}")
            problem = self.run_in_page("""return Schedule.follow({ strategy: arguments[0], buyers: 4, tickets: 1 },
                Schedule.parse(arguments[1])).problem""", strategy, text)
            expected = f"turnstile: with {strategy}: {problem}\n" if problem else ""
            self.assertEqual((done.stderr, done.returncode), (expected, 1 if problem else 0), (strategy, text))

    def test_a_ticket_sold_twice_shows_the_two_arrows(self):
        bar = self.browser.find_element(By.CSS_SELECTOR, "rect.oversold")
        self.browser.execute_script("arguments[0].scrollIntoView({ block: 'center' })", bar)
        bar.send_keys(Keys.ENTER)
        self.assertEqual(len(self.browser.find_elements(By.CSS_SELECTOR, "path.arrow")), 2)
        self.assertIn("one ticket, sold twice", self.text("heats"))

    def test_nothing_is_wider_than_the_window(self):
        for width, dark in itertools.product([360, 768, 1600], [False, True]):
            self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                         {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False})
            self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [
                {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]})
            self.setUp()
            self.step(1, 2, 1, 2)
            self.assertLessEqual(self.run_in_page("return document.documentElement.scrollWidth"), width)
            if PICTURES:
                height = self.run_in_page("return document.documentElement.scrollHeight")
                self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                             {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})
                self.browser.save_screenshot(f"{PICTURES}/{width}-{'dark' if dark else 'light'}.png")

    def test_an_experiment_of_the_lab_is_scrubbed_and_played(self):
        file = pathlib.Path(self.folder.name) / "lab.html"
        made = subprocess.run([TURNSTILE, "lab", "lock", f"--html={file}"], capture_output=True, text=True, timeout=120)
        self.assertEqual(made.returncode, 0, made.stdout)
        self.browser.get_log("browser")
        self.browser.get(file.as_uri())
        self.assertEqual(len(self.browser.find_elements(By.CSS_SELECTOR, "rect.critical")), 8)
        self.assertEqual(len(self.browser.find_elements(By.CSS_SELECTOR, "#facts li")), made.stdout.count("  yes  "))
        time = self.browser.find_element(By.ID, "time")
        time.send_keys(Keys.HOME)
        self.assertEqual(self.text("now"), "0.000 s")
        self.run_in_page("""
            arguments[0].value = 500; // all are there, and one is in
            arguments[0].dispatchEvent(new Event("input"));""", time)
        self.assertRegex(self.text("heats"), r"at work: worker \d \(inside\) · waiting, in this order: worker")
        self.browser.find_element(By.ID, "play").click()
        self.assertEqual(self.text("play"), "Pause")
        self.assertEqual(self.browser.get_log("browser"), [])


if __name__ == "__main__":
    unittest.main()
