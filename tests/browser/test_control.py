#!/usr/bin/python3
"""The control room and the door in headless Chromium, as operators use them.

    test_control.py build/release [PICTURES] [TEST...]
"""
import itertools
import os
import re
import signal
import threading

from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select

import axe
from frame import PASSWORD, Case, main, wait_for

MARKUP = "<img src=x onerror=alert(1)> & <b>bold</b>"
CONTRAST_LEAST = 4.5  # WCAG 2.2 AA, of text

# Each text that is seen, with its contrast to what is behind it.
CONTRASTS = """
    const light = (channel) => (channel <= 0.03928 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4);
    const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const luminance = ([red, green, blue]) => [red, green, blue].reduce((sum, channel, i) => sum + [0.2126, 0.7152, 0.0722][i] * light(channel / 255), 0);
    function behind(element) {
        for (; element; element = element.parentElement) {
            const colour = parts(getComputedStyle(element).backgroundColor);
            if (colour[3] !== 0) {
                return colour;
            }
        }
        return [255, 255, 255];
    }
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const found = [];
    while (texts.nextNode()) {
        const element = texts.currentNode.parentElement;
        if (texts.currentNode.data.trim() && element.checkVisibility() && !element.closest("svg, option, .unseen, :disabled")) {
            const [one, other] = [luminance(parts(getComputedStyle(element).color)), luminance(behind(element))].sort((a, b) => b - a);
            found.push([texts.currentNode.data.trim(), (one + 0.05) / (other + 0.05)]);
        }
    }
    return found;"""


class Operators(Case):
    def sign_in(self, page):
        page.wait_text("#connection", "live")
        page.type("#password", PASSWORD + Keys.ENTER)
        wait_for("what operators see", lambda: page.find("#all").is_displayed())
        return page

    def room(self):
        return self.sign_in(self.open("/op"))

    def door(self):
        return self.sign_in(self.open("/door"))

    def book(self, event, quantity=1):
        return self.server.ask("POST", f"events/{event}/bookings", {"quantity": quantity})["code"]

    def expect_contrast(self, page, width):
        for dark in [False, True]:
            page.look(width, dark=dark, motion=False)
            low = [(text, round(ratio, 2)) for text, ratio in page.run(CONTRASTS) if ratio < CONTRAST_LEAST]
            self.assertEqual(low, [], "dark" if dark else "light")


class SignIn(Operators):
    def test_who_has_not_the_password_sees_nothing_and_waits_after_five_tries(self):
        page = self.open("/op")
        page.wait_text("#connection", "live")
        wait_for("the password's field", lambda: page.focused() == "password")
        for _ in range(5):
            page.run("document.getElementById('sign-in-problem').textContent = ''")
            page.type("#password", "guess" + Keys.ENTER)
            page.wait_text("#sign-in-problem", "That is not the password.")
        page.type("#password", "guess" + Keys.ENTER)
        page.wait_text("#sign-in-problem", "Too many wrong passwords from here. In ")
        self.assertFalse(page.find("#sign-in-button").is_enabled())
        self.assertFalse(page.find("#all").is_displayed())
        page.wait_text("#sign-in-problem", "You can try again now.")
        page.find("#password").clear()
        page.type("#password", PASSWORD + Keys.ENTER)
        wait_for("the control room", lambda: page.find("#all").is_displayed())
        self.assertEqual(page.find("#password").get_property("value"), "")
        self.assertEqual(page.run("return document.cookie"), "", "no script can read it")

    def test_one_signs_in_once_for_all_pages_and_out_of_all(self):
        page = self.room()
        page.go("/door")
        wait_for("the door", lambda: page.find("#all").is_displayed())
        page.click("#sign-out")
        wait_for("the password's field", lambda: page.find("#password").is_displayed())
        page.go("/op")
        wait_for("the password's field", lambda: page.find("#password").is_displayed())
        self.assertFalse(page.find("#all").is_displayed())


