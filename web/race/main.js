// Begins with the run that the program wrote into the page, and with the schedule in the address.
(() => {
	const { race, schedule } = JSON.parse(document.getElementById("run").textContent);
	const steps = Schedule.parse(schedule);
	const fits = steps.length > 0 && race.buyers >= 2 && race.buyers <= 4 && race.tickets <= 3;
	const ran = fits ? { settings: { strategy: race.strategies[0].strategy, buyers: race.buyers, tickets: race.tickets }, steps }
		: { settings: { strategy: "none", buyers: 2, tickets: 1 }, steps: [] };

	document.getElementById("summary").textContent = `${Run.counted(race.buyers, "buyer")}, ${Run.counted(race.tickets, "ticket")}, ` +
		`as real processes: ${race.strategies.map(({ strategy, sold }) => `${strategy} sold ${sold}`).join(", ")}.`;
	Scheduler.start(Schedule.fromAddress(location.hash) ?? ran, Tasks.start());
	const heats = race.strategies.map((strategy) => Run.heatOf(strategy, race.tickets));
	Player.start(heats.map((heat) => new HeatView(heat)), Math.max(1e-6, ...heats.map(({ wall }) => wall)));
})();
