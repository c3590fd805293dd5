/* Asks for answers at a steady rate and draws what they show. */

/* Browsers keep at most six connections to an HTTP/1.1 server. One stays free for the faults, and an answer's time is
   then its own and not that of a queue. */
const MAX_IN_FLIGHT = 5;
const TIMEOUT = 20000;
const JSON_HEADER = { accept: 'application/json' };

const model = new Model(performance.now());
const tiles = new Tiles(byId('tiles'));
const headline = new Headline();
const timeline = new Timeline(byId('strip'), byId('events'));
const cards = new Cards(byId('versions'), setFaults);
const mode = { paused: false, one: false, rate: 20 };
let inFlight = 0, due = performance.now(), painted = '';

/* The fields of `route=color;subset=green-sub;reason=sticky;share=2500`. */
function fields(text) {
  return new Map((text ?? '').split(';').map(field => {
    const at = field.indexOf('=');
    return [field.slice(0, at), field.slice(at + 1)];
  }));
}

function decoded(text) {
  try {
    return text === null ? null : decodeURIComponent(text);
  } catch {
    return text;
  }
}

/* Takes the answer to one request in, and draws its tile. */
function take(sent, done, status, headers) {
  const decision = fields(headers.get('x-canary'));
  const share = decision.has('share') ? Number(decision.get('share')) : NaN;
  const color = decoded(headers.get('x-color'));
  const version = model.answer({ sent, done, label: decision.get('subset') ?? null, color, share, good: status < 500 });
  if (!version) return;
  const names = model.sorted().map(other => [other.slot, other.color].join()).join(';');
  if (names !== painted) {
    painted = names;
    paint(model);
    remember();
  }
  tiles.add(version.slot, status < 500);
  const offered = headers.get('x-color-faults') === 'on';
  if (offered && version.asked === undefined) {
    readFaults(version);
  } else if (!offered && status < 500 && version.asked === undefined) {
    version.why = 'Its faults are off.';
  }
}

/* Without cookies every request comes from a new user. */
async function ask() {
  inFlight++;
  const sent = performance.now();
  try {
    const signal = AbortSignal.timeout(TIMEOUT);
    const credentials = mode.one ? 'same-origin' : 'omit';
    const answer = await fetch('/color', { headers: JSON_HEADER, cache: 'no-store', credentials, signal });
    await answer.text();
    take(sent, performance.now(), answer.status, answer.headers);
  } catch {
    model.lost++;
  } finally {
    inFlight--;
  }
}

/* Reads or sets the faults of one version, past the split: the gateway needs a rule that sends a request with this header
   to that version. An answer that the filter has chosen, or of another version, shows that it has none. */
async function faultsOf(version, options) {
  const headers = { ...JSON_HEADER, 'x-color-version': version.label };
  const answer = await fetch('/color/faults', { ...options, headers, cache: 'no-store', credentials: 'omit' });
  const own = decoded(answer.headers.get('x-color')) === version.color && !answer.headers.has('x-canary');
  if (!answer.ok || !own) {
    await answer.text();
    throw new Error('no rule of the gateway leads to this version alone');
  }
  return answer.json();
}

async function readFaults(version) {
  version.asked = performance.now();
  try {
    if (version.label === null) throw new Error('the version has no label');
    const { set } = version;
    const faults = await faultsOf(version, {});
    if (set !== version.set) return;
    version.faults = faults;
    version.why = '';
  } catch {
    version.faults = null;
    version.why = 'Its faults cannot be set through this gateway.';
  }
}

/* A version that is out gives no answer. After a reload the wall still knows it, so that it can be mended. */
function remember() {
  try {
    localStorage.setItem('versions', JSON.stringify(model.versions.map(({ label, color }) => ({ label, color }))));
  } catch { /* The browser keeps nothing, so nothing is remembered. */ }
}

async function recall() {
  try {
    for (const known of JSON.parse(localStorage.getItem('versions') ?? '[]').slice(0, MAX_VERSIONS)) {
      const faults = await faultsOf(known, {});
      const version = model.find(known.label, known.color);
      model.shares.expect(version);
      Object.assign(version, { faults, asked: performance.now() });
      paint(model);
    }
  } catch { /* It is gone, or its faults are off. */ }
}

async function setFaults(version, faults) {
  version.set++;
  try {
    version.faults = await faultsOf(version, { method: 'PUT', body: JSON.stringify(faults), priority: 'high' });
    version.asked = performance.now();
    const { errorPercent, latencyMs } = version.faults;
    const told = [errorPercent && `${errorPercent} % of its answers fail`, latencyMs && `it answers ${latencyMs} ms later`];
    const text = told.filter(Boolean).join(' and ') || 'it is well';
    model.record(performance.now(), 'fault', `${capital(model.name(version))}: ${text}.`, version);
  } catch {
    model.record(performance.now(), 'fault', `The faults of ${model.name(version)} could not be set.`);
  }
}

function running() {
  return !mode.paused && !document.hidden;
}

function pace() {
  const now = performance.now(), interval = 1000 / mode.rate;
  /* What was not sent in time is not made up for: the rate stays steady. */
  due = Math.max(due, now - interval);
  while (due <= now) {
    due += interval;
    if (running() && inFlight < MAX_IN_FLIGHT) ask();
  }
  setTimeout(pace, Math.min(250, due - now));
}

function draw() {
  const now = performance.now();
  headline.draw(model, now, mode);
  cards.draw(model, now);
  timeline.draw(model, now);
  if (!running()) return;
  for (const version of model.versions) {
    /* Somebody else may set them, too. */
    if (version.faults && now - version.asked > 3000) readFaults(version);
  }
}

function resume() {
  if (running()) model.interrupted(performance.now());
}

byId('pause').addEventListener('click', ({ target }) => {
  mode.paused = !mode.paused;
  write(target, mode.paused ? 'Go on' : 'Pause');
  resume();
});
byId('one').addEventListener('change', ({ target }) => {
  mode.one = target.checked;
  write(byId('who'), mode.one ? 'to the same user' : 'to a new user');
  model.restart(performance.now());
});
byId('rate').addEventListener('input', showRate);
document.addEventListener('visibilitychange', resume);

function showRate() {
  mode.rate = Number(byId('rate').value);
  const text = `${mode.rate} per second`;
  write(byId('rate-shown'), text);
  byId('rate').setAttribute('aria-valuetext', text);
}

showRate();
recall();
pace();
setInterval(draw, 250);
