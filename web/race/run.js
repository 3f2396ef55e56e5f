// What the processes noted, made ready for the player: seconds since the start of their heat.
const Run = (() => {
	const MOMENTS = ["started", "looked", "decided", "entered", "read", "thought", "wrote", "left"];

	function buyerOf(noted) {
		const at = Object.fromEntries(MOMENTS.map((name, i) => [name, noted.moments[i]]));
		return { ...noted, name: `buyer ${noted.buyer}`, at, spans: [
			{ kind: "search", from: at.started, to: at.decided },
			{ kind: "wait", from: at.decided, to: at.entered },
			{ kind: noted.oversold ? "oversold" : "critical", from: at.entered, to: at.left },
		] };
	}
	const heatOf = (strategy, tickets) => ({ ...strategy, tickets, buyers: strategy.buyers.map(buyerOf),
		wall: strategy.wall_seconds });

	// The stock as the store has it: what was written last.
	function stockAt(heat, time) {
		const writers = heat.buyers.filter((buyer) => buyer.bought && buyer.at.wrote <= time)
			.sort((one, other) => one.at.wrote - other.at.wrote);
		return writers.length > 0 ? writers.at(-1).left : heat.tickets;
	}

	// What a buyer believes to be left; null before it has looked.
	function knownAt(buyer, time) {
		if (time >= buyer.at.read && buyer.at.read < buyer.at.left) {
			return buyer.read;
		}
		return time >= buyer.at.looked && buyer.at.looked < buyer.at.left ? buyer.saw : null;
	}
	const insideAt = (heat, time) => heat.buyers.filter(({ at }) => at.entered <= time && time < at.left);
	const waitingAt = (heat, time) => heat.buyers.filter(({ at }) => at.decided <= time && time < at.entered)
		.sort((one, other) => one.at.decided - other.at.decided);

	// The other buyer who sold on the same number, and so sold the same ticket.
	const rivalOf = (heat, buyer) => heat.buyers.find((other) => other !== buyer && other.bought && other.left === buyer.left);

	// A number and what it counts: "1 ticket", "2 tickets".
	const counted = (number, what) => `${number.toLocaleString("en")} ${what}${number === 1 ? "" : "s"}`;

	return { counted, heatOf, stockAt, knownAt, insideAt, waitingAt, rivalOf };
})();
