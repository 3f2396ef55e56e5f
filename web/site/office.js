// The box office: the list of events, one of them opened, buying and waiting, one's own tickets.
import { announce, byId, clockOf, counted, make, secondOf, setText } from "./dom.js";
import { allowSounds, blink, setTitle, tones } from "./attention.js";
import { ask } from "./api.js";
import { Events } from "./events.js";
import { Lines } from "./lines.js";
import * as memory from "./memory.js";
import { Purchases } from "./purchases.js";
import { Queue } from "./queue.js";
import { Room } from "./room.js";

const WARNED_SECONDS = [60, 30, 10]; // of an offer's clock: then a screen reader says so
const TICK_MS = 250;
const LOOKED_UP_MOST = 20; // of one's own tickets, each time they are shown

const lines = new Lines();
const events = new Events(lines, [...document.querySelectorAll("#events > li")].map(known), changed);
const room = new Room(lines, events);
const purchases = new Purchases({ booked, refused, doubt });
const queue = new Queue(lines, queueChanged);
const quantity = byId("quantity");
const mostAtOnce = Number(quantity.max);
let opened = "";

function known(row) {
	const { dataset } = row;
	return { name: dataset.event, title: row.querySelector("a").textContent, left: Number(dataset.left), total: Number(dataset.total), open: dataset.open === "yes" };
}

const most = () => Math.min(mostAtOnce, events.get(opened)?.total ?? mostAtOnce);
const wanted = () => Math.min(Math.max(Math.trunc(Number(quantity.value)) || 1, 1), most());
const ticketsFor = (n, title) => `${counted(n, "ticket")} for ${title}`;

// What is left

function fillLeft(element, event) {
	const live = events.isLive(event.name);
	setText(element.querySelector("b"), event.open ? String(event.left) : "");
	setText(element.querySelector(".of"), event.open ? `of ${event.total} left` : "not on sale");
	setText(element.querySelector(".asof"), live ? "" : `at ${secondOf(events.asOf(event.name))}`);
	element.classList.toggle("old", !live);
}

function fillBar(bar, { left, total, open }) {
	bar.max = total;
	bar.value = open ? Math.max(left, 0) : 0;
}

function makeRow(event) {
	return make("li", { class: "event", "data-event": event.name },
		make("a", { href: `/e/${event.name}` }, event.title),
		make("div", { class: "event-stub" },
			make("p", { class: "left" }, make("b"), " ", make("span", { class: "of" }), " ", make("span", { class: "asof" })),
			make("progress", { "aria-hidden": "true" })));
}

function rowOf(event) {
	let row = byId("events").querySelector(`:scope > [data-event="${event.name}"]`);
	if (!row) {
		row = makeRow(event);
		byId("events").append(row);
		setText(byId("list-lead"), "");
	}
	return row;
}

function fillRow(event) {
	const row = rowOf(event);
	setText(row.querySelector("a"), event.title);
	fillLeft(row.querySelector(".left"), event);
	fillBar(row.querySelector("progress"), event);
	row.classList.toggle("gone", !event.open || event.left <= 0);
}

function changed(event) {
	fillRow(event);
	if (event.name === opened) {
		fillOpened();
	}
}

// The line, and what it means for all that is shown.
function showState() {
	const since = secondOf(lines.heard);
	const element = byId("connection");
	element.hidden = false;
	element.dataset.live = lines.live ? "yes" : "no";
	setText(element, lines.live ? "live" : lines.refused ? `the server let nobody in: ${lines.refused}` : `not connected: as it was at ${since}`);
}

// What is not live says so.
function showAges() {
	for (const event of events.all()) {
		if (rowOf(event).querySelector(".left").classList.contains("old") === events.isLive(event.name)) {
			changed(event);
		} else if (!events.isLive(event.name)) {
			fillRow(event);
		}
	}
}

