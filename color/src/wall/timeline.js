/* The last two minutes, a column per second, and what has happened in them. */

const SECONDS = 120;
const SHOWN_EVENTS = 12;

class Timeline {
  constructor(host, list) {
    this.host = host;
    this.list = list;
    this.columns = Array.from({ length: SECONDS }, () => element('div', 'second'));
    host.append(...this.columns);
    this.second = null;
    this.drawn = '';
  }

  /* Fills the column of the current second, and moves the others on when it ends. */
  draw(model, now) {
    const second = Math.floor(now / 1000);
    if (this.second === null) this.second = second;
    /* After a pause the columns of the time without answers are empty. */
    for (let missed = Math.min(second - this.second, SECONDS); missed > 0; missed--) {
      this.fill(this.host.lastElementChild, model, (second - missed) * 1000, (second - missed + 1) * 1000);
      this.host.append(this.host.firstElementChild);
      this.host.lastElementChild.replaceChildren();
      this.host.lastElementChild.className = 'second';
    }
    this.second = second;
    this.fill(this.host.lastElementChild, model, second * 1000, Infinity);
    this.write(model);
  }

  fill(column, model, start, end) {
    const good = new Array(model.versions.length).fill(0);
    const bad = [...good];
    model.answers.since(start, at => {
      if (model.answers.done[at] >= end) return;
      (model.answers.good[at] ? good : bad)[model.answers.slot[at]]++;
    });
    const parts = [];
    let configured = 0;
    const versions = model.sorted();
    versions.forEach((version, at) => {
      for (const [counts, kind] of [[good, ''], [bad, ' bad']]) {
        if (!counts[version.slot]) continue;
        const part = element('i', `fill v${version.slot}${kind}`);
        part.style.flexGrow = counts[version.slot];
        parts.push(part);
      }
      configured += model.shares.of(version) / 100;
      if (at < versions.length - 1 && configured > 0 && configured < 100 && parts.length) {
        const line = element('b', '');
        line.style.top = `${configured}%`;
        parts.push(line);
      }
    });
    column.replaceChildren(...parts);
    const events = model.events.filter(({ at }) => at >= start && at < end);
    const event = events.find(({ kind }) => kind === 'out') ?? events[0];
    column.className = `second${event ? ` event ${event.kind}` : ''}`;
  }

  write(model) {
    const shown = model.events.slice(0, SHOWN_EVENTS);
    const drawn = shown.map(({ at, text }) => at + text).join();
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    this.list.replaceChildren(...shown.map(({ at, kind, text }) => {
      const item = element('li', kind);
      item.append(element('time', '', clock(at)), ' ', text);
      return item;
    }));
  }
}

const clock = time => new Date(performance.timeOrigin + time).toLocaleTimeString('en-GB');
