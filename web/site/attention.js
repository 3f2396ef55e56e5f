// How a page calls for somebody who looks elsewhere: tones, and a title that changes to and fro.

const BLINK_MS = 1000;
const VOLUME = 0.2;

let title = document.title;
let timer = 0;
let sounds = null;

export function setTitle(text) {
	title = text;
	if (!timer) {
		document.title = text;
	}
}

// Until it is called with "".
export function blink(text) {
	clearInterval(timer);
	timer = 0;
	document.title = title;
	if (text) {
		document.title = text;
		timer = setInterval(() => { document.title = document.title === text ? title : text; }, BLINK_MS);
	}
}

// Browsers let a page sound only after somebody pressed something on it: to be called there.
export function allowSounds() {
	try {
		sounds ??= new AudioContext();
		sounds.resume().catch(() => {});
	} catch {
		sounds = null; // then it is seen only
	}
}

// Tones one after the other: tones([660, 0.15], [880, 0.3]) are Hz and seconds.
export function tones(...all) {
	let start = sounds?.currentTime ?? 0;
	for (const [frequency, seconds] of sounds?.state === "running" ? all : []) {
		const source = new OscillatorNode(sounds, { frequency });
		const volume = new GainNode(sounds, { gain: 0 });
		volume.gain.setValueAtTime(0, start);
		volume.gain.linearRampToValueAtTime(VOLUME, start + 0.02);
		volume.gain.linearRampToValueAtTime(0, start + seconds);
		source.connect(volume).connect(sounds.destination);
		source.start(start);
		source.stop(start + seconds);
		start += seconds;
	}
	document.documentElement.dataset.sounded = all.map(([frequency]) => frequency).join(" ");
}
