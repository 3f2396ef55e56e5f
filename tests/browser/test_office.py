#!/usr/bin/python3
"""The box office and a ticket in headless Chromium, as somebody buys who has no idea of what is behind them.

    test_office.py build/release [PICTURES] [TEST...]
"""
import base64
import os
import pathlib
import re
import signal
import subprocess
import tempfile

from selenium.webdriver.common.keys import Keys

from frame import Case, main, wait_for

MARKUP = "<img src=x onerror=alert(1)> & <b>bold</b>"


class Office(Case):
    events = ["rush=5:The noon rush", f"late=2:{MARKUP}", "gala=40"]

    def take_all(self, event, left=0):
        """Somebody at nc books all but LEFT, one at a time; returns the codes."""
        buyer = self.person()
        codes = []
        while int(buyer.ask(f"/left {event}").split()[2]) > left:
            codes.append(buyer.ask(f"/book {event}").split()[1])
        return buyer, codes

    def test_three_clicks_lead_to_a_ticket_with_its_code(self):
        page = self.open("/")
        page.wait_text("#connection", "live")
        page.click("#events [data-event=rush] a")
        page.click("#more")
        page.click("#book")
        page.wait_text("#bought", "Yours: 2 tickets for The noon rush")
        self.assertEqual(page.driver.current_url, self.server.address("/e/rush"))
        page.wait_text("#opened-left", "3 of 5 left")
        page.wait_content("#status", "Booked: 2 tickets for The noon rush.")
        self.assertIn("Yours", page.run("return document.activeElement.textContent"))
        code = page.text("#bought .code")
        self.assertEqual(self.server.ask("GET", f"tickets/{code}")["quantity"], 2)
        page.wait_text("#tickets", "2 tickets, valid")

    def test_what_is_left_moves_while_one_looks_on_both_pages(self):
        list_page, event_page = self.open("/"), self.open("/e/rush")
        for page in [list_page, event_page]:
            page.wait_text("#connection", "live")
        buyer = self.person()
        buyer.ask("/book rush 2")
        list_page.wait_text("[data-event=rush] .left", "3 of 5 left")
        event_page.wait_text("#opened-left", "3 of 5 left")
        self.assertEqual(event_page.run("return document.getElementById('opened-bar').value"), 3)
        self.assertEqual(event_page.content("#opened-left .asof"), "")

    def test_who_looks_at_the_list_is_in_nobodys_room(self):
        somebody = self.person()
        somebody.ask("/join #rush")
        page = self.open("/")
        page.wait_text("#connection", "live")
        self.person().ask("/book rush 2")
        page.wait_text("[data-event=rush] .left", "3 of 5 left")
        self.assertEqual(page.content("[data-event=rush] .asof"), "")
        self.assertEqual(somebody.ask("/join #rush"), "+join #rush 1")
        page.click("#events [data-event=rush] a")
        wait_for("the visitor", lambda: somebody.ask("/join #rush") == "+join #rush 2")
        page.click(".brand")
        wait_for("the visitor to leave", lambda: somebody.ask("/join #rush") == "+join #rush 1")

    def test_what_many_events_have_left_moves_too(self):
        operator = self.person()
        operator.ask("/op open sesame")
        for number in range(60):
            operator.ask(f"/event new extra-{number} 9")
        page = self.open("/")
        page.wait_text("#connection", "live")
        operator.ask("/book rush 2")
        page.wait_text("[data-event=rush] .left", "3 of 5 left")

    def test_an_event_that_is_new_or_closed_shows(self):
        page = self.open("/")
        page.wait_text("#connection", "live")
        operator = self.person()
        operator.ask("/op open sesame")
        operator.ask("/event new extra 7 The extra one")
        operator.ask("/event close gala")
        page.wait_text("#events", "The extra one")
        page.wait_text("[data-event=extra] .left", "7 of 7 left")
        page.wait_text("[data-event=gala] .left", "not on sale")
        page.click("#events [data-event=gala] a")
        page.wait_text("#book", "Not on sale")
        self.assertFalse(page.find("#book").is_enabled())

    def test_somebody_quicker_is_told_and_nothing_is_booked(self):
        page = self.open("/e/late")
        page.wait_text("#connection", "live")
        page.run("""const before = window.fetch; // between the click and the request somebody else books
            window.fetch = async (...all) => { await new Promise((go) => { window.go = go; }); return before(...all); };""")
        page.click("#book")
        self.take_all("late")
        wait_for("the request", lambda: page.run("return Boolean(window.go)"))
        page.run("window.go()")
        page.wait_text("#buy-said", "Somebody was quicker: sold out.")
        page.wait_text("#book", "Wait for 1 ticket")
        self.assertEqual(page.all("#bought *"), [])
        self.assertEqual(page.run("return JSON.parse(localStorage.getItem('turnstile.pending'))"), [])

    def test_a_reload_before_the_answer_does_not_book_twice(self):
        page = self.open("/e/rush")
        page.wait_text("#connection", "live")
        page.run("""const before = window.fetch; // the booking is carried out, and its answer gets lost
            window.fetch = async (...all) => { await before(...all); window.asked = true; return new Promise(() => {}); };""")
        page.click("#book")
        wait_for("the booking", lambda: page.run("return Boolean(window.asked)"))
        page.driver.refresh()
        page.wait_text("#bought", "Yours: 1 ticket for The noon rush")
        page.wait_text("#opened-left", "4 of 5 left")

    def test_what_was_pressed_long_ago_is_not_bought_without_a_word(self):
        page = self.open("/e/rush")
        page.wait_text("#connection", "live")
        page.run("""localStorage.setItem("turnstile.pending", JSON.stringify([{ key: "0123456789abcdef0123456789abcdef",
            event: "rush", title: "The noon rush", quantity: 2, at: Date.now() - 3600000 }]))""")
        page.driver.refresh()
        page.wait_text("#bought", "Was it booked? 2 tickets for The noon rush")
        self.assertEqual(self.server.ask("GET", "events/rush")["left"], 5)
        page.click("#bought .primary")
        page.wait_text("#bought", "Yours: 2 tickets")
        self.assertEqual(self.server.ask("GET", "events/rush")["left"], 3)

    def test_who_waits_sees_the_position_hears_the_offer_and_takes_it(self):
        buyer, codes = self.take_all("late")
        other = self.person()
        other.ask("/wait late 2")
        page = self.open("/e/late")
        page.wait_text("#buy-hint", "Sold out")
        page.click("#book")
        page.wait_text("#turn", "You are number 2 in the queue")
        page.wait_content("#status", "You are number 2 in the queue: 1 ticket for")
        self.assertIn(MARKUP, page.text("#turn-what"))
        other.close()
        self.people.remove(other)
        page.wait_text("#turn", "You are number 1 in the queue")
        buyer.ask(f"/cancel {codes[0]}")
        page.wait_text("#turn", "It is your turn")
        page.wait_content("#urgent", "You have 120 seconds.")
        self.assertEqual(page.run("return document.documentElement.dataset.sounded"), "660 880 1320")
        wait_for("the title to blink", lambda: page.driver.title == "● It is your turn")
        wait_for("the title to blink", lambda: MARKUP in page.driver.title)
        for width in [320, 1600]:
            page.picture("offer", width)
            page.picture("offer", width, dark=True)
        self.assertRegex(page.text("#turn-clock"), r"1:\d\d|2:00")
        first = page.text("#turn-clock")
        wait_for("the clock to run", lambda: page.text("#turn-clock") < first)
        page.click("#turn-take")
        page.wait_text("#bought", "Yours: 1 ticket")
        self.assertFalse(page.find("#turn").is_displayed())
        self.assertEqual(self.server.ask("GET", f"tickets/{page.text('#bought .code')}")["state"], "booked")
        self.assertIn(MARKUP, page.driver.title)

    def test_an_offer_is_given_back_and_a_place_is_left(self):
        buyer, codes = self.take_all("late")
        page = self.open("/e/late")
        page.wait_text("#buy-hint", "Sold out")
        page.click("#book")
        page.wait_text("#turn", "You are number 1")
        page.click("#turn-leave")
        page.wait_text("#buy-said", "You are not waiting any more.")
        page.wait_text("#connection", "live")
        page.click("#book")
        page.wait_text("#turn", "You are number 1")
        buyer.ask(f"/cancel {codes[0]}")
        page.wait_text("#turn", "It is your turn")
        page.click("#turn-leave")
        page.wait_text("#buy-said", "Given back")
        page.wait_text("#opened-left", "1 of 2 left")
        self.assertEqual(page.all("#bought *"), [])

    def test_an_offer_that_nobody_took_says_that_it_has_lapsed(self):
        buyer, codes = self.take_all("late")
        page = self.open("/e/late")
        page.wait_text("#buy-hint", "Sold out")
        page.click("#book")
        page.wait_text("#turn", "You are number 1")
        buyer.ask(f"/cancel {codes[0]}")
        page.wait_text("#turn", "It is your turn")
        page.run("const before = Date.now; Date.now = () => before() + 120_000;")  # two minutes pass
        page.wait_text("#buy-said", "has lapsed: it goes to the next one.")
        self.assertFalse(page.find("#turn").is_displayed())
        wait_for("the title to rest", lambda: MARKUP in page.driver.title)

    def test_people_at_nc_and_on_the_page_talk_and_what_they_say_is_text(self):
        page = self.open("/e/rush")
        page.wait_text("#connection", "live")
        other = self.person()
        other.ask("/nick ada")
        other.ask("/join #rush")
        other.ask(f"/say #rush {MARKUP}")
        page.wait_text("#said", f"ada {MARKUP}")
        self.assertEqual(page.all("#said img, #said span b"), [])
        page.wait_text("#members", "2 people here")
        page.click("#nick-summary")
        page.type("#nick-text", "grace" + Keys.ENTER)
        other.expect(r"\*nick guest-\d+ grace")
        page.type("#say-text", MARKUP + Keys.ENTER)
        self.assertEqual(other.expect(r"\*say #rush grace (.*)")[1], MARKUP)
        page.wait_text("#said", f"grace {MARKUP}")
        page.driver.refresh()
        page.wait_text("#nick-now", "grace")
        page.wait_text("#said", f"ada {MARKUP}")
        page.type("#say-text", "é" * 600 + Keys.ENTER)
        page.wait_text("#say-problem", "too long")

    def test_a_title_that_looks_like_markup_is_text_in_both_pages(self):
        page = self.open("/")
        page.wait_text("#connection", "live")
        self.assertEqual(page.text("[data-event=late] a"), MARKUP)
        page.click("#events [data-event=late] a")
        self.assertEqual(page.text("#opened-title"), MARKUP)
        page.go("/e/late")
        self.assertEqual(page.text("#opened-title"), MARKUP)
        self.assertEqual(page.all("h1 img, #events img"), [])

    def test_back_and_forward_go_from_view_to_view_on_one_connection(self):
        page = self.open("/")
        page.wait_text("#connection", "live")
        page.asked()
        page.click("#events [data-event=rush] a")
        page.wait_text("#opened-title", "The noon rush")
        page.driver.back()
        wait_for("the list", lambda: page.find("#list").is_displayed())
        self.assertEqual(page.driver.title, "Box office · turnstile")
        page.driver.forward()
        page.wait_text("#opened-title", "The noon rush")
        page.click(".back a")
        wait_for("the list", lambda: page.find("#list").is_displayed())
        self.assertEqual({url for url in page.asked() if url.startswith("ws")}, set())

    def test_all_of_it_goes_by_keyboard_alone(self):
        page = self.open("/")
        page.wait_text("#connection", "live")
        page.press(Keys.TAB)
        self.assertEqual(page.run("return document.activeElement.className"), "skip")
        page.press(Keys.TAB, Keys.TAB, Keys.ENTER)
        page.wait_text("#opened-title", "The noon rush")
        self.assertEqual(page.focused(), "opened-title")
        page.press(Keys.TAB)
        self.assertEqual(page.focused(), "quantity")  # "one fewer" cannot be pressed
        self.assertEqual(page.spoken(), "spinbutton: How many tickets")
        page.press(Keys.ARROW_UP, Keys.TAB)
        self.assertEqual(page.spoken(), "button: One more")
        page.press(Keys.TAB)
        self.assertEqual(page.spoken(), "button: Book 2 tickets")
        page.press(Keys.ENTER)
        page.wait_text("#bought", "Yours: 2 tickets")
        page.press(Keys.TAB, Keys.ENTER)
        page.wait_text("h1", "The noon rush")
        self.assertIn("/t/", page.driver.current_url)
        for _ in range(3):
            page.press(Keys.TAB)
        self.assertEqual(page.focused(), "cancel")
        page.press(Keys.ENTER)
        wait_for("the question", lambda: page.find("#sure").is_displayed())
        page.press(Keys.ESCAPE)
        self.assertEqual(page.focused(), "cancel")
        self.assertEqual(page.content("#state"), "Valid")

    def test_it_fits_and_is_looked_at(self):
        for page, name in [(self.open("/"), "list"), (self.open("/e/rush"), "event")]:
            page.wait_text("#connection", "live")
            if name == "event":
                page.click("#book")
                page.wait_text("#bought", "Yours")
                page.type("#say-text", "word" * 100 + Keys.ENTER)
                page.wait_text("#said", "word")
            self.expect_fits(page)
            for width in [320, 768, 1600]:
                for dark in [False, True]:
                    page.picture(name, width, dark)
        page.go(page.find("#bought a.button").get_attribute("href").removeprefix(self.server.address("")))
        self.expect_fits(page)
        for width in [320, 768]:
            page.picture("ticket", width)
            page.picture("ticket", width, dark=True)

    def test_it_reads_without_javascript(self):
        page = self.open("/")
        page.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
        page.go("/")
        self.assertEqual(page.text("[data-event=rush] .left"), "5 of 5 left when you opened this page")
        page.click("#events [data-event=late] a")
        self.assertEqual(page.text("#opened-title"), MARKUP)
        self.assertEqual(page.text("#opened-left"), "2 of 2 left when you opened this page")
        self.assertFalse(page.find("#buy").is_displayed())
        self.assertIn("JavaScript has to be on", page.text("noscript"))
        code = self.server.ask("POST", "events/rush/bookings", {})["code"]
        page.go(f"/t/{code}")
        self.assertEqual(page.text("#state"), "Valid")

    def test_the_room_is_read_out_only_to_who_is_in_it(self):
        page = self.open("/e/rush")
        page.wait_text("#connection", "live")
        live = "return document.getElementById('said').getAttribute('aria-live')"
        page.click("#more")
        self.assertIn(page.run(live), [None, "off"])
        page.click("#say-text")
        self.assertEqual(page.run(live), "polite")
        page.click("#more")
        self.assertEqual(page.run(live), "off")

    def test_who_wants_no_motion_gets_none(self):
        page = self.open("/e/rush")
        page.look(768, motion=False)
        self.assertEqual(page.run("return getComputedStyle(document.getElementById('opened-bar'), '::-webkit-progress-value').transitionDuration"), "0s")


