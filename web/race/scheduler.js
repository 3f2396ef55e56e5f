// The scheduler: one state of the model on the page, and buttons for what can follow. All that is
// kept are the settings, the steps taken, and those undone.
const Scheduler = (() => {
	const LETTERS = { l: "take the lock", r: "read", w: "write", u: "give it back" };
	const by = (id) => document.getElementById(id);
	const make = (name, text, properties) => Object.assign(document.createElement(name), { textContent: text, ...properties });
	let settings = { strategy: "none", buyers: 2, tickets: 1 };
	let steps = [], undone = [], states = [], changed = () => {};

	const label = (letter) => settings.strategy === "semaphore" && letter === "l" ? "go in"
		: settings.strategy === "semaphore" && letter === "u" ? "go out" : LETTERS[letter];

	function belief(state, { place, read, bought }) {
		if (place === Model.KILLED) {
			return bought ? "killed, with a ticket in hand" : "killed; what it held is free";
		}
		if (bought) {
			return `read ${read}, has a ticket`;
		}
		if (Model.hasEnded({ place })) {
			return `read ${read}, has none`;
		}
		if (place !== Model.READ) {
			return place === Model.OUTSIDE ? "knows nothing yet" : "is in, knows nothing yet";
		}
		return read === state.left ? `knows: ${read} left` : `believes ${read} left, but it is ${state.left}`;
	}

	function actor(state, buyer, number) {
		const step = { buyer: number, letter: Model.next(state, number) };
		const reason = Model.refusal(state, step);
		const item = document.createElement("li");
		const row = make("div", "", { className: "row" });
		const go = make("button", label(step.letter), { type: "button", className: "step", disabled: reason !== "" });
		const kill = make("button", "kill", { type: "button", disabled: Model.refusal(state, { buyer: number, letter: "x" }) !== "" });
		go.dataset.buyer = kill.dataset.buyer = number;
		go.dataset.act = "step";
		kill.dataset.act = "kill";
		go.setAttribute("aria-label", `buyer ${number + 1}: ${go.textContent}`);
		kill.setAttribute("aria-label", `kill buyer ${number + 1}`);
		go.addEventListener("click", () => take(step));
		kill.addEventListener("click", () => take({ buyer: number, letter: "x" }));
		item.classList.toggle("inside", Model.isIn(buyer));
		item.classList.toggle("ended", !step.letter);
		item.append(make("strong", `buyer ${number + 1}`), make("p", step.letter && reason ? `waits: ${reason}` : belief(state, buyer)));
		if (step.letter) { // who has ended has nothing to press
			row.append(go, kill);
			item.append(row);
		}
		return item;
	}

	function showSteps() {
		by("steps").tBodies[0].replaceChildren(...steps.map((step, i) => {
			const row = document.createElement("tr");
			row.append(make("td", Schedule.format([step])), make("td", `buyer ${step.buyer + 1} ${Model.tell(states[i + 1], step)}`));
			return row;
		}));
	}

	function showCount() {
		const { all, oversold } = Interleavings.count(settings.strategy, settings.buyers, settings.tickets);
		by("count").textContent = all === 1 ? `There is one schedule only, and it ${oversold === 1 ? "oversells" : "does not oversell"}.`
			: `Of all ${Run.counted(all, "schedule")}, ${oversold === 0 ? "none oversells" : `${oversold.toLocaleString("en")} oversell`}.`;
		Object.assign(by("count").dataset, { all, oversold });
	}

	const command = () => `turnstile race --serialize ${settings.strategy} --buyers ${settings.buyers}` +
		` --tickets ${settings.tickets} --schedule "${Schedule.format(steps)}"`;

	function show(problem = "") {
		const active = document.activeElement?.dataset ?? {};
		const { act, buyer } = active;
		states = Schedule.follow(settings, steps).states;
		const state = states.at(-1);
		by("stock").textContent = `${state.left} left · ${state.sold} sold of ${state.tickets}` +
			(Model.isOversold(state) ? `: ${state.sold - state.tickets} too many` : "");
		by("stock").classList.toggle("bad", Model.isOversold(state));
		by("actors").replaceChildren(...state.buyers.map((one, number) => actor(state, one, number)));
		by("said").textContent = problem;
		by("undo").disabled = steps.length === 0;
		by("redo").disabled = undone.length === 0;
		for (const id of ["strategy", "buyers", "tickets"]) {
			by(id).value = settings[id];
		}
		showSteps();
		by("command").value = steps.length > 0 ? command() : "";
		history.replaceState(null, "", Schedule.toAddress(settings, steps));
		if (act) { // the same button as before, for who uses the keyboard, or else the next that can be pressed
			const same = document.querySelector(`[data-act="${act}"][data-buyer="${buyer}"]:enabled`);
			(same ?? document.querySelector("button.step:enabled") ?? by("undo")).focus();
		}
		changed({ settings, steps, state });
	}

	function take(step) {
		const reason = Model.refusal(states.at(-1), step);
		if (!reason) {
			steps = [...steps, step];
			undone = [];
		}
		show(reason);
	}
	function undo() {
		undone = steps.length > 0 ? [...undone, steps.at(-1)] : undone;
		steps = steps.slice(0, -1);
		show();
	}
	function redo() {
		steps = undone.length > 0 ? [...steps, undone.at(-1)] : steps;
		undone = undone.slice(0, -1);
		show();
	}
	function load(newSettings, newSteps = []) {
		settings = newSettings;
		const { states: possible, problem } = Schedule.follow(settings, newSteps);
		steps = newSteps.slice(0, possible.length - 1);
		undone = [];
		showCount();
		show(problem);
	}
	const restart = () => load(settings);

	function onKey(event) {
		if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT)$/.test(event.target.tagName)) {
			return;
		}
		const digit = /^Digit([1-4])$/.exec(event.code)?.[1];
		if (digit && digit <= settings.buyers) {
			const buyer = digit - 1;
			take({ buyer, letter: event.shiftKey ? "x" : Model.next(states.at(-1), buyer) });
		} else {
			({ u: undo, r: redo, 0: restart })[event.key]?.();
		}
	}

	function start(first, onChange) {
		changed = onChange;
		const options = { strategy: Model.STRATEGIES, buyers: [2, 3, 4], tickets: [1, 2, 3] };
		for (const [id, values] of Object.entries(options)) {
			by(id).append(...values.map((value) => make("option", value)));
			by(id).addEventListener("change", () =>
				load({ ...settings, [id]: id === "strategy" ? by(id).value : Number(by(id).value) }));
		}
		by("undo").addEventListener("click", undo);
		by("redo").addEventListener("click", redo);
		by("restart").addEventListener("click", restart);
		by("copy").addEventListener("click", () => {
			by("command").select();
			document.execCommand("copy"); // also from a file, where the clipboard's interface is not
		});
		addEventListener("keydown", onKey);
		addEventListener("hashchange", () => {
			const asked = Schedule.fromAddress(location.hash);
			if (asked) {
				load(asked.settings, asked.steps);
			}
		});
		load(first.settings, first.steps);
	}
	return { start, load };
})();
