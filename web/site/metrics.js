// GET /metrics (Prometheus's text format), and what it said in the last minutes.

const SAMPLE = /^(\w+)(?:\{(.*)\})? (\S+)$/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

export class Metrics {
	#samples = new Map(); // by name: [{ labels, value }]

	// WANTED(name) says which are of use: there are some for each event.
	constructor(text, wanted = () => true) {
		for (const line of text.split("\n")) {
			const [, name, labels, value] = SAMPLE.exec(line) ?? [];
			if (name && wanted(name)) {
				this.#add(name, labels ?? "", Number(value));
			}
		}
	}

	#add(name, labels, value) {
		const sample = { labels: Object.fromEntries(Array.from(labels.matchAll(LABEL), ([, key, text]) => [key, text])), value };
		if (!this.#samples.has(name)) {
			this.#samples.set(name, []);
		}
		this.#samples.get(name).push(sample);
	}

	all(name) { return this.#samples.get(name) ?? []; }

	// The one whose label KEY is TEXT, or the only one; 0 where there is none.
	value(name, key, text) {
		return this.all(name).find(({ labels }) => key === undefined || labels[key] === text)?.value ?? 0;
	}

	// How many were in each bucket of a histogram: [{ to, count }], TO in seconds.
	buckets(name) {
		let below = 0;
		return this.all(`${name}_bucket`).map(({ labels, value }) => {
			const count = value - below;
			below = value;
			return { to: Number(labels.le.replace("+Inf", "Infinity")), count };
		});
	}
}

export async function scrape(wanted) {
	const answer = await fetch("/metrics", { cache: "no-store", signal: AbortSignal.timeout(5000) });
	if (!answer.ok) {
		throw new Error(`/metrics: ${answer.status}`);
	}
	return new Metrics(await answer.text(), wanted);
}

// Samples { at, metrics }, the newest last; AT is in milliseconds.
export class History {
	#samples = [];
	#kept;

	constructor(keptMs) { this.#kept = keptMs; }

	add(sample) {
		const from = sample.at - this.#kept;
		this.#samples = [...this.#samples.filter(({ at }) => at >= from), sample];
	}

	clear() { this.#samples = []; }
	get samples() { return this.#samples; }
	get last() { return this.#samples.at(-1); }
	before(ms) { return this.#samples.find(({ at }) => at >= this.last.at - ms) ?? this.last; }

	// How much READ(metrics) grew a second over the last MS. What began anew with the server has not grown.
	rate(ms, read) {
		const [from, to] = [this.before(ms), this.last];
		return to.at > from.at ? Math.max(0, (read(to.metrics) - read(from.metrics)) / ((to.at - from.at) / 1000)) : 0;
	}

	// The same between each two samples: [{ at, value }].
	rates(read) {
		return this.#samples.slice(1).map((sample, i) => {
			const before = this.#samples[i];
			return { at: sample.at, value: Math.max(0, (read(sample.metrics) - read(before.metrics)) / ((sample.at - before.at) / 1000)) };
		});
	}
}

// What PART of the values in buckets do not exceed: the bound of the bucket that it lies in, in seconds.
export function quantile(buckets, part) {
	const all = buckets.reduce((sum, { count }) => sum + count, 0);
	let seen = 0;
	return all ? buckets.find(({ count }) => (seen += count) >= part * all).to : 0;
}