// A moment without an answer is nobody's business; a longer one is told once.
let toldOld = false;
function tellState() {
	const silent = Date.now() - lines.heard.getTime() > 4000 && !document.hidden;
	if (silent !== toldOld && (silent || lines.live)) {
		toldOld = silent;
		announce(silent ? "Not connected. What is left may have changed." : "Connected again.");
	}
}

// The opened event

function fillOpened() {
	const event = events.get(opened);
	if (!event) {
		return;
	}
	setText(byId("opened-title"), event.title);
	fillLeft(byId("opened-left"), event);
	fillBar(byId("opened-bar"), event);
	fillAction(event);
}

// One button: it says what it does.
function actionOf(event) {
	if (!event.open) {
		return "none";
	}
	return event.left >= wanted() ? "book" : "wait";
}

function fillAction(event) {
	const n = wanted();
	const action = actionOf(event);
	const waiting = queue.state !== "none" && queue.event === event.name;
	const button = byId("book");
	byId("fewer").disabled = n <= 1;
	byId("more").disabled = n >= most();
	quantity.max = most();
	button.disabled = action === "none" || (action === "wait" && waiting);
	setText(button, { none: "Not on sale", book: `Book ${counted(n, "ticket")}`, wait: waiting ? "You are waiting" : `Wait for ${counted(n, "ticket")}` }[action]);
	setText(byId("buy-hint"), action !== "wait" ? "" : event.left > 0 ? `Only ${event.left} left: take fewer, or wait until somebody gives back.`
		: "Sold out. Who waits gets what is given back, in turn.");
}

function say(text) {
	setText(byId("buy-said"), text);
}

function open(name, moves) {
	const event = events.get(name);
	opened = event ? name : "";
	byId("list").hidden = Boolean(event);
	byId("opened").hidden = !event;
	setTitle(`${event ? event.title : "Box office"} · turnstile`);
	say("");
	quantity.value = 1;
	events.listed = !event;
	room.show(opened);
	fillOpened();
	events.look();
	if (moves) {
		scrollTo(0, 0);
		byId(event ? "opened-title" : "list-title").focus({ preventScroll: true });
	}
}

const eventIn = (path) => /^\/e\/([^/]+)$/.exec(path)?.[1] ?? "";

function follow(click) {
	const link = click.target.closest?.("a[href]");
	if (!link || click.defaultPrevented || click.button !== 0 || click.metaKey || click.ctrlKey || click.shiftKey || click.altKey) {
		return;
	}
	const path = new URL(link.href).pathname;
	if (path === "/" || events.get(eventIn(path))) {
		click.preventDefault();
		history.pushState(null, "", path);
		open(eventIn(path), true);
	}
}

// Buying

function submit(submitted) {
	submitted.preventDefault();
	const event = events.get(opened);
	const n = wanted();
	if (actionOf(event) === "wait") {
		allowSounds();
		queue.wait(event.name, event.title, n);
	} else if (!purchases.isBusyWith(event.name)) {
		say("Booking …");
		byId("book").setAttribute("aria-busy", "true");
		purchases.start(event.name, event.title, n);
	}
}

function settle(text) {
	byId("book").removeAttribute("aria-busy");
	say(text);
}

const titleOf = (name, otherwise) => events.get(name)?.title ?? otherwise ?? name;

function showBought(ticket, title) {
	const heading = make("h2", { tabindex: "-1" }, `Yours: ${ticketsFor(ticket.quantity, title)}`);
	byId("bought").prepend(make("section", { class: "bought", "data-code": ticket.code },
		make("img", { src: `/t/${ticket.code}.svg`, alt: "QR code of the ticket, to be shown at the door", width: "164", height: "164" }),
		make("div", {}, heading, make("p", { class: "code" }, ticket.code),
			make("p", {}, "Kept in this browser. Show the code at the door; whoever has it, has the ticket."),
			make("p", {}, make("a", { class: "button", href: `/t/${ticket.code}` }, "Open and print")))));
	heading.focus({ preventScroll: false });
	showTickets();
}