class Room(Operators):
    events = ["rush=5:The noon rush", f"late=200:{MARKUP}"]

    def test_an_event_is_made_grown_closed_and_opened(self):
        page = self.room()
        page.click("#new-event")
        page.type("#make-title", "The Late Show!")
        self.assertEqual(page.find("#make-name").get_property("value"), "the-late-show")
        page.find("#make-name").clear()
        page.type("#make-name", "show")
        page.type("#make-total", "30" + Keys.ENTER)
        page.wait_text("#events-said", "The Late Show! is open, with 30 tickets.")
        page.wait_text("[data-event=show]", "30 of 30 left")
        page.find("[data-event=show] input").clear()
        page.type("[data-event=show] input", "-10" + Keys.ENTER)
        page.wait_text("#events-said", "The Late Show! has 20 tickets now.")
        page.wait_text("[data-event=show] .left", "20 of 20 left")
        page.click("[data-event=show] .show-do > button")
        page.wait_text("[data-event=show] .badge", "closed")
        buyer = self.person()
        self.assertRegex(buyer.ask("/book show"), "^-CLOSED ")
        page.click("[data-event=show] .show-do > button")
        page.wait_text("[data-event=show] .badge", "open")
        self.assertRegex(buyer.ask("/book show"), r"^\+booked ")
        page.wait_text("[data-event=show] .left", "19 of 20 left")

    def test_what_cannot_be_says_why(self):
        page = self.room()
        page.click("#new-event")
        page.type("#make-name", "rush")
        page.type("#make-total", "30" + Keys.ENTER)
        page.wait_text("#events-said", "It is not made: there is an event rush")
        page.find("[data-event=rush] input").clear()
        page.type("[data-event=rush] input", "-6" + Keys.ENTER)
        page.wait_text("#events-said", "The noon rush: the total of rush is from 0")

    def test_titles_and_topics_that_look_like_markup_are_text(self):
        topic = self.person()
        topic.ask("/join #tea")
        topic.ask(f"/topic #tea {MARKUP}")
        page = self.room()
        page.wait_text("[data-event=late] h3", MARKUP)
        page.wait_text("#rooms", MARKUP)
        self.assertEqual(page.all("#all img, #all b b"), [])

    def test_somebody_is_kicked_after_one_more_question(self):
        ann = self.person()
        ann.ask("/nick ann")
        ann.ask("/join #rush")
        page = self.room()
        page.wait_text("#rooms", "#rush 1 person")
        page.click("#rooms li:first-child summary")
        page.click("#rooms [aria-label='Kick ann']")
        page.wait_text("#kick-title", "Kick ann?")
        page.type("#kick-why", "too loud" + Keys.ENTER)
        ann.expect(r"\*notice .* kicked you: too loud")
        page.wait_text("#rooms-said", "ann is gone.")
        page.wait_text("#rooms", "#rush 0 people")

    def test_a_rush_moves_the_curve_the_rates_and_the_strip_of_the_lock(self):
        page = self.room()
        before = page.find("[data-event=late] .line").get_attribute("d")
        over = threading.Event()
        buyer = self.person()

        def buy():
            while not over.is_set() and buyer.ask("/book late").startswith("+booked"):
                over.wait(0.05)

        rush = threading.Thread(target=buy)
        rush.start()
        try:
            wait_for("a rate", lambda: float(page.text("#figures .figure dd")) > 0)
            wait_for("a share of the lock", lambda: page.all("#strip rect"))
            wait_for("a share in words", lambda: re.search(r"worker \d (?!0\.0)\d+\.\d %", page.text("#shares")))
            wait_for("a curve", lambda: page.find("[data-event=late] .line").get_attribute("d") != before
                     and page.find("[data-event=late] .line").get_attribute("d").count("V") > 2)
            page.wait_text("#waits-said", "in the last minute: half of them below")
        finally:
            over.set()
            rush.join()
        self.assertRegex(page.find("#strip svg").get_attribute("aria-label"), "worker 1 .* %, worker 2 .* %")
        self.assertTrue(all(float(rect.get_attribute("height").rstrip("%")) <= 100 for rect in page.all("#strip rect")))

    def test_workers_are_rows_and_a_new_one_shows(self):
        page = self.room()
        wait_for("two rows", lambda: len(page.all("#workers tr")) == 2)
        page.wait_text("#workers tr:first-child .badge", "serving")
        pids = [int(cell.text) for cell in page.all("#workers td:nth-child(2)")]
        self.assertTrue(all(os.getpgid(pid) for pid in pids))
        os.kill(pids[0], signal.SIGKILL)
        wait_for("another process", lambda: int(page.find("#workers tr:first-child td:nth-child(2)").text) != pids[0])
        page.wait_text("#workers tr:first-child td:last-child", "1")

    def test_all_of_it_goes_by_keyboard_alone(self):
        page = self.open("/op")
        wait_for("the password's field", lambda: page.focused() == "password")
        page.press(PASSWORD + Keys.ENTER)
        page.wait_text("[data-event=rush]", "5 of 5 left")
        wanted = page.find("[data-event=rush] .show-do > button")
        for _ in range(12):
            page.press(Keys.TAB)
            if page.driver.switch_to.active_element == wanted:
                break
        page.press(Keys.ENTER)
        page.wait_text("[data-event=rush] .badge", "closed")
        page.press(Keys.TAB, Keys.BACKSPACE, Keys.BACKSPACE, "3", Keys.ENTER)
        page.wait_text("[data-event=rush] .left", "8 of 8 left")

    def test_it_fits_and_can_be_read(self):
        page = self.room()
        page.click("#new-event")
        page.click("#rooms summary")
        page.wait_text("#waits-said", "in the last minute")
        self.expect_fits(page)
        self.expect_contrast(page, 768)
        for width, dark in itertools.product([320, 768, 1600], [False, True]):
            page.picture("op", width, dark)