class Workers(Case):
    def test_nobody_who_waits_notices_that_a_worker_was_killed(self):
        buyer = self.person()
        codes = [buyer.ask("/book rush").split()[1] for _ in range(5)]
        page = self.open("/e/rush")
        page.wait_text("#buy-hint", "Sold out")
        page.click("#book")
        page.wait_text("#turn", "You are number 1")
        page.asked()
        for pid in self.server.workers():
            os.kill(pid, signal.SIGKILL)
        buyer.ask(f"/cancel {codes[0]}")
        page.wait_text("#turn", "It is your turn")
        page.click("#turn-take")
        page.wait_text("#bought", "Yours: 1 ticket")
        self.assertEqual({url for url in page.asked() if url.startswith("ws")}, set())


class Noon(Case):
    """Some minutes after a sale began: what the README shows."""
    events = ["rush=500:The noon rush", "late=120:The late show", "gala=80:Gala in the harbour theatre", "matinee=60:Matinee"]
    options = ["--max-quantity", "0"]

    def test_it_looks_like_this(self):
        for event, sold in [("rush", 356), ("late", 31), ("gala", 80)]:
            self.server.ask("POST", f"events/{event}/bookings", {"quantity": sold})
        for name, text in [("ada", "who is going on Friday?"), ("lin", "two of us, by train"), ("ada", "same train then"), ("joe", "are there seats at the side?"),
                           ("lin", "yes, and you see more from there")]:
            person = self.person()
            person.ask(f"/nick {name}")
            person.ask("/join #rush")
            person.ask(f"/say #rush {text}")
            person.close()
            self.people.remove(person)
        page = self.open("/")
        page.wait_text("[data-event=gala] .left", "0 of 80 left")
        for dark in [False, True]:
            page.picture("noon-list", 1100, dark, height=560)
        page.click("#events [data-event=rush] a")
        page.click("#more")
        page.click("#book")
        page.wait_text("#bought", "Yours: 2 tickets")
        page.wait_text("#said", "you see more from there")
        page.run("document.activeElement.blur()")
        for dark in [False, True]:
            page.picture("noon", 1100, dark, height=710)


