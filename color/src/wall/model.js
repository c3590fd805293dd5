'use strict';

/* The versions that have answered, and what they answered in the last minute. Nothing here knows the page or the clock:
   times are arguments, in milliseconds. */

const MINUTE = 60000;
const MAX_VERSIONS = 8;
const NEUTRAL = 'slategray';

/* The newest answers in arrays of one length, so that the page's memory stays the same however long it is open. */
class Answers {
  constructor(length) {
    this.length = length;
    this.count = 0;
    this.sent = new Float64Array(length);
    this.done = new Float64Array(length);
    this.slot = new Uint8Array(length);
    this.good = new Uint8Array(length);
    this.scratch = new Float64Array(length);
  }

  add(sent, done, slot, good) {
    const at = this.count++ % this.length;
    this.sent[at] = sent;
    this.done[at] = done;
    this.slot[at] = slot;
    this.good[at] = good ? 1 : 0;
  }

  /* Calls `each(at)` for the answers since `start`, the newest first. */
  since(start, each) {
    for (let back = 1; back <= Math.min(this.count, this.length); back++) {
      const at = (this.count - back) % this.length;
      if (this.done[at] < start) return;
      each(at);
    }
  }

  /* Number, errors and latency of one version's answers since `start`. */
  summary(slot, start) {
    let count = 0, errors = 0;
    this.since(start, at => {
      if (this.slot[at] !== slot) return;
      this.scratch[count++] = this.done[at] - this.sent[at];
      errors += 1 - this.good[at];
    });
    const times = this.scratch.subarray(0, count).sort();
    const quantile = part => count ? times[Math.min(count - 1, Math.floor(part * count))] : NaN;
    return { count, errors, median: quantile(0.5), slow: quantile(0.95) };
  }
}

/* A version: its label in the configuration, the colour that it says it has, and what is known about its share. */
class Version {
  constructor(slot, label, color) {
    this.slot = slot;
    this.label = label;
    this.color = color;
    this.out = null;      /* while it is rolled back: since when, its share before, and when the next try is due */
    this.back = -Infinity;
    this.wait = NaN;      /* the last wait that was seen, and the shortest */
    this.shortest = NaN;
    this.faults = null;   /* what its own PUT /color/faults says, where that can be read */
    this.set = 0;         /* how often this page has set them */
  }
}

class Model {
  constructor(start = 0) {
    this.versions = [];
    this.answers = new Answers(4096);
    this.shares = new Shares();
    this.events = [];
    this.start = this.since = start;
    this.lost = 0;        /* requests in a row without an answer that names a version */
  }

  /* In the order of their labels, which stays the same whichever answers first. */
  sorted() {
    return [...this.versions].sort((a, b) => this.id(a) < this.id(b) ? -1 : 1);
  }

  id(version) {
    return version.label ?? version.color ?? '';
  }

  /* The colour, unless two versions have the same. */
  name(version) {
    const { color, label } = version;
    const unique = this.versions.every(other => other === version || other.color !== color);
    return color && (unique || !label) ? color : label ?? 'unknown';
  }

  /* The version of an answer with this label and colour, either of which may be missing. */
  find(label, color) {
    if (label === null && color === null) return null;
    let found = this.versions.find(version => label !== null ? version.label === label : version.color === color);
    if (!found && label !== null && color !== null) {
      found = this.versions.find(version => version.label === null && version.color === color);
    }
    if (!found) {
      if (this.versions.length === MAX_VERSIONS) return null;
      found = new Version(this.versions.length, label, color);
      this.versions.push(found);
    }
    found.label ??= label;
    if (color !== null) found.color = color;
    return found;
  }

  /* Takes one answer in and returns its version; null if it names none. */
  answer({ sent, done, label, color, share, good }) {
    const version = this.find(label, color);
    if (!version) {
      this.lost++;
      return null;
    }
    this.lost = 0;
    if (Number.isInteger(share)) {
      const change = this.shares.observe(version, share, sent, Boolean(version.out) && !(sent < version.out.since + 1000));
      if (change) this.changed(change, done);
    }
    this.answers.add(sent, done, version.slot, good);
    return version;
  }

  /* Counts the shares from now on, for instance because other users ask. */
  restart(now) {
    this.since = now;
  }

  /* Nobody has watched for a while, so how long a version is out teaches nothing about its waits. */
  interrupted(now) {
    this.restart(now);
    for (const { out } of this.versions) {
      if (out) out.due = out.since = NaN;
    }
  }

  /* The shares of the answers since the last change, at most those of a minute. */
  seen(now) {
    const counts = new Array(this.versions.length).fill(0);
    this.answers.since(Math.max(this.since, now - MINUTE), at => {
      if (this.answers.sent[at] >= this.since) counts[this.answers.slot[at]]++;
    });
    const total = counts.reduce((sum, count) => sum + count, 0);
    return { total, share: version => total ? counts[version.slot] / total : NaN };
  }

