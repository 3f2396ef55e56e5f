// An experiment's timeline: its parts under each other, all on the player's one clock.
(() => {
	const ROW = 26, NAME = 96, END = 16; // pixels
	const NAMED_MOST = 8; // in a line of text
	const { svg } = Player;
	const milliseconds = (time) => `${(time * 1000).toFixed(1)} ms`;

	class PartView {
		constructor(part) {
			this.part = part;
			this.box = document.createElement("div");
			const title = document.createElement("h3");
			title.textContent = `${part.title}: ${milliseconds(part.wall)}`;
			this.known = document.createElement("p");
			this.known.className = "known";
			this.scroll = document.createElement("div");
			this.scroll.className = "heat";
			this.scroll.tabIndex = 0;
			this.box.append(title, this.scroll, this.known);
		}

		draw(longest, zoom) {
			const { title, who, rows, spans } = this.part;
			const width = Math.max(200, (this.box.clientWidth - NAME - END) * zoom);
			const height = rows * ROW + 4;
			const picture = svg("svg", { width: width + NAME + END, height, viewBox: `0 0 ${width + NAME + END} ${height}`, role: "img",
				"aria-label": `${title}: what ${rows} rows did when` });
			this.x = (time) => NAME + time / longest * width;
			for (let row = 0; row < rows; row++) {
				picture.append(svg("text", { x: 0, y: row * ROW + 19 }, `${who} ${row + 1}`));
			}
			spans.forEach((span) => this.drawSpan(picture, span));
			this.cursor = picture.appendChild(svg("line", { class: "cursor", y1: 0, y2: height }));
			this.scroll.replaceChildren(picture);
		}

		drawSpan(picture, [row, kind, name, from, to]) {
			const y = row * ROW + 4;
			const bar = picture.appendChild(svg("rect", { class: kind, x: this.x(from), y: kind === "wait" ? y + 6 : y,
				width: Math.max(1, this.x(to) - this.x(from)), height: kind === "wait" ? 8 : 20, rx: 2 }));
			bar.append(svg("title", {}, `${name}: ${milliseconds(from)} to ${milliseconds(to)}`));
		}

		// Those who wait come in the order in which they began to.
		listOf(kind, time) {
			const found = this.part.spans.filter(([, its, , from, to]) => its === kind && from <= time && time < to)
				.sort((one, other) => one[3] - other[3]);
			const named = found.slice(0, NAMED_MOST).map(([row, , name, from]) =>
				`${this.part.who} ${row + 1} (${name}${kind === "wait" ? ` since ${milliseconds(time - from)}` : ""})`);
			return named.join(", ") + (found.length > NAMED_MOST ? ` and ${found.length - NAMED_MOST} more` : "");
		}

		show(time) {
			this.cursor.setAttribute("x1", this.x(time));
			this.cursor.setAttribute("x2", this.x(time));
			const [working, waiting] = [this.listOf("critical", time), this.listOf("wait", time)];
			this.known.textContent = [`at work: ${working || "nobody"}`, waiting && `waiting, in this order: ${waiting}`]
				.filter(Boolean).join(" · ");
		}
	}

	const { name, summary, parts, facts } = JSON.parse(document.getElementById("run").textContent);
	document.title = `turnstile lab ${name}`;
	document.getElementById("title").textContent = name;
	document.getElementById("summary").textContent = summary;
	document.getElementById("facts").append(...facts.map(({ holds, text }) => {
		const item = document.createElement("li");
		item.textContent = `${holds ? "yes" : "NO"}: ${text}`;
		item.classList.toggle("bad", !holds);
		return item;
	}));
	Player.start(parts.map((part) => new PartView(part)), Math.max(1e-6, ...parts.map(({ wall }) => wall)));
})();
