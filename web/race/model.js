// The model of client/race/model.c once more: which step can come, what it does, and why it cannot
// come. Buyers are numbered from 0; a state is never changed, a step makes a new one.
const Model = (() => {
	const STRATEGIES = ["none", "lock", "join", "semaphore", "atomic"];
	const AT_ONCE = 3; // buyers in the semaphore
	const [OUTSIDE, INSIDE, READ, WRITTEN, DONE, KILLED] = [0, 1, 2, 3, 4, 5];

	const start = (strategy, buyers, tickets) => ({
		strategy, tickets, left: tickets, sold: 0,
		buyers: Array.from({ length: buyers }, () => ({ place: OUTSIDE, read: 0, bought: false })),
	});
	const isGuarded = (state) => state.strategy === "lock" || state.strategy === "semaphore";
	const hasEnded = (buyer) => buyer.place >= DONE;
	const isIn = (buyer) => buyer.place > OUTSIDE && buyer.place < DONE;
	const allEnded = (state) => state.buyers.every(hasEnded);
	const isOversold = (state) => state.sold > state.tickets;

	const next = (state, number) =>
		[isGuarded(state) ? "l" : "r", "r", "w", "u", "", ""][state.buyers[number].place];

	function refuseEntry(state) {
		const last = state.buyers.findLastIndex(isIn) + 1;
		const count = state.buyers.filter(isIn).length;
		switch (state.strategy) {
		case "lock": return count > 0 ? `buyer ${last} holds the lock` : "";
		case "semaphore": return count >= AT_ONCE ? `${count} buyers are in, and that is the most` : "";
		case "atomic": return count > 0 ? `buyer ${last} is in its transaction` : "";
		default: return "";
		}
	}

	function wrongTurn(state, place, letter) {
		if (!isGuarded(state) && (letter === "l" || letter === "u")) {
			return "has no lock to take or give back";
		}
		switch (letter) {
		case "l": return "is in already";
		case "r": return place === OUTSIDE ? "must take the lock first" : "has read already";
		case "w": return place < READ ? "has not read yet" : "has written already";
		default: return place === OUTSIDE ? "is not in" : "has not written yet";
		}
	}

	// Why the step cannot be; "" when it can.
	function refusal(state, { buyer: number, letter }) {
		const { place } = state.buyers[number];
		if (place >= DONE) {
			return `buyer ${number + 1} ${place === DONE ? "is done" : "was killed"}`;
		}
		const first = state.buyers.findIndex((buyer) => !hasEnded(buyer));
		if (state.strategy === "join" && first < number) {
			return `buyer ${first + 1} is not joined yet`;
		}
		if (letter === "x") {
			return "";
		}
		if (letter !== next(state, number)) {
			return `buyer ${number + 1} ${wrongTurn(state, place, letter)}`;
		}
		return place === OUTSIDE ? refuseEntry(state) : "";
	}

	// The state after a step that is not refused.
	function take(state, { buyer: number, letter }) {
		const after = { ...state, buyers: state.buyers.map((buyer) => ({ ...buyer })) };
		const buyer = after.buyers[number];
		if (letter === "w" && buyer.read > 0) {
			after.left = buyer.read - 1;
			after.sold++;
			buyer.bought = true;
		}
		if (letter === "r") {
			buyer.read = state.left;
		}
		buyer.place = { l: INSIDE, r: READ, w: isGuarded(state) ? WRITTEN : DONE, u: DONE, x: KILLED }[letter];
		return after;
	}

	// A step that led to this state, in words.
	function tell(state, { buyer: number, letter }) {
		const { read, bought } = state.buyers[number];
		switch (letter) {
		case "l": return "goes in";
		case "r": return `reads ${read} left`;
		case "u": return "goes out";
		case "x": return "is killed";
		default:
			return bought ? `read ${read}, so sells one and writes ${state.left} left: ${state.sold} sold` +
				(isOversold(state) ? ", one too many" : "") : "read that none is left, and buys nothing";
		}
	}

	return { STRATEGIES, OUTSIDE, READ, KILLED, start, next, refusal, take, tell, isGuarded, isIn, hasEnded, allEnded, isOversold };
})();
