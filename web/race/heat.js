// A heat of the race as a picture: what its buyers did, and what each knew.
const HeatView = (() => {
	const ROW = 26, NAME = 76, OUTCOME = 90, LEAST = 120; // pixels
	const { svg } = Player;
	const list = (buyers) => buyers.map(({ buyer }) => buyer).join(", ");
	const named = (buyers) => `buyer${buyers.length === 1 ? "" : "s"} ${list(buyers)}`;

	// Who believes what: "buyers 2, 3 believe 5, buyer 4 believes 3".
	function beliefs(stale, time) {
		const numbers = [...new Set(stale.map((buyer) => Run.knownAt(buyer, time)))];
		return numbers.map((number) => {
			const believers = stale.filter((buyer) => Run.knownAt(buyer, time) === number);
			return `${named(believers)} believe${believers.length === 1 ? "s" : ""} ${number}`;
		}).join(", ");
	}

	// Who is within, in the words of what keeps the others out.
	function within(strategy, inside) {
		switch (strategy) {
		case "none": return `buying now, with nothing to keep others out: ${named(inside)}`;
		case "lock": return `${named(inside)} holds the lock`;
		case "join": return `buying now, and joined before the next starts: ${named(inside)}`;
		case "semaphore": return `let in by the semaphore: ${named(inside)}`;
		default: return `in a transaction: ${named(inside)}`;
		}
	}

	function outcome(buyer) {
		if (buyer.bought) {
			return `${buyer.read} → ${buyer.left}${buyer.oversold ? " !" : ""}`;
		}
		return buyer.killed ? "killed" : "none left";
	}

	class HeatView {
		constructor(heat) {
			this.heat = heat;
			this.chosen = null;
			this.box = document.createElement("div");
			const title = document.createElement("h3");
			title.textContent = `${heat.strategy}: ${heat.sold} sold of ${heat.tickets}`;
			title.classList.toggle("bad", heat.oversold > 0);
			this.known = document.createElement("p");
			this.known.className = "known";
			this.scroll = document.createElement("div");
			this.scroll.className = "heat";
			this.scroll.tabIndex = 0;
			this.box.append(title, this.scroll, this.known);
		}

		draw(longest, zoom, redraw) {
			const { buyers } = this.heat;
			const width = Math.max(LEAST, (this.box.clientWidth - NAME - OUTCOME) * zoom);
			const choose = (buyer) => {
				this.chosen = this.chosen === buyer ? null : buyer;
				redraw();
			};
			this.x = (time) => NAME + time / longest * width;
			const height = buyers.length * ROW + 4;
			const picture = svg("svg", { width: width + NAME + OUTCOME, height, viewBox: `0 0 ${width + NAME + OUTCOME} ${height}`, role: "img",
				"aria-label": `${this.heat.strategy}: what ${buyers.length} buyers did when` });
			buyers.forEach((buyer, row) => this.drawBuyer(picture, buyer, row, choose));
			this.drawArrows(picture);
			this.cursor = picture.appendChild(svg("line", { class: "cursor", y1: 0, y2: height }));
			this.scroll.replaceChildren(picture);
		}

		drawBuyer(picture, buyer, row, choose) {
			const y = row * ROW + 4;
			picture.append(svg("text", { x: 0, y: y + 15 }, buyer.name));
			for (const { kind, from, to } of buyer.spans.filter((span) => span.to > span.from)) {
				const bar = picture.appendChild(svg("rect", { class: kind, x: this.x(from), y: kind === "wait" ? y + 6 : y,
					width: Math.max(1, this.x(to) - this.x(from)), height: kind === "wait" ? 8 : 20, rx: 2 }));
				if (kind === "oversold") {
					bar.setAttribute("tabindex", 0);
					bar.setAttribute("role", "button");
					bar.setAttribute("aria-label", `${buyer.name} bought one too many: show why`);
					bar.addEventListener("click", () => choose(buyer));
					bar.addEventListener("keydown", (event) => event.key === "Enter" && choose(buyer));
				}
			}
			picture.append(svg("text", { class: "faint", x: this.x(buyer.at.left) + 6, y: y + 15 }, outcome(buyer)));
		}

		// From where each of the two read to where it wrote.
		drawArrows(picture) {
			const rival = this.chosen && Run.rivalOf(this.heat, this.chosen);
			for (const buyer of [this.chosen, rival].filter(Boolean)) {
				const y = this.heat.buyers.indexOf(buyer) * ROW + 14;
				const [from, to] = [this.x(buyer.at.read), this.x(buyer.at.wrote)];
				picture.append(svg("path", { class: "arrow",
					d: `M${from} ${y} Q${(from + to) / 2} ${y - 22} ${to} ${y} m-7 -6 l7 6 l-8 3` }));
			}
		}

		show(time) {
			const { heat } = this;
			const stock = Run.stockAt(heat, time);
			const stale = heat.buyers.filter((buyer) => {
				const known = Run.knownAt(buyer, time);
				return known !== null && known !== stock && time < buyer.at.left;
			});
			const [inside, waiting] = [Run.insideAt(heat, time), Run.waitingAt(heat, time)];
			this.cursor.setAttribute("x1", this.x(time));
			this.cursor.setAttribute("x2", this.x(time));
			const rival = this.chosen && Run.rivalOf(heat, this.chosen);
			this.known.textContent = [`the store says ${stock} left`,
				stale.length > 0 && `stale: ${beliefs(stale, time)}`,
				inside.length > 0 && within(heat.strategy, inside),
				waiting.length > 0 && (waiting.length > 1 ? `waiting, in this order: ${named(waiting)}` : `waiting: ${named(waiting)}`),
				rival && `${this.chosen.name} and ${rival.name} both read ${this.chosen.read} and both wrote ${this.chosen.left}: one ticket, sold twice`,
			].filter(Boolean).join(" · ");
		}
	}
	return HeatView;
})();
