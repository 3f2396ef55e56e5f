// How many schedules there are in which nobody is killed, and how many of them oversell: as
// `turnstile race --exhaustive` counts them. What follows from a state is counted once.
const Interleavings = (() => {
	const key = (state) => state.buyers.map(({ place, read }) => `${place}${place === Model.READ ? read : ""}`) +
		`/${state.left}/${state.sold}`;

	function look(known, state) {
		const mine = key(state);
		if (known.has(mine)) {
			return known.get(mine);
		}
		const ended = Model.allEnded(state);
		const outlook = { all: ended ? 1 : 0, oversold: ended && Model.isOversold(state) ? 1 : 0,
			shortest: Model.isOversold(state) ? 0 : Infinity };
		state.buyers.forEach((_, buyer) => {
			const step = { buyer, letter: Model.next(state, buyer) };
			if (step.letter && !Model.refusal(state, step)) {
				const ahead = look(known, Model.take(state, step));
				outlook.all += ahead.all;
				outlook.oversold += ahead.oversold;
				outlook.shortest = Math.min(outlook.shortest, ahead.shortest + 1);
			}
		});
		known.set(mine, outlook);
		return outlook;
	}

	return { count: (strategy, buyers, tickets) => look(new Map(), Model.start(strategy, buyers, tickets)) };
})();