class Cut(Operators):
    ends_server = True

    def test_a_page_that_is_cut_off_says_so_and_is_right_again(self):
        page = self.room()
        self.server.stop(signal.SIGKILL)
        page.wait_text("#connection", "cut off since ")
        self.assertIn("cut-off", page.find("body").get_attribute("class"))
        page.wait_content("#urgent", "what is shown is old")
        self.server.start()
        page.wait_text("#connection", "live")
        wait_for("the password's field", lambda: page.find("#password").is_displayed())  # the new one has no cookies
        self.sign_in(page)
        page.wait_text("[data-event=rush]", "5 of 5 left")


class Door(Operators):
    events = ["rush=5:The noon rush", f"late=20:{MARKUP}"]

    def scan(self, page, text):
        """As a scanner does it: into whatever has the focus."""
        page.press(text + Keys.ENTER)

    def test_a_ticket_lets_in_once_and_then_says_since_when(self):
        code = self.book("rush", 2)
        page = self.door()
        wait_for("the field", lambda: page.focused() == "code")
        self.scan(page, code)
        page.wait_text("#verdict", "Let in 2 The noon rush")
        self.assertEqual(page.find("#verdict").get_attribute("data-verdict"), "yes")
        self.assertEqual(page.run("return document.documentElement.dataset.sounded"), "880 1320")
        page.wait_text("#inside", "The noon rush 2 of 2 sold")
        self.assertEqual(page.focused(), "code")
        self.scan(page, code)
        wait_for("since when", lambda: re.search(r"Already in since \d\d:\d\d The noon rush, 2 people", page.text("#verdict")))
        self.assertEqual(page.find("#verdict").get_attribute("data-verdict"), "used")
        self.assertEqual(page.run("return document.documentElement.dataset.sounded"), "330 262")
        self.assertEqual(self.server.ask("GET", f"tickets/{code}")["state"], "admitted")
        self.assertEqual(len(page.all("#last li")), 2)

    def test_a_link_a_code_without_hyphens_and_small_letters_will_do(self):
        page = self.door()
        for write in [lambda code: self.server.address(f"/t/{code}"), lambda code: code.replace("-", ""), lambda code: f" {code.lower()} "]:
            code = self.book("rush")
            self.scan(page, write(code))
            wait_for(f"{code} to be let in", lambda: self.server.ask("GET", f"tickets/{code}")["state"] == "admitted")
            page.wait_text("#verdict", "Let in 1")

    def test_what_is_no_ticket_is_not_valid(self):
        page = self.door()
        for text, why in [("0000-0000-0000-0000", "There is no such ticket."), ("hello", "There is no such ticket."), (MARKUP, "There is no such ticket.")]:
            self.scan(page, text)
            wait_for(f"a verdict on {text}", lambda: page.text("#verdict") == f"Not valid {why}")
            page.run("document.getElementById('verdict-big').textContent = ''")
        buyer = self.person()
        held = buyer.ask("/hold rush").split()[1]
        self.scan(page, held)
        page.wait_text("#verdict", "Not valid It is held, and not booked yet.")
        buyer.ask(f"/cancel {held}")
        self.scan(page, held)
        page.wait_text("#verdict", "This ticket was cancelled.")
        self.assertEqual(page.run("return document.documentElement.dataset.sounded"), "196")

    def test_the_door_of_one_event_uses_up_no_others_tickets(self):
        code = self.book("late")
        page = self.door()
        wait_for("the events", lambda: len(page.all("#event option")) == 3)
        Select(page.find("#event")).select_by_value("rush")
        wait_for("the field", lambda: page.focused() == "code")
        self.scan(page, code)
        page.wait_text("#verdict", f"Another event This ticket is for {MARKUP}.")
        self.assertEqual(self.server.ask("GET", f"tickets/{code}")["state"], "booked")
        page.driver.refresh()
        wait_for("the choice", lambda: page.find("#event").get_property("value") == "rush")
        Select(page.find("#event")).select_by_value("late")
        self.scan(page, code)
        page.wait_text("#verdict", f"Let in 1 {MARKUP}")

    def test_who_was_let_in_at_another_door_is_counted_here(self):
        page = self.door()
        code = self.book("rush", 3)
        self.server.ask("POST", f"tickets/{code}/admit", fields=[("Authorization", f"Bearer {PASSWORD}")])
        page.wait_text("#inside", "The noon rush 3 of 3 sold")

    def test_a_scanner_types_into_the_field_wherever_the_focus_is(self):
        code = self.book("rush")
        page = self.door()
        page.run("document.activeElement.blur()")
        page.find("body").send_keys(code[0])
        wait_for("the field", lambda: page.focused() == "code")
        self.scan(page, code[1:])
        page.wait_text("#verdict", "Let in 1")

    def test_the_camera_reads_a_ticket_where_the_browser_can(self):
        code = self.book("rush")
        page = self.open("/door")
        script = page.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": f"""
            window.BarcodeDetector = class {{ async detect() {{ return [{{ rawValue: location.origin + "/t/{code}" }}]; }} }};
            const canvas = document.createElement("canvas");
            const pen = canvas.getContext("2d");
            setInterval(() => {{ pen.fillStyle = `rgb(${{Date.now() % 256}} 0 0)`; pen.fillRect(0, 0, 300, 150); }}, 50);
            navigator.mediaDevices.getUserMedia = async () => canvas.captureStream();"""})
        self.addCleanup(page.driver.execute_cdp_cmd, "Page.removeScriptToEvaluateOnNewDocument", script)
        page.driver.refresh()
        self.sign_in(page)
        page.click("#camera-button")
        page.wait_text("#verdict", "Let in 1")
        wait_for("the camera", lambda: page.find("#camera").is_displayed())
        wait_for("the same picture again", lambda: page.run("return document.getElementById('camera').currentTime") > 0.5)
        self.assertIn("Let in 1", page.text("#verdict"), "a ticket that stays in the picture is asked for once")
        page.click("#camera-button")
        wait_for("the camera's end", lambda: not page.find("#camera").is_displayed())

    def test_it_fits_and_can_be_read(self):
        page = self.door()
        code = self.book("rush")
        for text, verdict in [(code, "yes"), (code, "used"), ("0", "no")]:
            self.scan(page, text)
            wait_for(verdict, lambda: page.find("#verdict").get_attribute("data-verdict") == verdict)
            page.wait_text("#inside", "The noon rush")
            self.expect_fits(page)
            self.expect_contrast(page, 320)
            for width, dark in itertools.product([320, 768], [False, True]):
                page.picture(f"door-{verdict}", width, dark)


class Access(axe.Accessible, Operators):
    """What keeps people from using the pages, as far as a program finds it (axe-core)."""
    events = ["rush=5:The noon rush", "late=20"]

    def test_signing_in(self):
        page = self.open("/op")
        page.wait_text("#connection", "live")
        page.type("#password", "guess" + Keys.ENTER)
        page.wait_text("#sign-in-problem", "That is not the password.")
        self.expect_none(page)

    def test_the_control_room(self):
        ann = self.person()
        ann.ask("/nick ann")
        ann.ask("/join #rush")
        self.server.ask("PATCH", "events/late", {"open": False}, [("Authorization", f"Bearer {PASSWORD}")])
        page = self.room()
        page.click("#new-event")
        page.wait_text("#rooms", "#rush 1 person")
        page.click("#rooms summary")
        page.wait_text("#waits-said", "in the last minute")
        self.expect_none(page)
        page.click("#rooms [aria-label='Kick ann']")
        self.expect_none(page)

    def test_the_door_whatever_it_says(self):
        page = self.door()
        code = self.book("rush")
        for text, verdict in [(code, "yes"), (code, "used"), ("0", "no")]:
            page.press(text + Keys.ENTER)
            wait_for(verdict, lambda: page.find("#verdict").get_attribute("data-verdict") == verdict)
            self.expect_none(page)


if __name__ == "__main__":
    main()
