// The workers, a row each.
import { byId, make, setText } from "./dom.js";
import { COLOURS } from "./chart.js";

const ROW = /^(\d+) (\d+) (\S+) (\d+) (.*)$/;

function fromRow(row) {
	const [, number, pid, state, connections, rest] = ROW.exec(row) ?? [];
	return number && { number, pid, state, connections: Number(connections), ...Object.fromEntries(rest.split(" ").map((pair) => pair.split("="))) };
}

export class OpWorkers {
	#rows = new Map(); // by number
	all = [];

	// The worker that PID is, or undefined.
	byPid(pid) { return this.all.find((worker) => worker.pid === String(pid)); }

	show(rows, history, rateMs) {
		this.all = rows.map(fromRow).filter(Boolean);
		for (const worker of this.all) {
			const cells = this.#rows.get(worker.number) ?? this.#add(worker);
			const rate = (name) => history.rate(rateMs, (metrics) => metrics.value(name, "worker", worker.number));
			const { metrics } = history.last;
			const texts = {
				pid: worker.pid,
				state: worker.state,
				connections: worker.connections.toLocaleString("en-GB"),
				lines: Math.round(rate("turnstile_worker_commands_total")).toLocaleString("en-GB"),
				booked: Math.round(rate("turnstile_worker_booked_total")).toLocaleString("en-GB"),
				adopted: metrics.value("turnstile_worker_adopted_total", "worker", worker.number).toLocaleString("en-GB"),
				deaths: worker.deaths,
			};
			Object.entries(texts).forEach(([name, text]) => setText(cells[name], text));
			cells.row.dataset.state = worker.state;
		}
	}

	#add({ number }) {
		const numeric = () => make("td", { class: "number" });
		const cells = { pid: make("td"), state: make("span", { class: "badge" }), connections: numeric(), lines: numeric(), booked: numeric(),
			adopted: numeric(), deaths: numeric() };
		const chip = make("span", { class: `chip share${(Number(number) - 1) % COLOURS}` });
		cells.row = make("tr", {}, make("th", { scope: "row" }, chip, number), cells.pid, make("td", {}, cells.state), cells.connections,
			cells.lines, cells.booked, cells.adopted, cells.deaths);
		byId("workers").append(cells.row);
		this.#rows.set(number, cells);
		return cells;
	}
}
