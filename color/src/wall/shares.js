/* The shares in force, in 1/10 000, from the share that every answer carries: that of its own version.

   An answer that fits says nothing new. One that does not fit may be the first under new weights, but for a moment the
   proxy's workers differ, so a change counts once no answer has spoken for the old shares for SETTLE. */
const SETTLE = 400;
/* How long the other versions' shares may take to become known. */
const PATIENCE = 2000;
const WHOLE = 10000;
const ROUNDING = 8;

class Shares {
  constructor() {
    this.known = new Map();
    this.guess = new Map();       /* for versions without an answer since the last change */
    this.next = null;             /* the shares that may have come into force, and when the first request saw them */
    this.change = null;           /* a change that is not fully known yet: the shares before, and when it began */
    this.epoch = -Infinity;
    this.lastOld = -Infinity;
  }

  /* The share of a version; NaN if it is not known. */
  of(version) {
    return this.known.get(version) ?? this.guess.get(version) ?? NaN;
  }

  /* A version that has not answered yet. */
  expect(version) {
    if (!this.known.has(version)) this.guess.set(version, NaN);
    if (this.known.size) this.complete(() => NaN);
  }

  static fits(known, version, share) {
    if (known.has(version)) return Math.abs(known.get(version) - share) <= 1;
    let sum = share;
    for (const other of known.values()) sum += other;
    return sum <= WHOLE + ROUNDING;
  }

  /* Takes in what the request that was sent then has seen. Returns the change that is known by now: the shares before, and
     when the first request saw the new ones. `eager` is for a version that is out: its own answer needs no other. */
  observe(version, share, sent, eager) {
    if (sent < this.epoch) return null;
    this.take(version, share, sent, eager);
    const { change } = this;
    if (!change || (!this.complete(change.before) && sent < change.first + PATIENCE)) return null;
    this.change = null;
    return change;
  }

  take(version, share, sent, eager) {
    if (Shares.fits(this.known, version, share)) {
      if (!this.next) {
        this.lastOld = Math.max(this.lastOld, sent);
      } else if (!Shares.fits(this.next.known, version, share)) {
        this.lastOld = Math.max(this.lastOld, sent);
        if (sent > this.next.first) this.next = null;
      }
      if (!this.known.has(version)) this.learn(version, share);
      return;
    }
    if (!this.next || !Shares.fits(this.next.known, version, share)) {
      this.next = { known: new Map(), first: sent };
    }
    this.next.known.set(version, share);
    if (eager || sent - this.lastOld >= SETTLE) this.confirm();
  }

  learn(version, share) {
    this.known.set(version, share);
    this.guess.delete(version);
    const guess = new Map(this.guess);
    this.complete(this.change?.before ?? (other => guess.get(other) ?? NaN));
  }

  confirm() {
    const shares = new Map([...this.guess, ...this.known]);
    const before = version => shares.get(version) ?? NaN;
    this.known = this.next.known;
    this.guess = new Map([...shares.keys()].filter(version => !this.known.has(version)).map(version => [version, NaN]));
    this.complete(before);
    const { first } = this.next;
    this.epoch = this.lastOld = first;
    this.next = null;
    this.change = { before: this.change?.before ?? before, first };
  }

  /* What is left belongs to the versions that have not answered yet: by the shares that they had, which is what the
     filter does with the share of a version that it takes out. Returns whether this is certain. */
  complete(before) {
    let left = WHOLE;
    for (const share of this.known.values()) left -= share;
    if (left <= ROUNDING) left = 0;
    const open = [...this.guess.keys()];
    const sum = open.reduce((total, version) => total + before(version), 0);
    for (const version of open) {
      const part = sum > 0 ? before(version) / sum : 1 / open.length;
      this.guess.set(version, open.length === 1 || left === 0 || sum > 0 ? Math.round(left * part) : NaN);
    }
    return open.length <= 1 || left === 0;
  }
}
