// A schedule as text ("1r 2r 1w 2w"), in the address, and as the states it leads through.
const Schedule = (() => {
	const format = (steps) => steps.map(({ buyer, letter }) => `${buyer + 1}${letter}`).join(" ");
	const parse = (text) => text.split(/\s+/).filter((word) => /^[1-9][lrwux]$/.test(word))
		.map((word) => ({ buyer: Number(word[0]) - 1, letter: word[1] }));

	// What becomes of it: the states, the first of them the start; and why it stops early, if so.
	function follow({ strategy, buyers, tickets }, steps) {
		const states = [Model.start(strategy, buyers, tickets)];
		for (const [i, step] of steps.entries()) {
			const state = states.at(-1);
			const reason = step.buyer < buyers ? Model.refusal(state, step) : `there is no buyer ${step.buyer + 1}`;
			if (reason) {
				return { states, problem: `step ${i + 1}, ${format([step])}: ${reason}` };
			}
			states.push(Model.take(state, step));
		}
		return { states, problem: "" };
	}

	const toAddress = ({ strategy, buyers, tickets }, steps) =>
		`#${strategy}/${buyers}/${tickets}/${steps.map((step) => format([step])).join(".")}`;

	function fromAddress(hash) {
		const match = /^#(\w+)\/([2-4])\/([1-3])\/([0-9lrwux.]*)$/.exec(hash);
		if (!match || !Model.STRATEGIES.includes(match[1])) {
			return null;
		}
		return { settings: { strategy: match[1], buyers: Number(match[2]), tickets: Number(match[3]) },
			steps: parse(match[4].replaceAll(".", " ")) };
	}

	return { format, parse, follow, toAddress, fromAddress };
})();
