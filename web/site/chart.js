// Three kinds of picture, drawn as SVG: a curve, bars, and a strip of shares. Colours come from the style sheet, by class.
// What they show is said in words beside them; a label says it to who does not see them.

const CURVE_WIDTH = 1000; // units of the picture, whatever its size on the screen
const CURVE_HEIGHT = 100;
export const COLOURS = 8; // of a strip: classes share0 and on, then they begin anew

function draw(tag, attributes = {}, ...children) {
	const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
	set(element, attributes);
	element.append(...children);
	return element;
}

function set(element, attributes) {
	Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, value));
}

const percent = (part) => `${(100 * part).toFixed(2)}%`;

// A value over time, as steps: it holds until it is another.
export class Curve {
	#area = draw("path", { class: "area" });
	#line = draw("path", { class: "line", "vector-effect": "non-scaling-stroke" });
	element = draw("svg", { class: "curve", role: "img", viewBox: `0 0 ${CURVE_WIDTH} ${CURVE_HEIGHT}`, preserveAspectRatio: "none" },
		this.#area, this.#line);

	// POINTS: [{ at, value }], the oldest first; drawn from FROM to TO, and from 0 to MOST.
	show(points, { from, to, most, label }) {
		const x = (at) => (CURVE_WIDTH * Math.max(0, at - from) / (to - from)).toFixed(1);
		const y = (value) => (CURVE_HEIGHT * (1 - value / (most || 1))).toFixed(1);
		const steps = points.map(({ at, value }, i) => (i ? `H${x(at)}V${y(value)}` : `M${x(at)} ${y(value)}`)).join("");
		set(this.element, { "aria-label": label });
		set(this.#line, { d: steps && `${steps}H${CURVE_WIDTH}` });
		set(this.#area, { d: steps && `${steps}H${CURVE_WIDTH}V${CURVE_HEIGHT}H${x(points[0].at)}Z` });
	}
}

// One bar beside the other, with a word below some of them.
export class Bars {
	#bars;
	element;

	// WORDS: [[i, text]], below the left end of the bar I.
	constructor(count, words) {
		this.#bars = Array.from({ length: count }, (_, i) => draw("rect", { x: percent((i + 0.1) / count), width: percent(0.8 / count), rx: 1 }));
		const marks = words.map(([i, text]) => draw("text", { x: percent(i / count), y: "100%", dy: -2, "text-anchor": i ? "middle" : "start" },
			document.createTextNode(text)));
		this.element = draw("svg", { class: "bars", role: "img" }, draw("svg", { height: "82%" }, ...this.#bars), ...marks);
	}

	show(values, label) {
		const most = Math.max(...values, 1);
		set(this.element, { "aria-label": label });
		values.forEach((value, i) => {
			const height = value ? Math.max(0.03, value / most) : 0;
			set(this.#bars[i], { y: percent(1 - height), height: percent(height) });
		});
	}
}

// Slices of time side by side, each parted by the shares of several: who had how much of it.
export class Strip {
	element = draw("svg", { class: "strip", role: "img" });

	// SLICES: [{ at, tookMs, shares }], AT being a slice's end and each share from 0 to 1; drawn from FROM to TO.
	show(slices, { from, to, label }) {
		const rects = slices.flatMap(({ at, tookMs, shares }) => {
			let top = 1;
			return shares.map((share, i) => {
				top -= share;
				return share > 0 ? draw("rect", { class: `share${i % COLOURS}`, x: percent((at - tookMs - from) / (to - from)),
					width: percent(tookMs / (to - from)), y: percent(Math.max(0, top)), height: percent(Math.max(share, 0.03)) }) : null;
			});
		});
		set(this.element, { "aria-label": label });
		this.element.replaceChildren(...rects.filter(Boolean));
	}
}
