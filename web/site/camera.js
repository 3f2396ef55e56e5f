// The camera as a scanner, where the browser can read QR codes by itself (BarcodeDetector).

const LOOKED_MS = 150;

const PROBLEMS = {
	NotAllowedError: "The browser may not use the camera: allow it in its settings.",
	NotFoundError: "There is no camera.",
	NotReadableError: "Another program uses the camera.",
};

export class Camera {
	#video;
	#seen;
	#stream = null;
	#detector = null;
	#timer = 0;
	#awake = null;

	// SEEN(text) is called for each code in each picture.
	constructor(video, seen) {
		this.#video = video;
		this.#seen = seen;
	}

	// Browsers give the camera to pages of https and of localhost alone.
	static canBe() { return "BarcodeDetector" in window && Boolean(navigator.mediaDevices); }

	get on() { return this.#stream !== null; }

	// Returns why it cannot, or "".
	async start() {
		try {
			this.#detector ??= new BarcodeDetector({ formats: ["qr_code"] });
			this.#stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
			this.#video.srcObject = this.#stream;
			this.#video.hidden = false;
			await this.#video.play();
		} catch (error) {
			this.stop();
			return PROBLEMS[error.name] ?? `The camera cannot be used: ${error.message}`;
		}
		this.#awake = await navigator.wakeLock?.request("screen").catch(() => null);
		this.#look();
		return "";
	}

	stop() {
		clearTimeout(this.#timer);
		this.#stream?.getTracks().forEach((track) => track.stop());
		this.#stream = null;
		this.#video.srcObject = null;
		this.#video.hidden = true;
		this.#awake?.release();
		this.#awake = null;
		return "";
	}

	async #look() {
		const codes = await this.#detector.detect(this.#video).catch(() => []);
		if (this.on) {
			codes.forEach(({ rawValue }) => this.#seen(rawValue));
			this.#timer = setTimeout(() => this.#look(), LOOKED_MS);
		}
	}
}
