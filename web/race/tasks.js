// Seven tasks. Each looks at what the scheduler shows, and is solved by it.
const Tasks = (() => {
	const killed = (state) => state.buyers.some(({ place }) => place === Model.KILLED);
	const complete = (strategy, state) => state.strategy === strategy && Model.allEnded(state) && !killed(state);
	// The holder of the lock died with it, and somebody took the lock afterwards and bought.
	function tookOver({ settings, steps, state }) {
		const death = steps.findIndex(({ letter }, i) => letter === "x" &&
			Model.isIn(Schedule.follow(settings, steps.slice(0, i)).states.at(-1).buyers[steps[i].buyer]));
		return settings.strategy === "lock" && death >= 0 && steps.slice(death).some(({ letter, buyer }) => letter === "w" && state.buyers[buyer].bought);
	}
	const tried = new Set(); // orders seen with the lock
	const ORDERS = Interleavings.count("lock", 2, 1).all;
	const SHORTEST = Interleavings.count("none", 3, 2).shortest;

	const LIST = [
		{ ask: "Make it oversell: strategy none, two buyers, one ticket.", settings: ["none", 2, 1],
			solved: ({ state }) => state.strategy === "none" && Model.isOversold(state),
			why: "Both read 1. Each is right by what it knows." },
		{ ask: "Sell it right without a lock: let both finish, and only one has a ticket.", settings: ["none", 2, 1],
			solved: ({ state }) => complete("none", state) && !Model.isOversold(state),
			why: "2 of 6 schedules do well. A test that runs once may see just those." },
		{ ask: `Find the shortest way to oversell two tickets with three buyers: it has ${SHORTEST} steps.`, settings: ["none", 3, 2],
			solved: ({ settings, steps, state }) => settings.strategy === "none" && settings.buyers === 3 && settings.tickets === 2 &&
				Model.isOversold(state) && steps.length === SHORTEST,
			why: "Nothing shorter is possible: each ticket needs a read and a write." },
		{ ask: "Take the lock, and try to step in between. Who waits, and on what?", settings: ["lock", 2, 1],
			solved: ({ state }) => state.strategy === "lock" && state.buyers.some((buyer, number) =>
				Model.next(state, number) === "l" && Model.refusal(state, { buyer: number, letter: "l" })),
			why: "Between the read and the write nobody else can read." },
		{ ask: "Prove that the lock cannot oversell: play all orders of two buyers to their end.", settings: ["lock", 2, 1],
			solved: ({ steps, settings, state }) => {
				if (complete("lock", state) && settings.buyers === 2) {
					tried.add(steps.find(({ letter }) => letter === "l").buyer);
				}
				return tried.size === ORDERS;
			},
			progress: () => tried.size > 0 ? `${tried.size} of ${ORDERS} seen.` : "",
			why: "There are only two schedules, and you have seen both. The count above says the same: 0 of 2." },
		{ ask: "Is a semaphore a lock? Oversell with it.", settings: ["semaphore", 2, 1],
			solved: ({ state }) => state.strategy === "semaphore" && Model.isOversold(state),
			why: "It lets three in. Two are enough to read the same number." },
		{ ask: "Kill the holder of the lock before it writes, and let another buy. What saves us?", settings: ["lock", 2, 1],
			solved: tookOver,
			why: "The lock is robust: the kernel frees it when its holder dies, and tells the next one, who repairs. A plain lock would be held for ever." },
	];

	function start() {
		const items = LIST.map(({ ask, settings: [strategy, buyers, tickets] }) => {
			const item = document.createElement("li");
			const button = Object.assign(document.createElement("button"), { type: "button", textContent: "Set it up" });
			button.setAttribute("aria-label", `Set up: ${ask}`);
			button.addEventListener("click", () => Scheduler.load({ strategy, buyers, tickets }));
			item.append(ask, " ", button, Object.assign(document.createElement("p"), { className: "why" }));
			return item;
		});
		document.getElementById("task-list").append(...items);
		return (seen) => LIST.forEach(({ solved, why, progress = () => "" }, i) => {
			if (!items[i].classList.contains("solved")) {
				const now = solved(seen);
				items[i].classList.toggle("solved", now);
				items[i].lastChild.textContent = now ? `Solved. ${why}` : progress();
			}
		});
	}
	return { start };
})();
