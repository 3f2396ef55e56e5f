// Plays views back, all on one clock: each can draw itself and show a moment.
const Player = (() => {
	const svg = (name, attributes, text) => {
		const element = document.createElementNS("http://www.w3.org/2000/svg", name);
		for (const [key, value] of Object.entries(attributes)) {
			element.setAttribute(key, value);
		}
		element.textContent = text ?? "";
		return element;
	};
	const seconds = (time) => `${time.toFixed(3)} s`;

	function start(views, longest) {
		const by = (id) => document.getElementById(id);
		let time = 0, timer = 0, last = 0;

		by("heats").append(...views.map(({ box }) => box));
		const show = () => {
			by("time").value = time / longest * 1000;
			by("now").textContent = seconds(time);
			views.forEach((view) => view.show(time));
		};
		const draw = () => {
			views.forEach((view) => view.draw(longest, Number(by("zoom").value), draw));
			show();
		};
		const pause = () => {
			cancelAnimationFrame(timer);
			timer = 0;
			by("play").textContent = "Play";
		};
		const tick = (now) => {
			time = Math.min(longest, time + (now - last) / 1000 * Number(by("speed").value));
			last = now;
			show();
			if (time < longest) {
				timer = requestAnimationFrame(tick);
			} else {
				pause();
			}
		};
		by("play").addEventListener("click", () => {
			if (timer) {
				pause();
				return;
			}
			time = time < longest ? time : 0;
			by("play").textContent = "Pause";
			last = performance.now();
			timer = requestAnimationFrame(tick);
		});
		by("time").addEventListener("input", () => {
			pause();
			time = Number(by("time").value) / 1000 * longest;
			show();
		});
		by("zoom").addEventListener("input", draw);
		addEventListener("resize", draw);
		addEventListener("beforeprint", draw);
		time = longest / 5; // where most of them are at it
		draw();
	}
	return { start, svg };
})();
