/* The headline, the sentence below it, and the tiles. */

const TILES = 240;
const byId = id => document.getElementById(id);

/* Writes a text only if it differs, so that a screen reader does not read it again. */
const write = (element, text) => {
  if (element.textContent !== text) element.textContent = text;
};

const element = (name, className, text = '') =>
  Object.assign(document.createElement(name), { className, textContent: text });

/* Gives each version its colour and pattern by the properties of its slot, so that everything drawn before follows. */
const paint = model => {
  const { style } = document.documentElement;
  model.sorted().forEach((version, rank) => {
    const color = version.color !== null && CSS.supports('color', version.color) ? version.color : NEUTRAL;
    style.setProperty(`--c${version.slot}`, color);
    style.setProperty(`--p${version.slot}`, `var(--pattern-${rank % 6})`);
  });
};

/* A beam that goes over the wall again and again, and leaves a tile for each answer. */
class Tiles {
  constructor(host) {
    this.tiles = Array.from({ length: TILES }, () => element('i', ''));
    this.next = 0;
    host.append(...this.tiles);
  }

  add(slot, good) {
    this.tiles[(this.next + TILES - 1) % TILES].classList.remove('new');
    this.tiles[this.next].className = `fill v${slot} ${good ? '' : 'bad '}new`;
    this.tiles[this.next].dataset.slot = slot;
    this.next = (this.next + 1) % TILES;
    /* A gap shows where the newest is. */
    for (let ahead = 0; ahead < 3; ahead++) this.clear((this.next + ahead) % TILES);
  }

  clear(at) {
    this.tiles[at].className = '';
    delete this.tiles[at].dataset.slot;
  }
}

class Headline {
  constructor() {
    this.event = null;
    this.spoken = { at: -Infinity, text: '' };
  }

  draw(model, now, mode) {
    const seen = model.seen(now);
    const versions = model.sorted();
    const split = versions.map(version => `${model.name(version)} ${percent(seen.share(version))}`).join(' · ');
    if (versions.length && seen.total) {
      this.show(model, versions, seen);
      document.title = split;
    }
    const text = this.sentence(model, now, mode, split);
    if (text !== null) {
      write(byId('say'), text);
      this.spoken = { at: now, text };
    }
  }

  show(model, versions, seen) {
    const parts = versions.flatMap((version, at) => {
      const part = element('span', 'part', `${model.name(version)} ${percent(seen.share(version))}`);
      part.prepend(element('i', `swatch fill v${version.slot}`));
      return at ? [' · ', part] : [part];
    });
    const text = parts.map(part => part.textContent ?? part).join('');
    if (byId('split').textContent !== text) byId('split').replaceChildren(...parts);
  }

  /* What is worth a word now; null if nothing is. An event is said at once, and numbers every 20 s at most. */
  sentence(model, now, mode, split) {
    if (mode.paused) return 'Paused: the wall asks for nothing.';
    if (model.lost >= 5) return 'No answer comes from a version. Does the service still run?';
    const [event] = model.events;
    const text = event ? event.text : null;
    if (event && (event !== this.event || text !== this.event.said)) {
      this.event = event;
      this.event.said = text;
      return text;
    }
    if (now - this.spoken.at < 20000 && !/^(Waiting|Paused|No answer|$)/.test(this.spoken.text)) return null;
    const { total } = model.seen(now);
    if (!total) return 'Waiting for the first answer.';
    const whose = mode.one ? 'The answers to one user' : 'The answers to new users';
    return `${whose}: ${split}. ${model.versions.some(version => version.out) ? '' : this.hint(model)}`.trim();
  }

  /* What to do next, as long as nothing has happened. */
  hint(model) {
    const canary = model.canary();
    return model.events.length || !canary?.faults ? '' : `Press “Break ${model.name(canary)}” and watch what happens.`;
  }
}