function booked({ event, title }, ticket) {
	settle("");
	if (ticket.state === "cancelled" || ticket.state === "expired") {
		say(`That booking is ${ticket.state}.`);
		showTickets();
		return;
	}
	showBought(ticket, titleOf(event, title));
	announce(`Booked: ${ticketsFor(ticket.quantity, titleOf(event, title))}.`);
}

const REFUSALS = {
	soldout: ({ left }) => left > 0 ? `Somebody was quicker: ${left} left now.` : "Somebody was quicker: sold out.",
	closed: () => "It is not on sale just now.",
	used: () => "That booking was cancelled.",
	expired: () => "That booking has lapsed.",
};

function refused({ event, title }, error) {
	const why = REFUSALS[error.error]?.(error) ?? `The server said: ${error.message}.`;
	const text = `Not booked: ${titleOf(event, title)}. ${why}`;
	settle(text);
	announce(text);
}

function doubt({ event, title }) {
	const text = `No answer yet for ${titleOf(event, title)}: asking again, nothing is booked twice …`;
	if (byId("buy-said").textContent !== text) {
		say(text);
		announce(text);
	}
}

// What was pressed long ago is not bought without a word.
function showOld(purchase) {
	const { event, title, quantity: n } = purchase;
	const box = make("section", { class: "bought" }, make("div", {},
		make("h2", {}, `Was it booked? ${ticketsFor(n, titleOf(event, title))}`),
		make("p", {}, "You pressed Book, and no answer came. Asking again books once, or shows the ticket that there is."),
		make("p", { class: "row" },
			make("button", { type: "button", class: "primary", onclick: () => { box.remove(); purchases.run(purchase); } }, "Ask again"),
			make("button", { type: "button", onclick: () => { box.remove(); purchases.forget(purchase); } }, "Forget it"))));
	byId("bought").prepend(box);
}

// Waiting

const SAID = {
	lost: () => `The connection was lost, and with it your place for ${queue.title}. It is asked for again.`,
	left: () => "You are not waiting any more.",
	given: () => "Given back: it goes to the next one.",
	lapsed: () => `The offer for ${queue.title} has lapsed: it goes to the next one.`,
};

function queueChanged(what, detail) {
	const asked = ticketsFor(queue.quantity, queue.title);
	if (what === "offered") {
		byId("turn").hidden = false;
		byId("turn").scrollIntoView({ block: "nearest" });
		tones([660, 0.18], [880, 0.18], [1320, 0.4]);
		blink("● It is your turn");
		announce(`It is your turn: ${asked}. You have ${secondsLeft()} seconds.`, true);
	} else if (what !== "waiting" && what !== "placed" && what !== "asked") {
		blink("");
	}
	if (what === "placed") {
		announce(`You are number ${queue.position} in the queue: ${asked}.`);
	} else if (what === "refused") {
		say(`You cannot wait for that: ${detail}.`);
		announce(`You cannot wait for that: ${detail}.`);
	} else if (what === "taken") {
		showBought(detail, queue.title);
		announce(`Booked: ${ticketsFor(detail.quantity, queue.title)}.`);
	} else if (SAID[what]) {
		say(SAID[what]());
		announce(SAID[what]());
	}
	showQueue();
	fillOpened();
}

const secondsLeft = () => Math.max(0, Math.ceil((queue.until - Date.now()) / 1000));

const QUEUE_TEXTS = {
	asking: () => ["You wait", ""],
	lost: () => ["You lost your place", "It is asked for again as soon as the server is there."],
	waiting: () => [`You are number ${queue.position} in the queue`,
		queue.again ? "The place before this one ended with its connection. Keep this page open." : "Keep this page open: it sounds when it is your turn."],
	offered: () => ["It is your turn", "Held for you until the clock has run down."],
	taking: () => ["It is your turn", "Booking …"],
};

