// The event's room: what is said there, and saying something. All of it is text.
import { byId, counted, make, setText, timeOf } from "./dom.js";
import { keepNick, nick } from "./memory.js";

const SHOWN_MOST = 200;
const HISTORY = 30;
const LINE_BYTES_MOST = 1024;
const COUNTED_MOST = 64; // in a larger room nobody is told who comes and goes

export class Room {
	#lines;
	#events;
	#event = "";
	#nick = "";
	#members = 0;
	#log = byId("said");
	#text = byId("say-text");

	constructor(lines, events) {
		this.#lines = lines;
		this.#events = events;
		lines.on("open", () => this.#begin());
		lines.on("close", () => this.#setOpen(false));
		lines.on("say", ([room, who, ...words]) => room === `#${this.#event}` && this.#add(new Date(), who, words.join(" ")));
		lines.on("join", ([room]) => this.#count(room, 1));
		lines.on("part", ([room]) => this.#count(room, -1));
		lines.on("notice", (words) => this.#add(new Date(), "", words.join(" ")));
		byId("say").addEventListener("submit", (submitted) => this.#say(submitted));
		byId("nick").addEventListener("submit", (submitted) => this.#rename(submitted));
		this.#speakOnlyInside();
		this.#setOpen(false);
	}

	// A screen reader reads what is said to who is in the room, and to nobody who is busy elsewhere on the page.
	#speakOnlyInside() {
		const room = byId("room");
		room.addEventListener("focusin", () => this.#log.setAttribute("aria-live", "polite"));
		room.addEventListener("focusout", ({ relatedTarget }) => this.#log.setAttribute("aria-live", room.contains(relatedTarget) ? "polite" : "off"));
	}

	// Shows another event's room; "" for none.
	show(event) {
		this.#event = event;
		this.#log.replaceChildren();
		this.#problem("");
		if (!this.#lines.open) {
			return;
		}
		if (event) {
			this.#enter();
		} else {
			this.#events.part();
		}
	}

	#setOpen(open) {
		byId("say-button").disabled = !open;
		byId("nick-button").disabled = !open;
	}

	#problem(text) { setText(byId("say-problem"), text); }

	async #begin() {
		this.#setOpen(true);
		if (nick()) {
			await this.#lines.ask(`/nick ${nick()}`);
		}
		await this.#learnNick();
		if (this.#event) {
			await this.#enter();
		}
	}

	async #learnNick() {
		const { ok, words } = await this.#lines.ask("/where");
		if (ok) {
			this.#nick = words[0];
			setText(byId("nick-now"), this.#nick);
		}
	}

	async #enter() {
		const event = this.#event;
		const { ok, words } = await this.#events.join(event);
		const { rows } = await this.#lines.ask(`/history #${event} ${HISTORY}`);
		if (!ok || event !== this.#event) {
			return;
		}
		this.#members = Number(words[1]);
		this.#count(`#${event}`, 0);
		this.#log.replaceChildren();
		rows.forEach((row) => {
			const [when, who, ...said] = row.split(" ");
			this.#add(new Date(when), who, said.join(" "));
		});
	}

	#count(room, change) {
		if (room === `#${this.#event}`) {
			this.#members += change;
			setText(byId("members"), this.#members > COUNTED_MOST ? `more than ${COUNTED_MOST} here` : `${counted(this.#members, "person").replace("persons", "people")} here`);
		}
	}

	#add(when, who, text) {
		const atEnd = this.#log.scrollHeight - this.#log.scrollTop - this.#log.clientHeight < 40;
		this.#log.append(make("li", { class: who ? (who === this.#nick ? "own" : null) : "notice" },
			make("time", { datetime: when.toISOString() }, timeOf(when)), " ",
			who ? make("b", {}, who) : make("b", {}, "the server"), " ", make("span", {}, text)));
		while (this.#log.childElementCount > SHOWN_MOST) {
			this.#log.firstElementChild.remove();
		}
		if (atEnd) {
			this.#log.scrollTop = this.#log.scrollHeight;
		}
	}

	async #say(submitted) {
		submitted.preventDefault();
		const text = this.#text.value.trim();
		const line = `/say #${this.#event} ${text}`;
		if (!text || !this.#lines.open) {
			return;
		}
		if (new TextEncoder().encode(line).length > LINE_BYTES_MOST) {
			this.#problem("That is too long for one line.");
			return;
		}
		const { ok, text: why } = await this.#lines.ask(line);
		this.#problem(ok ? "" : `Not said: ${why}`);
		if (ok) {
			this.#text.value = "";
			this.#add(new Date(), this.#nick, text);
		}
	}

	async #rename(submitted) {
		submitted.preventDefault();
		const wanted = byId("nick-text").value.trim();
		if (!wanted) {
			return;
		}
		const { ok, text } = await this.#lines.ask(`/nick ${wanted}`);
		this.#problem(ok ? "" : `Your name is as it was: ${text}`);
		if (ok) {
			keepNick(wanted);
			byId("nick-text").value = "";
			byId("nick-details").open = false;
			byId("nick-summary").focus();
			await this.#learnNick();
		}
	}
}
