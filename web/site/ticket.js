// A ticket's page: prints, cancels, and says when the ticket was used.
import { byId, setText } from "./dom.js";
import { ask, askUntilAnswered } from "./api.js";
import { updateTicket } from "./memory.js";

const LOOKED_UP_MS = 5000;
const STATES = { booked: "Valid", held: "Held, not booked yet", cancelled: "Cancelled", expired: "Lapsed", admitted: "Used at the door" };

const sheet = byId("sheet");
const { code } = sheet.dataset;

function show({ state }) {
	sheet.dataset.state = state;
	setText(byId("state"), STATES[state] ?? state);
	byId("qr").hidden = state !== "booked" && state !== "held";
	byId("cancel").hidden = state !== "booked" && state !== "held";
	updateTicket({ code, state });
}

async function look() {
	if (document.hidden) {
		return;
	}
	try {
		const { ok, body } = await ask("GET", `tickets/${code}`);
		if (ok) {
			show(body);
			setText(byId("said"), "");
		}
	} catch {
		setText(byId("said"), "The server cannot be reached just now: this is how the ticket was.");
	}
}

async function cancel() {
	byId("sure").close();
	const { ok, body } = await askUntilAnswered("POST", `tickets/${code}/cancel`, {}, {},
		{ doubt: () => setText(byId("said"), "No answer yet: asking again …") });
	if (ok || body.error === "used") {
		setText(byId("said"), "Cancelled: it is somebody else's now.");
	} else {
		setText(byId("said"), `Not cancelled: ${body.message}.`);
	}
	await look();
}

byId("actions").hidden = false;
byId("print").addEventListener("click", () => print());
byId("cancel").addEventListener("click", () => byId("sure").showModal());
byId("sure-yes").addEventListener("click", cancel);
byId("sure-no").addEventListener("click", () => byId("sure").close());
show({ state: sheet.dataset.state });
setInterval(look, LOOKED_UP_MS);
document.addEventListener("visibilitychange", look);
