// A place among those who wait for an event (/wait), and the offer that comes in the end. The server ties both to the
// connection: when that ends, so does the place, and a new one is asked for.
import { askUntilAnswered } from "./api.js";
import { keepPlace, keepTicket, place } from "./memory.js";

const LATE_MS = 5000; // an answer may come so long after the offer's end

export class Queue {
	#lines;
	#changed;
	state = "none"; // asking, waiting, offered, taking
	event = "";
	title = "";
	quantity = 0;
	position = 0;
	code = "";
	until = 0; // of the offer, as Date.now()
	again = false; // the place before this one was lost

	// CHANGED(what): "asked", "placed", "waiting", "offered", "taken", "given", "lapsed", "lost", "left", or "refused" with a text.
	constructor(lines, changed) {
		this.#lines = lines;
		this.#changed = changed;
		lines.on("waiting", ([event, , position]) => this.#move(event, position));
		lines.on("offer", (words) => this.#offer(words));
		lines.on("close", () => this.#lose());
		lines.on("open", () => this.#askAgain());
		const kept = place();
		if (kept) {
			Object.assign(this, kept, { state: "lost", again: true });
		}
	}

	wait(event, title, quantity) {
		Object.assign(this, { event, title, quantity, again: false });
		return this.#ask();
	}

	// There is no command for it: the connection ends.
	leave() {
		this.#end();
		this.#changed("left");
		this.#lines.restart();
	}

	async take() {
		const { code, title, until } = this;
		this.state = "taking";
		const answer = await askUntilAnswered("POST", `tickets/${code}/confirm`, {}, {}, { givesUp: () => Date.now() > until + LATE_MS });
		if (this.code !== code) {
			return;
		}
		this.#end();
		if (answer?.ok) {
			keepTicket({ ...answer.body, title });
			this.#changed("taken", answer.body);
		} else {
			this.#changed("lapsed");
		}
	}

	async giveBack() {
		const { code, until } = this;
		this.#end();
		this.#changed("given");
		await askUntilAnswered("POST", `tickets/${code}/cancel`, {}, {}, { givesUp: () => Date.now() > until });
	}

	// The clock ran down.
	lapse() {
		this.#end();
		this.#changed("lapsed");
	}

	#end() {
		Object.assign(this, { state: "none", code: "", until: 0, again: false });
		keepPlace(null);
	}

	async #ask() {
		const { event, title, quantity } = this;
		this.state = "asking";
		this.position = 0;
		keepPlace({ event, title, quantity });
		this.#changed("asked");
		const { ok, lost, words, text } = await this.#lines.ask(`/wait ${event} ${quantity}`);
		if (lost || this.state !== "asking" && this.state !== "waiting") {
			return;
		}
		if (ok) {
			this.#move(event, words[2]);
		} else {
			this.#end();
			this.#changed("refused", text);
		}
	}

	#move(event, position) {
		if (event === this.event && (this.state === "asking" || this.state === "waiting")) {
			const first = this.position === 0;
			this.state = "waiting";
			this.position = Number(position);
			this.#changed(first ? "placed" : "waiting");
		}
	}

	#offer([code, event, quantity, seconds]) {
		if (event === this.event) {
			Object.assign(this, { state: "offered", code, quantity: Number(quantity), until: Date.now() + 1000 * Number(seconds) });
			this.#changed("offered");
		}
	}

	#lose() {
		if (this.state !== "none" && this.state !== "taking") {
			Object.assign(this, { state: "lost", again: true, code: "" });
			this.#changed("lost");
		}
	}

	#askAgain() {
		if (this.state === "lost") {
			this.#ask();
		}
	}
}
