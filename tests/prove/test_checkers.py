"""Tests that the checkers fail what is wrong and pass what is right: histories that are made by hand.

Each wrong one is one slip of a ticket office or of a room; beside it stands the same without the slip.
"""

import unittest

import chat
import linear
from chat import Line, Stretch
from linear import Operation

LATER = float("inf")


def history(*rows):
    """Rows of: asked, answered, verb, what (a key, a code or nothing), quantity, answer."""
    operations = []
    for asked, answered, verb, what, quantity, answer in rows:
        keyed = verb in ("book", "hold")
        operations.append(Operation(verb, asked, answered, answer, key=what if keyed else None,
                                    code=None if keyed else what, quantity=quantity))
    return operations


def settle(operations, unanswered, by):
    operations[unanswered].until = operations[by]
    return operations


class Bookings(unittest.TestCase):
    def right(self, total, operations):
        self.assertEqual(linear.check(total, operations), [])

    def wrong(self, total, operations):
        self.assertNotEqual(linear.check(total, operations), [])

    def test_no_more_is_sold_than_there_is(self):
        rows = [(0, 5, "book", "k1", 1, "+booked A e 1"), (1, 6, "book", "k2", 1, "+booked B e 1")]
        self.right(2, history(*rows))
        self.wrong(1, history(*rows))

    def test_what_is_held_is_not_sold(self):
        rows = [(0, 1, "hold", "k1", 2, "+held A e 2 3600"), (2, 3, "book", "k2", 1, "+booked B e 1")]
        self.right(3, history(*rows))
        self.wrong(2, history(*rows))

    def test_sold_out_is_said_when_it_is(self):
        self.right(1, history((0, 1, "book", "k1", 1, "+booked A e 1"), (2, 3, "book", "k2", 1, "-SOLDOUT e 0")))
        self.wrong(2, history((0, 1, "book", "k1", 1, "+booked A e 1"), (2, 3, "book", "k2", 1, "-SOLDOUT e 1")))

    def test_sold_out_tells_what_is_left(self):
        self.right(2, history((0, 1, "book", "k1", 3, "-SOLDOUT e 2")))
        self.wrong(2, history((0, 1, "book", "k1", 3, "-SOLDOUT e 1")))

    def test_an_answer_is_as_of_a_moment_between_question_and_answer(self):
        self.right(2, history((0, 5, "book", "k1", 1, "+booked A e 1"), (1, 2, "left", None, 0, "+left e 2 2")))
        self.right(2, history((0, 5, "book", "k1", 1, "+booked A e 1"), (1, 2, "left", None, 0, "+left e 1 2")))
        self.wrong(2, history((0, 1, "book", "k1", 1, "+booked A e 1"), (2, 3, "left", None, 0, "+left e 2 2")))

    def test_a_count_tells_what_is_sold_and_held_at_a_moment(self):
        rows = [(0, 1, "book", "k1", 2, "+booked A e 2"), (2, 3, "hold", "k2", 1, "+held B e 1 60")]
        self.right(5, history(*rows, (4, 5, "audit", None, 0, "+audit e 2 1 2 5 ok")))
        self.wrong(5, history(*rows, (4, 5, "audit", None, 0, "+audit e 3 0 2 5 ok")))
        self.wrong(5, history(*rows, (4, 5, "audit", None, 0, "+audit e 2 0 3 5 ok")))

    def test_nobody_sees_what_is_taken_back_afterwards(self):
        rows = [(0, 9, "book", "k1", 1, "+booked A e 1"), (1, 2, "left", None, 0, "+left e 1 2"),
                (3, 4, "left", None, 0, "+left e 2 2")]
        self.wrong(2, history(*rows))

    def test_a_key_is_sold_once(self):
        self.right(2, history((0, 1, "book", "k1", 1, "+booked A e 1"), (2, 3, "book", "k1", 1, "+booked A e 1"),
                              (4, 5, "left", None, 0, "+left e 1 2")))
        self.wrong(2, history((0, 1, "book", "k1", 1, "+booked A e 1"), (2, 3, "book", "k1", 1, "+booked B e 1")))
        self.wrong(2, history((0, 1, "book", "k1", 1, "+booked A e 1"), (2, 3, "book", "k1", 1, "+booked A e 1"),
                              (4, 5, "left", None, 0, "+left e 0 2")))

    def test_an_unanswered_request_was_done_or_not(self):
        def lost(left):
            return settle(history((0, LATER, "book", "k1", 1, None), (2, 3, "left", None, 0, left),
                                  (4, 5, "book", "k1", 1, "+booked A e 1")), 0, 2)
        self.right(1, lost("+left e 1 1"))
        self.right(1, lost("+left e 0 1"))

    def test_after_sold_out_the_first_request_is_never_done(self):
        """The buyer heard -SOLDOUT at the second try; then the first one was sold after all."""
        rows = [(0, LATER, "book", "k1", 1, None), (0, 1, "book", "k2", 1, "+booked B e 1"),
                (2, 3, "book", "k1", 1, "-SOLDOUT e 0"), (4, 5, "cancel", "B", 0, "+cancelled B e 1")]
        self.right(1, settle(history(*rows, (6, 7, "left", None, 0, "+left e 1 1")), 0, 2))
        self.wrong(1, settle(history(*rows, (6, 7, "left", None, 0, "+left e 0 1")), 0, 2))

    def test_what_was_refused_is_not_done(self):
        rows = [(0, 1, "book", "k1", 1, "+booked A e 1"), (2, 3, "cancel", "A", 0, "-INTERNAL nothing was done")]
        self.right(1, history(*rows, (4, 5, "ticket", "A", 0, "+ticket A e 1 booked")))
        self.wrong(1, history(*rows, (4, 5, "ticket", "A", 0, "+ticket A e 1 cancelled")))
        self.wrong(1, history(*rows, (4, 5, "left", None, 0, "+left e 1 1")))

    def test_what_was_answered_is_not_lost(self):
        self.wrong(1, history((0, 1, "book", "k1", 1, "+booked A e 1"), (2, 3, "ticket", "A", 0, "-NOTFOUND A")))
        self.wrong(1, history((0, 1, "book", "k1", 1, "+booked A e 1"), (2, 3, "book", "k2", 1, "+booked B e 1")))

    def test_two_people_cannot_both_cancel(self):
        rows = [(0, 1, "book", "k1", 1, "+booked A e 1"), (2, 5, "cancel", "A", 0, "+cancelled A e 1")]
        self.right(1, history(*rows, (3, 4, "cancel", "A", 0, "-USED A was cancelled")))
        self.wrong(1, history(*rows, (3, 4, "cancel", "A", 0, "+cancelled A e 1")))

    def test_what_is_cancelled_is_not_confirmed(self):
        rows = [(0, 1, "hold", "k1", 1, "+held A e 1 3600"), (2, 3, "cancel", "A", 0, "+cancelled A e 1")]
        self.right(1, history(*rows, (4, 5, "confirm", "A", 0, "-USED A")))
        self.wrong(1, history(*rows, (4, 5, "confirm", "A", 0, "+booked A e 1")))

    def test_a_cancelled_ticket_gives_back_all_of_it(self):
        rows = [(0, 1, "book", "k1", 2, "+booked A e 2"), (2, 3, "cancel", "A", 0, "+cancelled A e 2")]
        self.right(3, history(*rows, (4, 5, "left", None, 0, "+left e 3 3")))
        self.wrong(3, history(*rows, (4, 5, "left", None, 0, "+left e 2 3")))

    def test_a_tied_hold_lapses_after_its_connection_and_not_before(self):
        held = (0, 1, "hold", "k1", 1, "+held A e 1 3600")
        lapse = (4, LATER, "lapse", "A", 0, None)
        self.right(1, history(held, lapse, (5, 6, "left", None, 0, "+left e 1 1")))
        self.right(1, history(held, lapse, (5, 6, "left", None, 0, "+left e 0 1")))
        self.wrong(1, history(held, lapse, (2, 3, "left", None, 0, "+left e 1 1")))
        self.wrong(1, history(held, (5, 6, "confirm", "A", 0, "-EXPIRED A")))

    def test_a_tied_hold_of_which_nobody_was_told_lapses_too(self):
        rows = [(0, LATER, "hold", "k1", 1, None), (3, 4, "hold", "k1", 1, "-EXPIRED A")]
        gone = [(0, LATER, "lapse", linear.untold("k1"), 0, None), (5, 6, "left", None, 0, "+left e 1 1")]
        self.right(1, settle(history(*rows, *gone), 0, 1))
        self.wrong(1, settle(history(*rows, gone[1]), 0, 1))
        self.wrong(1, history(rows[1], *gone))

    def test_many_at_once_are_searched_through(self):
        rows = [(0, 9, "book", f"k{i}", 1, f"+booked A{i} e 1") for i in range(12)]
        rows += [(1 + i / 100, 8, "left", None, 0, f"+left e {i} 12") for i in range(13)]
        self.right(12, history(*rows))
        self.wrong(12, history(*rows, (10, 11, "left", None, 0, "+left e 1 12")))


