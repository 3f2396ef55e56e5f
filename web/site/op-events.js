// The events: what is left of each and the curve of it, and what operators do to them.
import { Curve } from "./chart.js";
import { byId, make, setText } from "./dom.js";

const KEPT_MS = 5 * 60_000; // of a curve
const SHOWN_LEAST_MS = 60_000; // also when there is less
const SHOWN_MOST = 24;
const ROW = /^(\S+) (-?\d+)\/(\d+) (open|closed)(?: (.*))?$/;

function fromRow(row) {
	const [, name, left, total, state, title] = ROW.exec(row) ?? [];
	return name && { name, title: title || name, left: Number(left), total: Number(total), open: state === "open" };
}

const say = (text, bad = false) => {
	setText(byId("events-said"), text);
	byId("events-said").classList.toggle("bad", bad);
};

const numberOf = (number) => number.toLocaleString("en-GB");

// "The late show" is "the-late-show".
const nameOf = (title) => title.normalize("NFKD").toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "").slice(0, 32);

class Show {
	#lines;
	#event;
	#points = []; // { at, value }: what was left, where it changed
	#since = Date.now();
	#curve = new Curve();
	#left = make("b");
	#of = make("span");
	#state = make("span", { class: "badge" });
	#title = make("a");
	#begin = make("span");
	#toggle = make("button", { type: "button", onclick: () => this.#setOpen(!this.#event.open) });
	#more = make("input", { type: "number", inputmode: "numeric", value: 10, step: 1, required: true, autocomplete: "off" });
	element;

	constructor(lines, { name }) {
		this.#lines = lines;
		this.#title.setAttribute("href", `/e/${name}`);
		const grow = make("form", { class: "grow", onsubmit: (submitted) => this.#grow(submitted) }, this.#more, make("button", { type: "submit" }, "Grow"));
		this.#more.setAttribute("aria-label", `How many tickets more of ${name}; fewer with a minus`);
		this.element = make("li", { class: "show panel", "data-event": name },
			make("div", { class: "show-head" }, make("h3", {}, this.#title), this.#state),
			make("p", { class: "left" }, this.#left, " ", this.#of),
			this.#curve.element,
			make("p", { class: "axis" }, this.#begin, make("span", {}, "now")),
			make("div", { class: "show-do" }, this.#toggle, grow));
	}

	show(event) {
		const now = Date.now();
		if (this.#points.at(-1)?.value !== event.left) {
			this.#points.push({ at: now, value: event.left });
		}
		// One that is older is kept: from it the curve begins.
		while (this.#points.length > 1 && this.#points[1].at < now - KEPT_MS) {
			this.#points.shift();
		}
		this.#event = event;
		setText(this.#title, event.title);
		setText(this.#left, numberOf(event.left));
		setText(this.#of, `of ${numberOf(event.total)} left`);
		this.element.dataset.state = !event.open ? "closed" : event.left > 0 ? "open" : "sold out";
		setText(this.#state, this.element.dataset.state);
		setText(this.#toggle, event.open ? "Close" : "Open");
		this.#toggle.setAttribute("aria-label", `${event.open ? "Close" : "Open"} ${event.title}`);
		const shown = Math.min(KEPT_MS, Math.max(SHOWN_LEAST_MS, now - this.#since));
		const ago = shown < 120_000 ? "a minute ago" : `${Math.round(shown / 60_000)} minutes ago`;
		setText(this.#begin, ago);
		this.#curve.show(this.#points, { from: now - shown, to: now, most: 1.02 * event.total,
			label: `What was left since ${ago}; now ${event.left} of ${event.total}` });
	}

	async #setOpen(open) {
		const { title, name } = this.#event;
		const { ok, text } = await this.#lines.ask(`/event ${open ? "open" : "close"} ${name}`);
		say(ok ? `${title} is ${open ? "open" : "closed"}.` : `${title}: ${text}`, !ok);
		if (ok) {
			this.show({ ...this.#event, open });
		}
	}

	async #grow(submitted) {
		submitted.preventDefault();
		const { title, name, left, total } = this.#event;
		const { ok, text, words } = await this.#lines.ask(`/event grow ${name} ${Number(this.#more.value)}`);
		say(ok ? `${title} has ${numberOf(Number(words[1]))} tickets now.` : `${title}: ${text}`, !ok);
		if (ok) {
			this.show({ ...this.#event, total: Number(words[1]), left: left + Number(words[1]) - total });
		}
	}
}

export class OpEvents {
	#lines;
	#shows = new Map(); // by name
	#named = false; // by hand

	constructor(lines) {
		this.#lines = lines;
		byId("new-event").addEventListener("click", () => this.#setMaking(byId("make").hidden));
		byId("make-cancel").addEventListener("click", () => this.#setMaking(false));
		byId("make-name").addEventListener("input", () => { this.#named = byId("make-name").value !== ""; });
		byId("make-title").addEventListener("input", () => {
			if (!this.#named) {
				byId("make-name").value = nameOf(byId("make-title").value);
			}
		});
		byId("make").addEventListener("submit", (submitted) => this.#make(submitted));
	}

	show(rows) {
		const all = rows.map(fromRow).filter(Boolean);
		all.slice(0, SHOWN_MOST).forEach((event) => this.#showOf(event).show(event));
		const rest = all.length - SHOWN_MOST;
		setText(byId("events-rest"), rest > 0 ? `${rest} more are in the box office.` : all.length ? "" : "There is no event yet.");
	}

	#showOf(event) {
		if (!this.#shows.has(event.name)) {
			const show = new Show(this.#lines, event);
			this.#shows.set(event.name, show);
			byId("events").append(show.element);
		}
		return this.#shows.get(event.name);
	}

	#setMaking(making) {
		byId("make").hidden = !making;
		byId("new-event").setAttribute("aria-expanded", String(making));
		(making ? byId("make-title") : byId("new-event")).focus();
	}

	async #make(submitted) {
		submitted.preventDefault();
		const [title, name, total] = ["title", "name", "total"].map((part) => byId(`make-${part}`).value.trim());
		const { ok, text } = await this.#lines.ask(`/event new ${name} ${total} ${title}`.trim());
		say(ok ? `${title || name} is open, with ${numberOf(Number(total))} tickets.` : `It is not made: ${text}`, !ok);
		if (ok) {
			byId("make").reset();
			this.#named = false;
			this.#setMaking(false);
		}
	}
}
