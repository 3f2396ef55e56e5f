// The rooms, and who is in the ones that are looked into.
import { byId, counted, make, setText } from "./dom.js";

const SHOWN_MOST = 50; // rooms, those with the most members first
const MEMBERS_MOST = 200; // of a room that is looked into
const ROW = /^(#\S+) (\d+)(?: (.*))?$/;

function fromRow(row) {
	const [, name, members, topic] = ROW.exec(row) ?? [];
	return name && { name, members: Number(members), topic: topic ?? "" };
}

const say = (text) => setText(byId("rooms-said"), text);

class Room {
	#lines;
	#kick;
	#name;
	#count = make("span", { class: "faint" });
	#topic = make("span", { class: "faint" });
	#members = make("ul", { class: "members" });
	#rest = make("p", { class: "faint" });
	#shown = new Map(); // by nick
	element;

	constructor(lines, name, kick) {
		this.#lines = lines;
		this.#kick = kick;
		this.#name = name;
		this.element = make("details", { class: "room-row", ontoggle: () => this.look() },
			make("summary", {}, make("b", {}, name), " ", this.#count, " ", this.#topic), this.#members, this.#rest);
	}

	show({ members, topic }) {
		const text = members === 1 ? "1 person" : `${members.toLocaleString("en-GB")} people`;
		setText(this.#count, text);
		setText(this.#topic, topic);
		this.look();
	}

	async look() {
		if (!this.element.open) {
			return;
		}
		const { ok, rows } = await this.#lines.ask(`/who ${this.#name}`);
		if (ok) {
			this.#showMembers(rows);
		}
	}

	// Who is there already stays where it is: nobody presses the wrong button.
	#showMembers(nicks) {
		const there = new Set(nicks.slice(0, MEMBERS_MOST));
		for (const [nick, element] of this.#shown) {
			if (!there.has(nick)) {
				element.remove();
				this.#shown.delete(nick);
			}
		}
		for (const nick of there) {
			if (!this.#shown.has(nick)) {
				const button = make("button", { type: "button", "aria-label": `Kick ${nick}`, onclick: () => this.#kick(nick, () => this.look()) }, "Kick");
				const element = make("li", {}, make("span", {}, nick), button);
				this.#shown.set(nick, element);
				this.#members.append(element);
			}
		}
		const rest = nicks.length - there.size;
		setText(this.#rest, rest > 0 ? `and ${counted(rest, "other")}` : nicks.length ? "" : "Nobody is in it.");
	}
}

export class OpRooms {
	#lines;
	#rooms = new Map(); // by name
	#nick = "";
	#done = () => {};

	constructor(lines) {
		this.#lines = lines;
		byId("kick-cancel").addEventListener("click", () => byId("kick").close());
		byId("kick-form").addEventListener("submit", (submitted) => this.#kick(submitted));
	}

	show(rows) {
		const all = rows.map(fromRow).filter(Boolean).sort((one, other) => other.members - one.members);
		const shown = all.slice(0, SHOWN_MOST);
		const names = new Set(shown.map(({ name }) => name));
		for (const [name, room] of this.#rooms) {
			if (!names.has(name)) {
				room.element.parentElement.remove();
				this.#rooms.delete(name);
			}
		}
		shown.forEach((room) => this.#roomOf(room.name).show(room));
		const rest = all.length - shown.length;
		setText(byId("rooms-rest"), rest > 0 ? `and ${counted(rest, "smaller one")}` : all.length ? "" : "There is no room.");
	}

	#roomOf(name) {
		if (!this.#rooms.has(name)) {
			const room = new Room(this.#lines, name, (nick, done) => this.#ask(nick, done));
			this.#rooms.set(name, room);
			byId("rooms").append(make("li", {}, room.element));
		}
		return this.#rooms.get(name);
	}

	#ask(nick, done) {
		this.#nick = nick;
		this.#done = done;
		setText(byId("kick-title"), `Kick ${nick}?`);
		byId("kick-why").value = "";
		byId("kick").showModal();
	}

	async #kick(submitted) {
		submitted.preventDefault();
		byId("kick").close();
		const nick = this.#nick;
		const { ok, text } = await this.#lines.ask(`/kick ${nick} ${byId("kick-why").value.trim()}`.trim());
		say(ok ? `${nick} is gone.` : `${nick}: ${text}`);
		this.#done();
	}
}
