/* A card per version: its numbers, and the controls of its faults where it has any. */

class Cards {
  /* `setFaults(version, faults)` sends them. */
  constructor(host, setFaults) {
    this.host = host;
    this.setFaults = setFaults;
    this.cards = new Map();
  }

  draw(model, now) {
    const seen = model.seen(now);
    const versions = model.sorted();
    const canary = model.canary();
    for (const version of versions) {
      const card = this.card(version);
      card.name = model.name(version);
      card.inviting = version === canary;
      this.numbers(card, model, version, seen, now);
    }
    const order = versions.map(version => this.cards.get(version).root);
    if (order.some((root, at) => this.host.children[at] !== root)) this.host.replaceChildren(...order);
  }

  card(version) {
    if (!this.cards.has(version)) this.cards.set(version, this.create(version));
    return this.cards.get(version);
  }

  create(version) {
    const root = byId('card').content.firstElementChild.cloneNode(true);
    const shown = field => root.querySelector(`[data-show=${field}]`);
    root.querySelector('.swatch').className = `swatch fill v${version.slot}`;
    root.querySelector('.bar i').className = `fill v${version.slot}`;
    const sliders = [...root.querySelectorAll('[data-set]')];
    const card = { root, shown, sliders, name: '', inviting: false, timer: 0, sending: false, again: false };
    for (const slider of card.sliders) {
      slider.addEventListener('input', () => {
        this.label(card);
        clearTimeout(card.timer);
        card.timer = setTimeout(() => this.send(card, version), 120);
      });
    }
    root.querySelector('[data-do=break]').addEventListener('click', () => {
      const bad = card.sliders.some(slider => Number(slider.value) > 0);
      for (const slider of card.sliders) slider.value = bad ? 0 : slider.dataset.set === 'errorPercent' ? 100 : slider.value;
      this.label(card);
      this.send(card, version);
    });
    return card;
  }

  /* One after the other, so that the last one counts. */
  async send(card, version) {
    card.timer = 0;
    card.again = true;
    if (card.sending) return;
    card.sending = true;
    while (card.again) {
      card.again = false;
      await this.setFaults(version, Object.fromEntries(card.sliders.map(slider => [slider.dataset.set, Number(slider.value)])));
    }
    card.sending = false;
  }

  label(card) {
    for (const slider of card.sliders) {
      const unit = slider.dataset.set === 'latencyMs' ? 'ms' : '%';
      const text = `${slider.value} ${unit}`;
      write(card.shown(slider.dataset.set), text);
      slider.setAttribute('aria-valuetext', text);
    }
    const bad = card.sliders.some(slider => Number(slider.value) > 0);
    const button = card.root.querySelector('[data-do=break]');
    write(button, `${bad ? 'Mend' : 'Break'} ${card.name}`);
    button.classList.toggle('bad', !bad && card.inviting);
  }

  numbers(card, model, version, seen, now) {
    const { root, shown } = card;
    const share = model.shares.of(version) / WHOLE;
    const part = seen.share(version);
    const minute = Math.max(model.start, now - MINUTE);
    const { count, errors, median, slow } = model.answers.summary(version.slot, minute);
    const moment = model.answers.summary(version.slot, Math.max(model.start, now - 5000)).count;
    const lasted = Math.max(1000, Math.min(5000, now - model.start));
    write(root.querySelector('h2'), card.name);
    root.dataset.label = model.id(version);
    write(shown('seen'), `${percent(part)} of ${seen.total}`);
    write(shown('share'), percent(share));
    write(shown('errors'), count ? percent(errors / count) : '–');
    write(shown('latency'), count ? milliseconds(median) : '–');
    write(shown('slow'), count ? milliseconds(slow) : '–');
    write(shown('rate'), (1000 * moment / lasted).toFixed(1));
    root.querySelector('.bar i').style.width = `${100 * (part || 0)}%`;
    root.querySelector('.bar b').style.left = `${100 * (share || 0)}%`;
    root.querySelector('.bar b').hidden = Number.isNaN(share);
    const state = version.out ? `Rolled back: ${model.waiting(version, now)}.` : share === 0 ? 'No user gets it.' : '';
    write(shown('state'), state);
    root.classList.toggle('out', Boolean(version.out));
    this.faults(card, version);
  }

  faults(card, version) {
    const { root, shown, sliders } = card;
    const can = version.faults !== null;
    root.querySelector('.faults').hidden = !can;
    root.querySelector('[data-do=break]').hidden = !can;
    write(shown('note'), can ? '' : version.why ?? '');
    if (can && !card.timer && !card.sending) {
      for (const slider of sliders) slider.value = version.faults[slider.dataset.set];
    }
    this.label(card);
  }
}

const milliseconds = time => time < 9.95 ? `${time.toFixed(1)} ms` : `${Math.round(time)} ms`;