class Tickets(Case):
    def book(self):
        return self.server.ask("POST", "events/rush/bookings", {"quantity": 2})["code"]

    def test_its_picture_is_its_address(self):
        code = self.book()
        page = self.open(f"/t/{code}")
        page.look(768, 900)
        with tempfile.TemporaryDirectory() as folder:
            picture = pathlib.Path(folder) / "ticket.png"
            page.driver.save_screenshot(str(picture))
            read = subprocess.run(["zbarimg", "--quiet", "--raw", picture], capture_output=True, text=True, check=True)
        self.assertEqual(read.stdout.strip(), self.server.address(f"/t/{code}"))

    def test_it_is_cancelled_after_one_more_question(self):
        page = self.open(f"/t/{self.book()}")
        page.click("#cancel")
        page.click("#sure-no")
        self.assertEqual(page.content("#state"), "Valid")
        page.click("#cancel")
        page.click("#sure-yes")
        page.wait_text("#state", "Cancelled")
        self.assertFalse(page.find("#qr").is_displayed())
        self.assertFalse(page.find("#cancel").is_displayed())
        self.assertEqual(self.server.ask("GET", "events/rush")["left"], 5)

    def test_it_says_by_itself_that_it_was_used(self):
        code = self.book()
        page = self.open(f"/t/{code}")
        self.server.ask("POST", f"tickets/{code}/admit", {}, {"Authorization": "Bearer open sesame"})
        page.wait_text("#state", "Used at the door")
        self.assertFalse(page.find("#qr").is_displayed())

    def test_it_prints_on_one_sheet_without_what_can_be_pressed(self):
        page = self.open(f"/t/{self.book()}")
        printed = page.driver.execute_cdp_cmd("Page.printToPDF", {"paperWidth": 8.27, "paperHeight": 11.69, "preferCSSPageSize": True})
        pages = re.findall(rb"/Type\s*/Page\b", base64.b64decode(printed["data"]))
        self.assertEqual(len(pages), 1)
        page.look(768, print_=True)
        self.assertFalse(page.find("#print").is_displayed())
        self.assertTrue(page.find("#qr img").is_displayed())

    def test_search_engines_and_other_pages_are_told_nothing(self):
        page = self.open(f"/t/{self.book()}")
        self.assertEqual(page.find("meta[name=robots]").get_attribute("content"), "noindex")
        page.click(".brand")
        wait_for("the box office", lambda: page.find("#list").is_displayed())
        self.assertEqual(page.run("return document.referrer"), "")

    def test_a_ticket_that_is_gone_shows_so_in_the_list_and_can_be_forgotten(self):
        page = self.open("/e/rush")
        page.wait_text("#connection", "live")
        page.click("#book")
        page.wait_text("#tickets", "1 ticket, valid")
        self.server.ask("POST", f"tickets/{page.text('#bought .code')}/cancel", {})
        page.driver.refresh()
        page.wait_text("#tickets", "1 ticket, cancelled")
        page.click("#tickets button")
        wait_for("the list to go", lambda: not page.find("#mine").is_displayed())


