// The events with what is left of each, live: "*sale" in their rooms says what changes, a listing now and then what
// else there is. No event is joined twice, and not more rooms than a connection may be in.
const LISTED_MS = 5000; // so often, while somebody looks; where there are many events,
const MANY = 50;
const MANY_LISTED_MS = 30000; // so often
const ROOMS_MOST = 30; // of 32: one is left for each hand

const START = new Date(performance.timeOrigin); // as the server wrote it into the page

const ROW = /^(\S+) (-?\d+)\/(\d+) (open|closed)(?: (.*))?$/;

function fromRow(row) {
	const [, name, left, total, state, title] = ROW.exec(row) ?? [];
	return name && { name, title: title || name, left: Number(left), total: Number(total), open: state === "open" };
}

export class Events {
	#lines;
	#all;
	#joined = new Map(); // { live, reply } by event
	#seen = new Map(); // by event: when what is known of it was true, where it is not live
	#listedAt = 0;
	#changed;

	// KNOWN: those that the server wrote into the page. CHANGED is told of each that is another than before.
	constructor(lines, known, changed) {
		this.#lines = lines;
		this.#all = new Map(known.map((event) => [event.name, event]));
		this.#changed = changed;
		lines.on("open", () => this.#list());
		lines.on("close", () => this.#leave());
		lines.on("sale", ([name, left, total]) => this.#put({ ...this.#all.get(name), name, left: Number(left), total: Number(total) }));
		setInterval(() => document.hidden || this.#listIfDue(), LISTED_MS);
	}

	#leave() {
		this.#joined.forEach(({ live }, name) => live && this.#seen.set(name, this.#lines.heard));
		this.#joined.clear();
	}

	all() { return [...this.#all.values()]; }
	get(name) { return this.#all.get(name); }

	// Whether what is left of it is true now, and if not, when it was.
	isLive(name) { return this.#lines.current(this.asOf(name)); }
	asOf(name) { return this.#joined.get(name)?.live ? this.#lines.heard : this.#seen.get(name) ?? START; }

	// The event's room is entered; a promise of the reply to that. What is left is asked for behind it, so that nothing
	// falls between the two.
	join(name) {
		if (!this.#joined.has(name)) {
			if (this.#joined.size >= ROOMS_MOST) {
				this.part(this.#joined.keys().next().value);
			}
			const room = { live: false, reply: this.#lines.ask(`/join #${name}`) };
			this.#joined.set(name, room);
			this.#begin(name, room);
		}
		return this.#joined.get(name).reply;
	}

	async #begin(name, room) {
		const { ok, words } = await this.#lines.ask(`/left ${name}`);
		if (ok && (await room.reply).ok) {
			room.live = true;
			this.#put({ ...this.#all.get(name), name, left: Number(words[1]), total: Number(words[2]) });
		} else if (this.#joined.get(name) === room) {
			this.#joined.delete(name);
		}
	}

	part(name) {
		this.#joined.delete(name);
		this.#lines.ask(`/part #${name}`);
	}

	joinAll() { this.all().slice(0, ROOMS_MOST).forEach(({ name }) => this.join(name)); }

	#put(event) {
		const before = this.#all.get(event.name);
		const after = { title: event.name, open: true, ...event };
		this.#all.set(event.name, after);
		if (!before || Object.keys(after).some((key) => before[key] !== after[key])) {
			this.#changed(after);
		}
	}

	#listIfDue() {
		if (this.#all.size <= MANY || Date.now() - this.#listedAt >= MANY_LISTED_MS) {
			this.#list();
		}
	}

	async #list() {
		if (!this.#lines.open) {
			return;
		}
		this.#listedAt = Date.now();
		const { ok, rows } = await this.#lines.ask("/events");
		if (ok) {
			rows.map(fromRow).filter(Boolean).forEach((event) => {
				this.#seen.set(event.name, this.#lines.heard);
				this.#put(event);
			});
		}
	}
}