function showQueue() {
	const offered = queue.state === "offered" || queue.state === "taking";
	const bar = byId("turn");
	bar.hidden = queue.state === "none";
	bar.classList.toggle("offered", offered);
	if (bar.hidden) {
		return;
	}
	const [title, text] = QUEUE_TEXTS[queue.state]();
	setText(byId("turn-title"), title);
	setText(byId("turn-what"), ticketsFor(queue.quantity, queue.title));
	setText(byId("turn-text"), text);
	byId("turn-clock").hidden = !offered;
	byId("turn-take").hidden = !offered;
	setText(byId("turn-take"), queue.quantity === 1 ? "Take it" : "Take them");
	byId("turn-take").disabled = queue.state === "taking";
	setText(byId("turn-leave"), offered ? "Give back" : "Leave the queue");
}

let warned = 0;
function runClock() {
	if (queue.state !== "offered") {
		return;
	}
	const left = secondsLeft();
	setText(byId("turn-clock"), clockOf(left));
	const due = WARNED_SECONDS.find((seconds) => left === seconds);
	if (due && due !== warned) {
		announce(`${due} seconds left.`, true);
	}
	warned = due ?? 0;
	if (left === 0) {
		queue.lapse();
	}
}

// One's own tickets

const STATES = { booked: "valid", held: "held, not booked yet", cancelled: "cancelled", expired: "lapsed", admitted: "used at the door" };

function makeTicket({ code, title, event, quantity: n, state }) {
	return make("li", { "data-state": state },
		make("a", { href: `/t/${code}` }, title ?? event), " ",
		make("span", { class: "faint" }, `${counted(n, "ticket")}, ${STATES[state] ?? state}`),
		make("button", { type: "button", class: "plain", "aria-label": `Forget the ticket for ${title ?? event} here`, title: "Forget it here; the ticket stays as it is",
			onclick: () => { memory.forgetTicket(code); showTickets(); } }, "×"));
}

function showTickets() {
	const mine = memory.tickets();
	byId("mine").hidden = mine.length === 0;
	byId("tickets").replaceChildren(...mine.map(makeTicket));
}

async function lookTicketsUp() {
	for (const ticket of memory.tickets().slice(0, LOOKED_UP_MOST)) {
		try {
			const { ok, status, body } = await ask("GET", `tickets/${ticket.code}`);
			if (ok) {
				memory.updateTicket(body);
			} else if (status === 404) {
				memory.forgetTicket(ticket.code);
			}
		} catch {
			break;
		}
	}
	showTickets();
}

function begin() {
	byId("buy").hidden = false;
	byId("room").hidden = false;
	byId("buy").addEventListener("submit", submit);
	quantity.addEventListener("input", fillOpened);
	quantity.addEventListener("change", () => { quantity.value = wanted(); fillOpened(); });
	byId("fewer").addEventListener("click", () => { quantity.value = wanted() - 1; quantity.dispatchEvent(new Event("change")); });
	byId("more").addEventListener("click", () => { quantity.value = wanted() + 1; quantity.dispatchEvent(new Event("change")); });
	byId("turn-take").addEventListener("click", () => { queue.take(); showQueue(); });
	byId("turn-leave").addEventListener("click", () => (queue.state === "offered" ? queue.giveBack() : queue.leave()));
	document.addEventListener("click", follow);
	addEventListener("popstate", () => open(eventIn(location.pathname), false));
	addEventListener("beforeunload", (leaving) => { if (queue.state === "waiting" || queue.state === "offered") { leaving.preventDefault(); } });
	memory.onChange(showTickets);
	lines.on("state", showState);
	setInterval(() => { runClock(); tellState(); showAges(); }, TICK_MS);
	events.all().forEach(fillRow);
	open(eventIn(location.pathname), false);
	showState();
	showQueue();
	showTickets();
	purchases.resume().forEach(showOld);
	lookTicketsUp();
	lines.start();
}

begin();
