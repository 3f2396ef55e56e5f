// The control room. Once a second it asks what there is: the events, the workers and the rooms by the lines protocol, all
// counters by /metrics; and shows that, with what it was in the last minutes. What operators may do goes by lines, too.
import { Curve } from "./chart.js";
import { byId, make, setText } from "./dom.js";
import { between, duration, perSecond } from "./figures.js";
import { Lines } from "./lines.js";
import { History, quantile, scrape } from "./metrics.js";
import { OpEvents } from "./op-events.js";
import { OpLock } from "./op-lock.js";
import { OpRooms } from "./op-rooms.js";
import { OpWorkers } from "./op-workers.js";
import { showConnection, SignIn } from "./sign-in.js";

const ASKED_MS = 1000;
const KEPT_MS = 5 * 60_000; // of history
const SHOWN_LEAST_MS = 60_000; // of a curve, also when there is less
const RATE_MS = 5000; // a rate is the mean of so long
const QUANTILE_MS = 60_000;

const lines = new Lines();
const history = new History(KEPT_MS);
const events = new OpEvents(lines);
const lock = new OpLock();
const workers = new OpWorkers();
const rooms = new OpRooms(lines);
let operator = false;
let asking = false;

// Figures

const booked = (metrics) => metrics.value("turnstile_tickets_booked_total");
const total = (name) => (metrics) => metrics.value(name);

function figure(name) {
	const value = make("span");
	const curve = new Curve();
	byId("figures").append(make("div", { class: "figure panel" }, make("dt", {}, name), make("dd", {}, value, curve.element)));
	return { name, value, curve };
}

const figures = [
	{ ...figure("Tickets sold a second"), read: booked },
	{ ...figure("Lines said a second"), read: total("turnstile_messages_total") },
	{ ...figure("Connections"), gauge: total("turnstile_connections") },
	{ ...figure("A booking takes, 99 of 100"), buckets: "turnstile_booking_seconds" },
];

function points({ read, gauge, buckets }) {
	const { samples } = history;
	if (read) {
		return history.rates(read);
	}
	if (gauge) {
		return samples.map(({ at, metrics }) => ({ at, value: gauge(metrics) }));
	}
	return samples.slice(1).map((sample, i) => ({ at: sample.at, value: quantile(between(buckets, samples[i], sample), 0.99) }))
		.filter(({ value }) => Number.isFinite(value));
}

function valueOf({ read, gauge, buckets }) {
	if (read) {
		return perSecond(history.rate(RATE_MS, read));
	}
	if (gauge) {
		return gauge(history.last.metrics).toLocaleString("en-GB");
	}
	const bound = quantile(between(buckets, history.before(QUANTILE_MS), history.last), 0.99);
	return bound ? `< ${duration(bound)}` : "–";
}

function showFigures() {
	const to = history.last.at;
	const from = Math.min(history.samples[0].at, to - SHOWN_LEAST_MS);
	for (const shown of figures) {
		const all = points(shown);
		const text = valueOf(shown);
		setText(shown.value, text);
		shown.curve.show(all, { from, to, most: 1.05 * Math.max(...all.map(({ value }) => value), 0),
			label: `${shown.name} in the last minutes; now ${text}` });
	}
	const healthy = history.last.metrics.value("turnstile_healthy") === 1;
	const unlocked = history.last.metrics.all("turnstile_info")[0]?.labels.serialize === "none";
	setText(byId("trouble"), !healthy ? "Bookings cannot be taken now: /healthz and the log say why."
		: unlocked ? "This server runs with --serialize none: it sells tickets twice, on purpose." : "");
}

// Asking

const isOfServer = (name) => !name.startsWith("turnstile_event_"); // /events says those

async function look() {
	if (!operator || asking || !lines.open || document.hidden) {
		return;
	}
	asking = true;
	try {
		const [listed, serving, there, metrics] = await Promise.all([lines.ask("/events"), lines.ask("/workers"), lines.ask("/rooms"), scrape(isOfServer)]);
		if (listed.ok && serving.ok && there.ok) {
			history.add({ at: Date.now(), metrics });
			showFigures();
			events.show(listed.rows);
			workers.show(serving.rows, history, RATE_MS);
			lock.show(history, workers);
			rooms.show(there.rows);
			byId("all").hidden = false;
		}
	} catch {
		// no answer: the head of the page says so
	} finally {
		asking = false;
	}
}

const signIn = new SignIn(lines, (is) => {
	operator = is;
	if (!is) {
		byId("all").hidden = true;
		history.clear();
	}
	look();
});

lines.on("open", () => signIn.operator && look());
showConnection(lines);
setInterval(look, ASKED_MS);
document.addEventListener("visibilitychange", look);
lines.start();
