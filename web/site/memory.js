// What this browser keeps: the visitor's tickets, bookings whose answer did not come yet, the nick. Where it keeps
// nothing (a private window may not), all is as if it had been new.

const TICKETS = "turnstile.tickets";
const PENDING = "turnstile.pending";
const NICK = "turnstile.nick";
const PLACE = "turnstile.place"; // among those who wait; of this tab alone
const TICKETS_MOST = 100;

function read(name, otherwise, storage = localStorage) {
	try {
		return JSON.parse(storage.getItem(name)) ?? otherwise;
	} catch {
		return otherwise;
	}
}

function write(name, value, storage = localStorage) {
	try {
		storage.setItem(name, JSON.stringify(value));
	} catch {
		// then it is not kept
	}
}

// The newest first.
export const tickets = () => read(TICKETS, []);
export function keepTicket(ticket) {
	const others = tickets().filter(({ code }) => code !== ticket.code);
	write(TICKETS, [{ at: Date.now(), ...ticket }, ...others].slice(0, TICKETS_MOST));
}
export function updateTicket(ticket) {
	write(TICKETS, tickets().map((kept) => (kept.code === ticket.code ? { ...kept, ...ticket } : kept)));
}
export function forgetTicket(code) {
	write(TICKETS, tickets().filter((ticket) => ticket.code !== code));
}

// Another tab may be changing them: each is looked up anew.
export const pending = () => read(PENDING, []);
export function keepPending(purchase) {
	write(PENDING, [...pending().filter(({ key }) => key !== purchase.key), purchase]);
}
export function forgetPending(key) {
	write(PENDING, pending().filter((purchase) => purchase.key !== key));
}

export const nick = () => read(NICK, "");
export const keepNick = (name) => write(NICK, name);

export const place = () => read(PLACE, null, sessionStorage);
export const keepPlace = (place) => write(PLACE, place, sessionStorage);

// Calls when another tab changed what is kept.
export function onChange(handler) {
	addEventListener("storage", ({ key }) => {
		if (key === TICKETS || key === PENDING || key === null) {
			handler();
		}
	});
}

// Hard to guess: whoever knows it is told the ticket's code.
export function makeKey() {
	const bytes = crypto.getRandomValues(new Uint8Array(16));
	return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
