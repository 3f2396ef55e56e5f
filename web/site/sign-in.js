// Signing in as an operator, for the pages that are for operators alone. The password goes to the server once and is kept
// nowhere; what makes the next connection an operator's is a cookie that no script can read.
import { ask } from "./api.js";
import { announce, byId, setText } from "./dom.js";

const LOST = "The server did not answer. Try again.";
const WAIT = /wait (\d+) second/; // after too many wrong passwords

export class SignIn {
	#lines;
	#changed;
	#until = 0; // a penalty's end, as Date.now()
	#timer = 0;
	operator = null; // not known yet

	// CHANGED(operator) is called when it is known, and whenever it is another.
	constructor(lines, changed) {
		this.#lines = lines;
		this.#changed = changed;
		lines.on("open", () => this.#look());
		byId("sign-in").addEventListener("submit", (submitted) => this.#submit(submitted));
		byId("sign-out").addEventListener("click", () => this.#signOut());
	}

	// What only operators may ask tells whether this connection is one's.
	async #look() {
		const { ok, lost } = await this.#lines.ask("/workers");
		if (!lost) {
			this.#set(ok);
		}
	}

	#set(operator) {
		const before = this.operator;
		this.operator = operator;
		byId("sign-in").hidden = operator;
		byId("sign-out").hidden = !operator;
		if (operator !== before) {
			this.#changed(operator);
			if (!operator) {
				byId("password").focus();
			}
		}
	}

	async #submit(submitted) {
		submitted.preventDefault();
		if (Date.now() < this.#until) {
			return;
		}
		const button = byId("sign-in-button");
		button.disabled = true;
		setText(byId("sign-in-problem"), "");
		const { ok, body } = await ask("POST", "op", { password: byId("password").value })
			.catch(() => ({ ok: false, body: { message: LOST } }));
		button.disabled = false;
		if (ok) {
			byId("password").value = "";
			announce("Signed in.");
			this.#lines.restart();
		} else {
			this.#refuse(body.message);
		}
	}

	#refuse(message) {
		const [, seconds] = WAIT.exec(message) ?? [];
		byId("password").select();
		byId("password").focus();
		if (seconds) {
			this.#until = Date.now() + 1000 * Number(seconds);
			clearInterval(this.#timer);
			this.#timer = setInterval(() => this.#showPenalty(), 250);
			this.#showPenalty();
		} else {
			setText(byId("sign-in-problem"), message === "wrong password" ? "That is not the password." : message);
		}
	}

	#showPenalty() {
		const left = Math.ceil((this.#until - Date.now()) / 1000);
		byId("sign-in-button").disabled = left > 0;
		setText(byId("sign-in-problem"), left > 0
			? `Too many wrong passwords from here. In ${left} s you can try again.` : "You can try again now.");
		if (left <= 0) {
			clearInterval(this.#timer);
		}
	}

	async #signOut() {
		await ask("DELETE", "op").catch(() => null);
		this.#set(false);
		this.#lines.restart();
	}
}

// Says in the head of the page whether what it shows is true now, and since when not.
export function showConnection(lines) {
	const element = byId("connection");
	const at = () => lines.heard.toLocaleTimeString("en-GB");
	const show = () => {
		element.hidden = false;
		element.dataset.live = lines.live ? "yes" : "no";
		document.body.classList.toggle("cut-off", !lines.live);
		setText(element, lines.live ? "live" : lines.refused ? `not let in: ${lines.refused}` : `cut off since ${at()}`);
	};
	lines.on("state", () => {
		show();
		announce(lines.live ? "The connection is back." : "The connection is lost: what is shown is old.", true);
	});
	lines.on("open", show);
	lines.on("close", show);
	show();
}