  /* A slider that moves is one event of its version. */
  record(now, kind, text, version = null) {
    const [last] = this.events;
    if (version && last?.version === version && now - last.at < 3000) this.events.shift();
    this.events.unshift({ at: now, kind, text, version });
    this.events.length = Math.min(this.events.length, 40);
  }

  /* The shares in force have changed: says what it means. */
  changed({ before, first }, now) {
    const { shares } = this;
    /* A slow ramp moves less than is shown. */
    const shown = share => percent(share / WHOLE);
    if (this.versions.every(version => shown(before(version)) === shown(shares.of(version)))) return;
    this.since = first;
    const newly = this.versions.filter(version => before(version) > 0 && shares.of(version) === 0);
    const out = newly.filter(version => this.isWorse(version, first));
    const back = this.versions.filter(version => version.out && shares.of(version) > 0);
    for (const version of out) {
      this.rolledBack(version, before(version), first, now);
    }
    for (const version of back) {
      this.returned(version, first, now);
    }
    if (!out.length && !back.length) {
      /* A ramp changes the weights every second: one event for all of it. */
      const [last] = this.events;
      const split = () => this.sorted().map(version => this.part(version)).join(' · ');
      if (last?.kind === 'weights' && now - last.at < 5000) {
        last.at = now;
        last.text = `The weights moved to ${split()}.`;
      } else {
        this.record(now, 'weights', `The weights changed to ${split()}.`);
      }
    }
  }

  /* The version with the smallest share, where there is one. */
  canary() {
    const known = this.sorted().filter(version => this.shares.of(version) > 0);
    return known.length < 2 ? null : known.reduce((least, version) =>
      this.shares.of(version) <= this.shares.of(least) ? version : least);
  }

  part(version) {
    const share = this.shares.of(version);
    return `${this.name(version)} ${Number.isNaN(share) ? '?' : percent(share / WHOLE)}`;
  }

  /* Whether its own answers explain that it has lost its share. */
  isWorse(version, before) {
    if (version.faults?.errorPercent >= 5) return true;
    const from = before - 10000;
    const own = this.answers.summary(version.slot, from);
    const others = this.versions.filter(other => other !== version).map(other => this.answers.summary(other.slot, from));
    const sum = field => others.reduce((total, other) => total + other[field], 0);
    return own.errors > 0 && own.errors / own.count - sum('errors') / Math.max(1, sum('count')) >= 0.05;
  }

  rolledBack(version, share, first, now) {
    /* A version that fails again soon waits twice as long; the rule forgets after the last wait or an interval. */
    const soon = now - version.back < Math.max(version.wait, MINUTE);
    const wait = soon ? Math.min(2 * version.wait, 60 * MINUTE) : version.shortest;
    version.out = { since: first, share, due: first + wait };
    let from = NaN;
    this.answers.since(first - 10000, at => {
      if (this.answers.slot[at] === version.slot && !this.answers.good[at]) from = this.answers.done[at];
    });
    const { count, errors } = Number.isNaN(from) ? { errors: 0 } : this.answers.summary(version.slot, from);
    const why = errors ? `: ${errors} of its last ${count} answers ${errors === 1 ? 'was an error' : 'were errors'}` : '';
    this.record(now, 'out', `${capital(this.name(version))} was taken out${why}.`);
  }

  returned(version, first, now) {
    const { since, due } = version.out;
    const waited = first - since;
    const expected = due - since;
    /* The proxy acts a moment after the wait. */
    const rounded = waited < 2000 ? waited : Math.floor(waited / 1000 + 0.3) * 1000;
    if (!Number.isNaN(waited)) {
      version.wait = Math.abs(waited - expected) < 1500 ? expected : rounded;
      version.shortest = Number.isNaN(version.shortest) ? version.wait : Math.min(version.shortest, version.wait);
    }
    version.out = null;
    version.back = now;
    const after = Number.isNaN(waited) ? '' : `, after ${seconds(waited)}`;
    this.record(now, 'back', `${capital(this.name(version))} is back with ${percent(this.shares.of(version) / WHOLE)}${after}.`);
  }

  /* What a version that is out waits for. */
  waiting(version, now) {
    const { since, due } = version.out;
    if (Number.isNaN(since)) return 'no user gets it';
    if (Number.isNaN(due)) return `no user gets it, for ${seconds(now - since)} so far`;
    if (now < due) return `next try in ${seconds(due - now)}`;
    return now - due < 5000 ? 'next try now' : `the next try was due ${seconds(now - due)} ago`;
  }
}

const percent = part => Number.isNaN(part) ? '–' : `${Math.round(100 * part)} %`;
const seconds = time => `${Math.max(0, Math.round(time / 1000))}\u00a0s`;
const capital = text => text.charAt(0).toUpperCase() + text.slice(1);
