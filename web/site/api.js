// The API (docs/api.md): requests, and those that are asked again until they are answered.
import { pause } from "./dom.js";

const RETRIED = new Set([408, 429, 500, 502, 503, 504]); // nobody can know, or not just now
const FIRST_PAUSE_MS = 400; // doubled, up to
const LAST_PAUSE_MS = 5000;

// { status, ok, body }; throws where no answer came.
export async function ask(method, path, body, fields = {}) {
	const headers = body === undefined ? fields : { "Content-Type": "application/json", ...fields };
	const answer = await fetch(`/api/v1/${path}`, {
		method, headers, body: body === undefined ? undefined : JSON.stringify(body), cache: "no-store",
	});
	return { status: answer.status, ok: answer.ok, body: await answer.json() };
}

// Only for what may be asked twice. DOUBT is called each time that no answer came, GIVES_UP before each further try.
export async function askUntilAnswered(method, path, body, fields, { doubt = () => {}, givesUp = () => false } = {}) {
	for (let wait = FIRST_PAUSE_MS; !givesUp(); wait = Math.min(2 * wait, LAST_PAUSE_MS)) {
		try {
			const answer = await ask(method, path, body, fields);
			if (!RETRIED.has(answer.status)) {
				return answer;
			}
		} catch {
			// no answer: it may have been done or not
		}
		doubt();
		await pause(wait * (0.75 + Math.random() / 2));
	}
	return null;
}
