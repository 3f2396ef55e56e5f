// The events with what is left of each. Of the one that is opened "*sale" in its room says what changes. Who looks at the
// list enters no room, for people there are told who comes and goes: it is asked for, as often as it must be called live.
const LOOKED_MS = 800; // at what the list shows, while it is seen
const LISTED_MS = 5000; // all of them, otherwise; where there are many,
const MANY = 50;
const MANY_LISTED_MS = 30000; // so often,
const LIVE_MOST = 30; // and so many of them, the first, are looked at one by one

const START = new Date(performance.timeOrigin); // as the server wrote it into the page

const ROW = /^(\S+) (-?\d+)\/(\d+) (open|closed)(?: (.*))?$/;

function fromRow(row) {
	const [, name, left, total, state, title] = ROW.exec(row) ?? [];
	return name && { name, title: title || name, left: Number(left), total: Number(total), open: state === "open" };
}

export class Events {
	#lines;
	#all;
	#joined = null; // { name, live, reply }: the event in whose room we are
	#seen = new Map(); // by event: when what is known of it was true, where it is not live
	#listedAt = 0;
	#looking = false; // answers are on their way
	#changed;
	listed = false; // the list is shown

	// KNOWN: those that the server wrote into the page. CHANGED is told of each that is another than before.
	constructor(lines, known, changed) {
		this.#lines = lines;
		this.#all = new Map(known.map((event) => [event.name, event]));
		this.#changed = changed;
		lines.on("open", () => this.#list());
		lines.on("close", () => this.#leave());
		lines.on("sale", ([name, left, total]) => this.#put({ ...this.#all.get(name), name, left: Number(left), total: Number(total) }));
		setInterval(() => document.hidden || this.#listIfDue(), LISTED_MS);
		setInterval(() => this.look(), LOOKED_MS);
		document.addEventListener("visibilitychange", () => this.look());
	}

	#leave() {
		if (this.#joined?.live) {
			this.#seen.set(this.#joined.name, this.#lines.heard);
		}
		this.#joined = null;
	}

	all() { return [...this.#all.values()]; }
	get(name) { return this.#all.get(name); }

	// Whether what is left of it is true now, and if not, when it was.
	isLive(name) { return this.#lines.current(this.asOf(name)); }
	asOf(name) { return this.#joined?.live && this.#joined.name === name ? this.#lines.heard : this.#seen.get(name) ?? START; }

	// The event's room is entered, and the one before is left; a promise of the reply to that. What is left is asked for
	// behind it, so that nothing falls between the two.
	join(name) {
		if (this.#joined?.name !== name) {
			this.part();
			this.#joined = { name, live: false, reply: this.#lines.ask(`/join #${name}`) };
			this.#begin(this.#joined);
		}
		return this.#joined.reply;
	}

	async #begin(room) {
		const { name } = room;
		const left = await this.#left(name);
		if (this.#joined !== room) {
			return;
		}
		if (left && (await room.reply).ok) {
			room.live = true;
		} else {
			this.#joined = null;
		}
	}

	part() {
		if (this.#joined) {
			this.#lines.ask(`/part #${this.#joined.name}`);
			this.#leave();
		}
	}

	// What the list shows, as it is now.
	async look() {
		if (this.#looking || !this.listed || document.hidden) {
			return;
		}
		this.#looking = true;
		await (this.#all.size <= MANY ? this.#list() : Promise.all(this.all().slice(0, LIVE_MOST).map(({ name }) => this.#left(name))));
		this.#looking = false;
	}

	async #left(name) {
		const { ok, words } = await this.#lines.ask(`/left ${name}`);
		if (ok) {
			this.#seen.set(name, this.#lines.heard);
			this.#put({ ...this.#all.get(name), name, left: Number(words[1]), total: Number(words[2]) });
		}
		return ok;
	}

	#put(event) {
		const before = this.#all.get(event.name);
		const after = { title: event.name, open: true, ...event };
		this.#all.set(event.name, after);
		if (!before || Object.keys(after).some((key) => before[key] !== after[key])) {
			this.#changed(after);
		}
	}

	#listIfDue() {
		if (this.#all.size <= MANY ? !this.listed : Date.now() - this.#listedAt >= MANY_LISTED_MS) {
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
