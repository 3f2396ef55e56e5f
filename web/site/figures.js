// What is read from samples of /metrics, and how it is written.

// "1.2 s", "14 ms", "66 µs".
export function duration(seconds) {
	if (!Number.isFinite(seconds)) {
		return "more than 17 s";
	}
	if (seconds >= 1) {
		return `${seconds.toFixed(1)} s`;
	}
	return seconds >= 0.001 ? `${(1000 * seconds).toFixed(seconds < 0.01 ? 1 : 0)} ms` : `${(1e6 * seconds).toFixed(0)} µs`;
}

export const perSecond = (rate) => (rate >= 10 || rate === 0 ? rate.toFixed(0) : rate.toFixed(1));

// The values of a histogram that came between two samples, by bucket.
export function between(name, from, to) {
	const before = from.metrics.buckets(name);
	return to.metrics.buckets(name).map(({ to: bound, count }, i) => ({ to: bound, count: Math.max(0, count - (before[i]?.count ?? 0)) }));
}
