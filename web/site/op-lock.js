// The store's lock: who has it and had it, and how long those who wanted it waited.
import { byId, make, setText } from "./dom.js";
import { Bars, COLOURS, Strip } from "./chart.js";
import { between, duration } from "./figures.js";
import { quantile } from "./metrics.js";

const SHOWN_MS = 60_000;
const HELD = "turnstile_worker_lock_held_seconds_total";
const WAITED = "turnstile_lock_wait_seconds";
const SLICE_MOST_MS = 5000; // a longer gap is one of ours, and says nothing
const BUCKETS = 20; // 66 µs, 131 µs … 17 s, and more
const WORDS = [[0, "< 0.1 ms"], [7, "10 ms"], [14, "1 s"]];

export class OpLock {
	#strip = new Strip();
	#waits = new Bars(BUCKETS, WORDS);

	constructor() {
		byId("strip").append(this.#strip.element);
		byId("waits").append(this.#waits.element);
	}

	show(history, workers) {
		this.#showHolder(history.last.metrics, workers);
		this.#showStrip(history);
		this.#showWaits(history);
	}

	#showHolder(metrics, workers) {
		const pid = metrics.value("turnstile_lock_holder_pid");
		const waiting = metrics.value("turnstile_lock_waiting");
		const worker = workers.byPid(pid);
		const who = !pid ? "Nobody has it" : worker ? `Worker ${worker.number} has it` : `Process ${pid} has it`;
		setText(byId("holder"), `${who}, ${waiting ? `${waiting === 1 ? "1 process waits" : `${waiting} processes wait`}` : "nobody waits"}.`);
	}

	#showStrip(history) {
		const { samples, last } = history;
		const names = last.metrics.all(HELD).map(({ labels }) => labels.worker);
		const slices = samples.slice(1).map((sample, i) => {
			const before = samples[i];
			const took = (sample.at - before.at) / 1000;
			const shares = names.map((name) => Math.min(1, Math.max(0,
				(sample.metrics.value(HELD, "worker", name) - before.metrics.value(HELD, "worker", name)) / took)));
			return { at: sample.at, tookMs: 1000 * took, shares };
		}).filter(({ at, tookMs }) => at > last.at - SHOWN_MS && tookMs < SLICE_MOST_MS);
		const means = names.map((_, i) => slices.reduce((sum, { shares, tookMs }) => sum + shares[i] * tookMs, 0) / SHOWN_MS);
		const words = names.map((name, i) => [name === "joiner" ? "the joiner" : `worker ${name}`, `${(100 * means[i]).toFixed(1)} %`]);
		this.#strip.show(slices, { from: last.at - SHOWN_MS, to: last.at,
			label: `Shares of the last minute: ${words.map(([who, share]) => `${who} ${share}`).join(", ")}` });
		byId("shares").replaceChildren(...words.map(([who, share], i) =>
			make("span", {}, make("span", { class: `chip share${i % COLOURS}` }), `${who} ${share}`)));
	}

	#showWaits(history) {
		const buckets = between(WAITED, history.before(SHOWN_MS), history.last);
		const all = buckets.reduce((sum, { count }) => sum + count, 0);
		const said = all ? `${all === 1 ? "1 wait" : `${all.toLocaleString("en-GB")} waits`} in the last minute: half of them below ${duration(quantile(buckets, 0.5))}, 99 of 100 below ${duration(quantile(buckets, 0.99))}.`
			: "Nobody wanted it in the last minute.";
		this.#waits.show(buckets.map(({ count }) => count), said);
		setText(byId("waits-said"), said);
	}
}