class Chat(unittest.TestCase):
    def setUp(self):
        self.lines = {f"m {i % 2} {i}": Line(f"m {i % 2} {i}", i % 2, i, i + 0.5, True) for i in range(6)}
        self.log = list(self.lines)
        self.listener = Stretch(2, -1, True)
        self.listener.heard = list(self.log)
        self.speaker = Stretch(0, -1, True)
        self.speaker.heard = [name for name in self.log if self.lines[name].client != 0]

    def found(self):
        return chat.check(self.lines, [self.listener, self.speaker], self.log)

    def test_a_room_as_it_should_be(self):
        self.assertEqual(self.found(), [])

    def test_a_connection_may_begin_late_and_end_early(self):
        self.listener.joined, self.listener.whole = 1.7, False
        self.listener.heard = self.log[2:5]
        self.assertEqual(self.found(), [])

    def test_a_line_left_out(self):
        del self.listener.heard[3]
        self.assertNotEqual(self.found(), [])

    def test_the_last_line_left_out(self):
        del self.listener.heard[-1]
        self.assertNotEqual(self.found(), [])

    def test_the_first_line_left_out(self):
        del self.listener.heard[0]
        self.assertNotEqual(self.found(), [])

    def test_a_line_twice(self):
        self.listener.heard.insert(3, self.listener.heard[3])
        self.assertNotEqual(self.found(), [])

    def test_two_lines_changed(self):
        self.listener.heard[1:3] = reversed(self.listener.heard[1:3])
        self.assertNotEqual(self.found(), [])

    def test_ones_own_line(self):
        self.speaker.heard = list(self.log)
        self.assertNotEqual(self.found(), [])

    def test_a_line_that_was_refused(self):
        self.lines["m 1 3"].told = False
        self.assertNotEqual(self.found(), [])

    def test_a_line_that_nobody_said(self):
        self.listener.heard.append("m 0 99")
        self.assertNotEqual(self.found(), [])

    def test_a_line_that_was_taken_and_is_gone(self):
        self.log.remove("m 1 3")
        self.listener.heard.remove("m 1 3")
        self.speaker.heard.remove("m 1 3")
        self.assertNotEqual(self.found(), [])
        self.lines["m 1 3"].told, self.lines["m 1 3"].answered = None, LATER
        self.assertEqual(self.found(), [])

    def test_an_order_against_time(self):
        self.log[1:3] = reversed(self.log[1:3])
        self.listener.heard = list(self.log)
        self.assertNotEqual(self.found(), [])

    def test_two_orders_without_a_log(self):
        self.speaker.client = 3
        self.speaker.heard = [self.log[1], self.log[0]]
        self.assertNotEqual(chat.check(self.lines, [self.listener, self.speaker], [], False), [])


if __name__ == "__main__":
    unittest.main()
