// Who is in, by event: the server counts them (audit), and what is let in here counts at once.
import { ask } from "./api.js";
import { byId, make, secondOf, setText } from "./dom.js";

const LOOKED_MS = 5000;
const REST = 20; // and so many times as long as a count took: of many tickets it takes long
const COUNTED_MOST = 4; // events, each a count of all its tickets
const CHOSEN = "turnstile.door"; // where this browser keeps it
const ROW = /^(\S+) (-?\d+)\/(\d+) (open|closed)(?: (.*))?$/;

function kept() {
	try {
		return localStorage.getItem(CHOSEN) ?? "";
	} catch {
		return "";
	}
}

export class Inside {
	#lines;
	#titles = new Map(); // by event
	#counts = new Map(); // by event: { admitted, sold, at }
	#asking = false;
	#dueAt = 0; // as Date.now()
	chosen = kept(); // the event whose door this is; "" for all

	constructor(lines) {
		this.#lines = lines;
		setInterval(() => Date.now() >= this.#dueAt && this.look(), LOOKED_MS);
		lines.on("open", () => this.look());
	}

	titleOf(event) { return this.#titles.get(event) ?? event; }

	choose(event) {
		this.chosen = event;
		try {
			localStorage.setItem(CHOSEN, event);
		} catch {
			// then it is chosen until the page is closed
		}
		this.look();
	}

	add(event, quantity) {
		const count = this.#counts.get(event);
		if (count) {
			count.admitted += quantity;
			count.sold = Math.max(count.sold, count.admitted); // sold since it was counted
		}
		this.#show();
	}

	async look() {
		if (this.#asking || !this.#lines.open || byId("all").hidden || document.hidden) {
			return;
		}
		this.#asking = true;
		const { ok, rows } = await this.#lines.ask("/events");
		if (ok) {
			this.#takeEvents(rows);
			const begun = Date.now();
			await Promise.all(this.#counted().map((event) => this.#count(event)));
			this.#dueAt = Date.now() + REST * (Date.now() - begun);
			this.#show();
		}
		this.#asking = false;
	}

	#counted() { return this.chosen ? [this.chosen] : [...this.#titles.keys()].slice(0, COUNTED_MOST); }

	async #count(event) {
		const { ok, body } = await ask("GET", `events/${event}/audit`).catch(() => ({ ok: false }));
		if (ok && body.admitted !== undefined) {
			this.#counts.set(event, { admitted: body.admitted, sold: body.sold, at: new Date() });
		}
	}

	#takeEvents(rows) {
		const before = [...this.#titles.keys()].join();
		rows.map((row) => ROW.exec(row)).filter(Boolean).forEach(([, name, , , , title]) => this.#titles.set(name, title || name));
		if ([...this.#titles.keys()].join() !== before) {
			byId("event").replaceChildren(make("option", { value: "" }, "all events"),
				...[...this.#titles].map(([name, title]) => make("option", { value: name }, title)));
		}
		if (!this.#titles.has(this.chosen)) {
			this.chosen = "";
		}
		byId("event").value = this.chosen;
	}

	#show() {
		const all = this.#counted().filter((event) => this.#counts.has(event));
		byId("inside").replaceChildren(...all.map((event) => {
			const { admitted, sold } = this.#counts.get(event);
			return make("li", {}, make("span", {}, this.titleOf(event)), " ",
				make("span", {}, make("b", {}, admitted.toLocaleString("en-GB")), ` of ${sold.toLocaleString("en-GB")} sold`),
				make("progress", { value: admitted, max: Math.max(sold, 1), "aria-hidden": "true" }));
		}));
		const oldest = all.map((event) => this.#counts.get(event).at).sort((one, other) => one - other)[0];
		setText(byId("inside-said"), oldest ? `Counted at ${secondOf(oldest)}, all doors together.` : "");
	}
}
