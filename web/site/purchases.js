// Bookings that are under way. Each has a key that is kept before it is sent and until it is answered: whatever happens
// meanwhile (no connection, a reload, a server that ends), asking again with the key books once.
import { askUntilAnswered } from "./api.js";
import { forgetPending, keepPending, keepTicket, makeKey, pending } from "./memory.js";

const RESUMED_MS = 120_000; // what was pressed longer ago is asked for again only if somebody says so

export class Purchases {
	#told;
	#running = new Map(); // event by key

	// TOLD: { booked(purchase, ticket), refused(purchase, error), doubt(purchase) }
	constructor(told) { this.#told = told; }

	isBusyWith(event) { return [...this.#running.values()].includes(event); }

	start(event, title, quantity) {
		const purchase = { key: makeKey(), event, title, quantity, at: Date.now() };
		keepPending(purchase);
		return this.run(purchase);
	}

	// What a page before this one left. Returns those that are too old to be gone on with unasked.
	resume() {
		const old = pending().filter(({ at }) => Date.now() - at > RESUMED_MS);
		pending().filter((purchase) => !old.some(({ key }) => key === purchase.key)).forEach((purchase) => this.run(purchase));
		return old;
	}

	forget({ key }) { forgetPending(key); }

	async run(purchase) {
		const { key, event, title, quantity } = purchase;
		this.#running.set(key, event);
		const { ok, body } = await askUntilAnswered("POST", `events/${event}/bookings`, { quantity },
			{ "Idempotency-Key": key }, { doubt: () => this.#told.doubt(purchase) });
		this.#running.delete(key);
		if (ok) {
			keepTicket({ ...body, title });
		}
		forgetPending(key);
		if (ok) {
			this.#told.booked(purchase, body);
		} else {
			this.#told.refused(purchase, body);
		}
	}
}
