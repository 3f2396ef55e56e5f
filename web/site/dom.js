// What the scripts of all pages share: elements that are made of text alone, and words.

export const byId = (id) => document.getElementById(id);

// make("a", { href: "/" }, "home"): attributes; what begins with "on" is listened to; null is left out.
export function make(tag, attributes = {}, ...children) {
	const element = document.createElement(tag);
	for (const [name, value] of Object.entries(attributes)) {
		if (name.startsWith("on")) {
			element.addEventListener(name.slice(2), value);
		} else if (value === true) {
			element.setAttribute(name, "");
		} else if (value !== null && value !== false) {
			element.setAttribute(name, value);
		}
	}
	element.append(...children.filter((child) => child !== null));
	return element;
}

// Sets a text only where it is another, so that nothing is drawn or read out twice.
export function setText(element, text) {
	if (element.textContent !== text) {
		element.textContent = text;
	}
}

export const counted = (number, word) => `${number} ${word}${number === 1 ? "" : "s"}`;

// "20:14" or, where seconds matter, "20:14:05"; "1:58" of 118 seconds.
export const timeOf = (date) => date.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
export const secondOf = (date) => date.toLocaleTimeString("en-GB");
export const clockOf = (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;

// One voice for screen readers: what matters, when it happens, and nothing else.
export function announce(text, urgent = false) {
	const region = byId(urgent ? "urgent" : "status");
	region.textContent = "";
	setTimeout(() => { region.textContent = text; }, 50);
}

export const pause = (milliseconds) => new Promise((resolve) => { setTimeout(resolve, milliseconds); });
