// The line protocol over /ws (docs/protocol.md): commands and their replies, events, and a connection that comes again.
//
//	const lines = new Lines();
//	lines.on("sale", ([event, left, total]) => …);            "*sale rush 12 500"
//	lines.on("open", async () => { const { rows } = await lines.ask("/events"); });
//	lines.on("state", () => lines.live …);
//	lines.start();

const PING_MS = 800; // without a word for so long, it is asked for one
const STALE_MS = 1700; // and after so long without an answer, what is shown may be old
const LOOK_MS = 200;
const FIRST_PAUSE_MS = 250; // before it is tried again; doubled, up to
const LAST_PAUSE_MS = 4000;
const SILENT_MS = 10000; // a connection that does not come, or says nothing when asked, is given up after so long

export class Lines {
	#handlers = new Map();
	#socket = null;
	#waiting = []; // for replies, in the order of the commands
	#greeted = false;
	#askedAt = 0; // for a word, or for the connection, as Date.now(); 0: nothing was asked
	#pause = FIRST_PAUSE_MS;
	#timer = 0;
	#live = true;
	heard = new Date(performance.timeOrigin); // what is shown was true then
	refused = ""; // why the server did not let us in

	// Whether what is shown may be called true now; and whether what was true then may be.
	get live() { return this.#live; }
	current(then) { return Date.now() - then.getTime() < STALE_MS; }
	get open() { return this.#greeted; }

	on(kind, handler) {
		this.#handlers.set(kind, [...(this.#handlers.get(kind) ?? []), handler]);
	}

	start() {
		this.#connect();
		setInterval(() => this.#look(), LOOK_MS);
		addEventListener("online", () => this.#hurry());
		document.addEventListener("visibilitychange", () => this.#look());
		addEventListener("pageshow", () => this.#look());
	}

	// Ends this connection and begins another: for what only the end of one can undo.
	restart() {
		this.#socket?.close();
		this.#ended(this.#socket, true);
	}

	// { ok, word, words, rows, text } of the final line; ok is false, too, when the connection ends before it.
	ask(line) {
		return new Promise((resolve) => {
			if (!this.#greeted) {
				resolve(Lines.#lost());
				return;
			}
			this.#waiting.push({ resolve, rows: [] });
			this.#socket.send(line);
		});
	}

	static #lost() {
		return { ok: false, lost: true, word: "", words: [], rows: [], text: "the connection was lost" };
	}

	#say(kind, ...values) {
		for (const handler of this.#handlers.get(kind) ?? []) {
			handler(...values);
		}
	}

	#connect() {
		const scheme = location.protocol === "https:" ? "wss:" : "ws:";
		const socket = new WebSocket(`${scheme}//${location.host}/ws`, "turnstile.1");
		this.#socket = socket;
		this.#askedAt = Date.now();
		socket.onmessage = ({ data }) => this.#take(socket, data);
		socket.onclose = () => this.#ended(socket, false);
	}

	#ended(socket, atOnce) {
		if (socket !== this.#socket || !socket) {
			return;
		}
		const waiting = this.#waiting;
		this.#socket = null;
		this.#waiting = [];
		this.#askedAt = 0;
		const was = this.#greeted;
		this.#greeted = false;
		waiting.forEach(({ resolve }) => resolve(Lines.#lost()));
		if (was) {
			this.#say("close");
		}
		this.#look();
		this.#timer = setTimeout(() => this.#connect(), atOnce ? 0 : this.#pause * (0.5 + Math.random() / 2));
		this.#pause = Math.min(2 * this.#pause, LAST_PAUSE_MS);
	}

	#hurry() {
		if (!this.#socket) {
			clearTimeout(this.#timer);
			this.#connect();
		}
	}

	#take(socket, line) {
		if (socket !== this.#socket) {
			return;
		}
		if (!this.#greeted) {
			this.#greet(line);
			return;
		}
		this.heard = new Date();
		if (line[0] === "*") {
			const [kind, ...words] = line.slice(1).split(" ");
			this.#say(kind, words);
		} else if (line[0] === "=") {
			this.#waiting[0]?.rows.push(line.slice(1));
		} else {
			this.#answer(line);
		}
		this.#look();
	}

	#answer(line) {
		const [word, ...words] = line.slice(1).split(" ");
		const asked = this.#waiting.shift();
		asked?.resolve({ ok: line[0] === "+", word, words, rows: asked.rows, text: words.join(" ") });
	}

	#greet(line) {
		this.#greeted = line[0] === "+";
		this.refused = this.#greeted ? "" : line.slice(line.indexOf(" ") + 1);
		if (this.#greeted) {
			this.heard = new Date();
			this.#askedAt = 0;
			this.#pause = FIRST_PAUSE_MS;
			this.#say("open");
		}
		this.#look();
	}

	#silence() { return Date.now() - this.heard.getTime(); }

	async #ping() {
		this.#askedAt = Date.now();
		const { lost } = await this.ask("/ping");
		if (!lost) {
			this.#askedAt = 0;
		}
	}

	// In a tab that nobody sees nothing is asked: it is when it is seen again.
	#look() {
		const silence = this.#silence();
		if (this.#greeted && !this.#askedAt && silence >= PING_MS && !document.hidden) {
			this.#ping();
		}
		if (this.#askedAt && Date.now() - this.#askedAt >= SILENT_MS && !document.hidden) {
			this.restart();
			return;
		}
		const live = this.current(this.heard);
		if (live !== this.#live) {
			this.#live = live;
			this.#say("state");
		}
	}
}
