#!/usr/bin/python3
"""What keeps people from using the pages, as far as a program finds it (axe-core), in light and dark, narrow and wide.

    test_access.py build/release [TEST...]
"""
import axe
from frame import Case, main


class Access(axe.Accessible, Case):
    events = ["rush=5:The noon rush", "gone=1"]

    def test_the_list_of_events(self):
        page = self.open("/")
        page.wait_text("#connection", "live")
        self.expect_none(page)

    def test_an_event_with_what_was_said_and_what_was_booked(self):
        page = self.open("/e/rush")
        page.wait_text("#connection", "live")
        other = self.person()
        other.ask("/join #rush")
        other.ask("/say #rush hello")
        page.wait_text("#said", "hello")
        page.click("#book")
        page.wait_text("#tickets", "valid")
        page.click("#nick-summary")
        self.expect_none(page)

    def test_waiting_and_an_offer(self):
        buyer = self.person()
        code = buyer.ask("/book gone").split()[1]
        page = self.open("/e/gone")
        page.wait_text("#buy-hint", "Sold out")
        page.click("#book")
        page.wait_text("#turn", "You are number 1")
        self.expect_none(page)
        buyer.ask(f"/cancel {code}")
        page.wait_text("#turn", "It is your turn")
        self.expect_none(page)
        page.click("#turn-leave")

    def test_a_ticket_whatever_became_of_it(self):
        code = self.server.ask("POST", "events/rush/bookings", {})["code"]
        page = self.open(f"/t/{code}")
        self.expect_none(page)
        page.click("#cancel")
        self.expect_none(page)
        page.click("#sure-yes")
        page.wait_text("#state", "Cancelled")
        self.expect_none(page)

    def test_what_is_wrong_is_found(self):
        page = self.open("/")
        page.run("""document.querySelector("main").insertAdjacentHTML("beforeend", '<img src="/t/0000-0000-0000-0000.svg"><button></button>');
            document.getElementById("list-title").style.color = "#ddd";""")
        self.assertEqual({fault.split(": ")[1] for fault in axe.faults(page.driver)}, {"image-alt", "button-name", "color-contrast"})

    def test_a_page_that_is_not_there(self):
        self.expect_none(self.open("/e/nothing"))
        self.pages[0].console()  # Chromium notes that it is not there


class Cut(Case):
    ends_server = True

    @classmethod
    def setUpClass(cls):
        axe.source()

    def test_an_event_while_the_server_is_away(self):
        page = self.open("/e/rush")
        page.wait_text("#connection", "live")
        self.server.stop()
        page.wait_text("#connection", "not connected")
        for dark in [False, True]:
            page.look(320, dark=dark, motion=False)
            self.assertEqual(axe.faults(page.driver), [])


main()
