// At the door: a ticket's code comes from the camera, from a scanner that types, or from a hand; the server says whether its
// holder may come in, once. What is shown and heard stays until the next one.
import { ask } from "./api.js";
import { allowSounds, tones } from "./attention.js";
import { Camera } from "./camera.js";
import { byId, make, secondOf, setText, timeOf } from "./dom.js";
import { Inside } from "./inside.js";
import { Lines } from "./lines.js";
import { showConnection, SignIn } from "./sign-in.js";

const SHOWN_MOST = 10; // of the last ones
const SAME_MS = 4000; // a camera sees one ticket many times
const LINK = /\/t\/([^/?#\s]+)/; // of a ticket's page, as its QR code has it

const VERDICTS = {
	yes: { tones: [[880, 0.12], [1320, 0.22]], pattern: [80] },
	used: { tones: [[330, 0.18], [262, 0.3]], pattern: [200, 80, 200] },
	no: { tones: [[196, 0.5]], pattern: [500] },
	unknown: { tones: [[440, 0.1], [440, 0.1], [440, 0.1]], pattern: [80, 80, 80, 80, 80] },
};

const lines = new Lines();
const inside = new Inside(lines);
const field = byId("code");
let last = { code: "", at: 0 }; // that was asked for
let asking = false;

// Verdicts

function show(verdict, big, small, code) {
	byId("verdict").dataset.verdict = verdict;
	setText(byId("verdict-big"), big);
	setText(byId("verdict-small"), small);
	tones(...VERDICTS[verdict].tones);
	navigator.vibrate?.(VERDICTS[verdict].pattern);
	byId("last").prepend(make("li", { "data-verdict": verdict }, make("time", {}, secondOf(new Date())), " ", make("b", {}, big), " ",
		make("span", {}, small || code)));
	while (byId("last").childElementCount > SHOWN_MOST) {
		byId("last").lastElementChild.remove();
	}
}

const people = (number) => (Number(number) === 1 ? "1 person" : `${number} people`);

// "20:14", with the day if it is another.
function since(admitted) {
	const when = new Date(admitted);
	const today = when.toDateString() === new Date().toDateString();
	return today ? timeOf(when) : `${timeOf(when)} on ${when.toLocaleDateString("en-GB", { day: "numeric", month: "long" })}`;
}

const NOT_VALID = { cancelled: "This ticket was cancelled.", expired: "It was held, and never booked.", held: "It is held, and not booked yet." };

// What the ticket is, for who was not let in; null when nobody can say.
async function lookUp(code) {
	return ask("GET", `tickets/${encodeURIComponent(code)}`).then(({ ok, body }) => (ok ? body : null), () => null);
}

async function showRefusal(code, { word, text }) {
	if (word === "NOTFOUND" || word === "BADARG" && !/only held/.test(text)) {
		show("no", "Not valid", "There is no such ticket.", code);
		return;
	}
	if (word !== "USED" && word !== "EXPIRED" && word !== "BADARG") {
		show("unknown", "Try again", text, code);
		return;
	}
	const ticket = await lookUp(code);
	if (ticket?.state === "admitted") {
		show("used", ticket.admitted ? `Already in since ${since(ticket.admitted)}` : "Already in",
			`${inside.titleOf(ticket.event)}, ${people(ticket.quantity)}`, code);
	} else {
		show("no", "Not valid", NOT_VALID[ticket?.state] ?? text, code);
	}
}

// A ticket for another event is nobody's to use up here.
async function isForHere(code) {
	const { ok, words } = await lines.ask(`/ticket ${code}`);
	if (!ok || !inside.chosen || words[1] === inside.chosen) {
		return true;
	}
	show("no", "Another event", `This ticket is for ${inside.titleOf(words[1])}.`, code);
	return false;
}

// Whoever asked and got no answer may have been let in: the next try would call that ticket used.
async function showLost(code) {
	show("unknown", "No answer", "The connection was lost. Scan it again when it is back: if it says “already in” as of now, it was this time.", code);
}

async function admit(code) {
	if (inside.chosen && !(await isForHere(code))) {
		return;
	}
	const answer = await lines.ask(`/admit ${code}`);
	if (answer.ok) {
		const [, event, quantity] = answer.words;
		show("yes", `Let in ${quantity}`, inside.titleOf(event), code);
		inside.add(event, Number(quantity));
	} else if (answer.lost) {
		await showLost(code);
	} else if (answer.word === "DENIED") {
		lines.restart(); // and the page asks for the password
	} else {
		await showRefusal(code, answer);
	}
}

// Codes

const codeIn = (text) => decodeURIComponent(LINK.exec(text)?.[1] ?? text).trim().replace(/\s+/g, "");

async function take(text) {
	const code = codeIn(text);
	if (asking || !code) {
		return;
	}
	asking = true;
	byId("verdict").classList.add("asking");
	last = { code, at: Date.now() };
	await admit(code);
	last.at = Date.now();
	byId("verdict").classList.remove("asking");
	asking = false;
}

const camera = new Camera(byId("camera"), (text) => {
	if (codeIn(text) !== last.code || Date.now() - last.at > SAME_MS) {
		take(text);
	}
	last.at = codeIn(text) === last.code ? Date.now() : last.at;
});

async function submit(submitted) {
	submitted.preventDefault();
	allowSounds();
	const text = field.value;
	field.value = "";
	field.focus();
	await take(text);
}

async function switchCamera() {
	allowSounds();
	const problem = camera.on ? camera.stop() : await camera.start();
	setText(byId("camera-button"), camera.on ? "Camera off" : "Scan with the camera");
	if (problem) {
		show("unknown", "No camera", problem, "");
	}
}

// A scanner types wherever the focus is: unless that is a field, it is meant for this one.
function takeKey({ key, ctrlKey, metaKey, altKey, target }) {
	const typed = key.length === 1 && key !== " " && !ctrlKey && !metaKey && !altKey;
	if (typed && !byId("all").hidden && !(target instanceof HTMLInputElement || target instanceof HTMLSelectElement)) {
		field.focus();
	}
}

function begin() {
	byId("scan").addEventListener("submit", submit);
	byId("camera-button").addEventListener("click", switchCamera);
	byId("camera-button").hidden = !Camera.canBe();
	byId("event").addEventListener("change", () => { inside.choose(byId("event").value); field.focus(); });
	document.addEventListener("keydown", takeKey);
	new SignIn(lines, (operator) => {
		byId("all").hidden = !operator;
		if (operator) {
			inside.look();
			field.focus();
		} else {
			camera.stop();
		}
	});
	showConnection(lines);
	lines.start();
}

begin();