class Outages(Case):
    ends_server = True

    def test_who_looks_is_told_when_the_server_goes_and_sees_right_when_it_is_back(self):
        page = self.open("/e/rush")
        page.wait_text("#connection", "live")
        self.server.stop()
        page.wait_text("#connection", "not connected: as it was at")
        page.wait_text("#opened-left", "5 of 5 left at ")
        page.wait_content("#status", "Not connected. What is left may have changed.")
        self.server.start()
        self.server.ask("POST", "events/rush/bookings", {"quantity": 2})
        page.wait_text("#connection", "live")
        page.wait_text("#opened-left", "3 of 5 left")
        self.assertEqual(page.content("#opened-left .asof"), "")
        page.wait_content("#status", "Connected again.")

    def test_a_server_that_hangs_is_not_called_live(self):
        page = self.open("/e/rush")
        page.wait_text("#connection", "live")
        stopped = [self.server.process.pid, *self.server.workers()]
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        try:
            page.wait_text("#connection", "not connected: as it was at")
        finally:
            for pid in stopped:
                os.kill(pid, signal.SIGCONT)
        page.wait_text("#connection", "live")

    def test_a_booking_while_the_server_is_away_is_made_once_when_it_is_back(self):
        page = self.open("/e/rush")
        page.wait_text("#connection", "live")
        self.server.stop(signal.SIGKILL)
        page.click("#book")
        page.wait_text("#buy-said", "No answer yet for The noon rush: asking again, nothing is booked twice")
        self.server.start()
        page.wait_text("#bought", "Yours: 1 ticket for The noon rush")
        page.wait_text("#opened-left", "4 of 5 left")

    def test_who_waited_is_told_that_the_place_was_lost_and_waits_again(self):
        buyer = self.person()
        codes = [buyer.ask("/book rush").split()[1] for _ in range(5)]
        page = self.open("/e/rush")
        page.wait_text("#buy-hint", "Sold out")
        page.click("#book")
        page.wait_text("#turn", "You are number 1")
        self.server.stop()
        page.wait_text("#turn", "You lost your place")
        self.server.start()
        page.wait_text("#turn", "The place before this one ended with its connection")
        self.server.ask("POST", f"tickets/{codes[0]}/cancel", {})
        page.wait_text("#turn", "It is your turn")
        page.click("#turn-leave")
        page.wait_text("#buy-said", "Given back")


main()
