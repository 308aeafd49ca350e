// What the status page does beyond what the server wrote: it loads the
// figures anew, shows what other endpoints know, and changes names.  Texts
// from outside become text nodes, never markup.

'use strict';

(() => {
  const settings = JSON.parse(document.getElementById('settings').textContent);
  const $ = (id) => document.getElementById(id);
  const EVERY = 5000;
  const PATIENCE = 20000;


  // elements

  function el(name, attributes = {}, ...children) {
    const node = document.createElement(name);

    for (const [key, value] of Object.entries(attributes)) {
      node.setAttribute(key, value);
    }

    node.append(...children);
    return node;
  }

  // columns: [title, class]; rows: arrays of text or elements
  function table(caption, columns, rows) {
    const head = el('tr', {}, ...columns.map(([title, kind]) =>
      el('th', { scope: 'col', class: kind || '' }, title)));

    const body = rows.map((cells) => el('tr', {}, ...cells.map((cell, i) =>
      i === 0 ? el('th', { scope: 'row' }, cell)
              : el('td', { class: columns[i][1] || '',
                           'data-label': columns[i][0] }, cell))));

    return el('div', { class: 'wide' },
      el('table', { class: 'cards', 'aria-label': caption },
        el('thead', {}, head), el('tbody', {}, ...body)));
  }

  function tiles(pairs) {
    return el('dl', { class: 'tiles' }, ...pairs.map(([what, value]) =>
      el('div', {}, el('dt', {}, what), el('dd', {}, String(value)))));
  }

  function size(bytes) {
    const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
    let n = bytes, i = 0;

    while (n >= 1000 && i < units.length - 1) {
      n /= 1000;
      i++;
    }

    return (i === 0 || n >= 100 ? n.toFixed(0) : n.toPrecision(3))
           + ' ' + units[i];
  }

  function seconds(n) {
    if (n < 120) return `${n} s`;
    if (n < 7200) return `${Math.round(n / 60)} min`;
    if (n < 172800) return `${Math.round(n / 3600)} h`;
    return `${Math.round(n / 86400)} d`;
  }


  // requests; an endpoint that is not there leaves its section away

  const absent = new Set();

  const load = (uri) => fetch(uri, { cache: 'no-store',
                                     signal: AbortSignal.timeout(PATIENCE) });

  async function get(uri, type = 'json') {
    if (!uri || absent.has(uri)) return null;

    const reply = await load(uri);

    if (reply.status === 404) {
      absent.add(uri);

      for (const link of document.querySelectorAll('footer a')) {
        link.hidden ||= uri.split('?')[0] === link.getAttribute('href');
      }

      return null;
    }

    if (!reply.ok) throw new Error(`${uri}: ${reply.status}`);

    return type === 'json' ? reply.json() : reply.text();
  }

  async function send(method, uri, body, headers = {}) {
    const reply = await fetch(uri, {
      method, headers, body: body === undefined ? undefined
                                                : JSON.stringify(body) });

    if (reply.ok) return reply;

    const error = await reply.json().catch(() => ({}));

    throw new Error((error.field ? `${error.field} ` : '')
                    + (error.error || `refused: ${reply.status}`));
  }

  // {name, labels, value} of the lines of a family
  function samples(text, family) {
    const found = [];

    for (const line of text.split('\n')) {
      const m = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line);

      if (!m || m[1] !== family) continue;

      const labels = {};

      for (const l of (m[2] || '').matchAll(/(\w+)="((?:\\.|[^"\\])*)"/g)) {
        labels[l[1]] = l[2].replace(/\\(.)/g, (_, c) => c === 'n' ? '\n' : c);
      }

      found.push({ labels, value: Number(m[3]) });
    }

    return found;
  }

  // what a first page has not
  function more(found, where) {
    return found.next == null ? []
      : [el('p', { class: 'none' }, 'There may be more: ',
            el('a', { href: where }, where))];
  }

  const total = (list) => list.reduce((n, s) => n + s.value, 0);

  function show(id, ...nodes) {
    $(id).querySelector('.body').replaceChildren(...nodes);
    $(id).hidden = false;
  }

  // of an endpoint that is gone, old figures would look like new ones
  function hide(id) {
    $(id).hidden = true;
  }


  // sections of other endpoints

  async function signin() {
    const text = await get(settings.auth && settings.auth + '/metrics', 'text');
    if (text === null) return hide('signin');

    const results = samples(text, 'wgw_auth_signins_total');
    const refused = samples(text, 'wgw_auth_refused_total');
    const good = results.filter((s) => s.labels.result === 'signed_in');
    const rows = [
      ...results.filter((s) => s.value && s.labels.result !== 'signed_in')
        .map((s) => ['sign-in', s.labels.result, String(s.value)]),
      ...refused.filter((s) => s.value)
        .map((s) => ['request', s.labels.reason, String(s.value)])
    ];

    show('signin',
      tiles([['signed in', total(good)],
             ['live keys', total(samples(text, 'wgw_auth_tokens'))],
             ['sign-ins refused', total(results) - total(good)],
             ['requests refused', total(refused)]]),
      ...(rows.length ? [table('Refusals', [['refused'], ['reason'],
                                            ['times', 'n']], rows)] : []));
  }

  const STANDING = { healthy: 'good', warning: 'warn', unhealthy: 'bad' };

  function session(s) {
    return s.state === 'good' ? `good, ends in ${seconds(s.ends_in)}`
         : s.state === 'barred' ? `barred for ${seconds(s.again_in)}`
         : s.state;
  }

  async function providers() {
    const found = await get(settings.providers);
    if (!found || !found.providers.length) return hide('providers');

    show('providers', table('Providers',
      [['provider'], ['standing'], ['block', 'n'], ['attempts', 'n'],
       ['failed', 'n'], ['sessions']],
      found.providers.map((p) => [
        el('span', {}, p.name, el('small', {}, `${p.service}, ${p.host}`)),
        el('span', { class: STANDING[p.standing] || '' },
           p.standing, ...(p.reason ? [el('small', {}, p.reason)] : [])),
        p.block == null ? '–' : String(p.block),
        String(p.attempts), String(p.failed),
        p.sessions ? p.sessions.map(session).join('; ') : 'none needed'
      ])));
  }

  async function claims() {
    const found = await get(settings.claims && settings.claims + '?limit=20');
    if (!found) return hide('claims');

    show('claims', found.tokens.length ? table('The first claims',
      [['content'], ['of'], ['to'], ['ends']],
      found.tokens.map((t) => [
        el('span', {}, t.content || 'any', el('small', {}, `token ${t.id}`)),
        t.iss, t.aud, t.exp ? new Date(t.exp * 1000).toISOString() : 'never'
      ])) : el('p', { class: 'none' }, 'No claim is stored.'),
      ...more(found, settings.claims));
  }

  // what wgw-grid says; when it ended, or hangs, that is of another time, by
  // the server's clock

  const STALE = 300;

  async function grid() {
    const found = await get(settings.grid);
    if (!found) return hide('grid');

    const now = Date.parse($('when').querySelector('time').dateTime);
    const age = Math.round((now - Date.parse(found.as_of)) / 1000);
    const stale = !(Math.abs(age) <= STALE);

    show('grid',
      ...(stale ? [el('p', { class: 'bad' }, 'Stale: wgw-grid has said '
                      + `nothing since ${found.as_of}.`)] : []),
      tiles([
        ['contracts', found.contracts],
        ['names', found.names],
        ['last report', found.last_report || 'none yet'],
        ['balance', `${(found.balance / 1e7).toFixed(2)} TFT`],
        ['earned this month',
         `${(found.this_month.billed_musd / 1000).toFixed(3)} USD`],
        ['reported this month', size(found.this_month.bytes)]
      ]),
      ...(found.missing.length ? [table('What is missing',
        [['missing'], ['cure']],
        found.missing.map((m) => [m.what, m.cure]))] : []));
  }

  async function backends() {
    const found = await get(settings.names
                            && settings.names + '?failing=true&limit=20');
    if (!found) return hide('backends');

    const rows = found.names.flatMap((n) => n.failing.map((b) =>
      [b.backend, n.name, String(b.failures), `${seconds(b.since)} ago`]));

    show('backends', rows.length ? table('Backends that fail',
      [['backend'], ['of'], ['failures', 'n'], ['last']], rows)
      : el('p', { class: 'none' }, found.next == null ? 'None.'
           : 'None of the names that were looked at.'),
      ...more(found, `${settings.names}?failing=true`));
  }

  async function certificates() {
    const found = await get(settings.certificates);
    if (!found) return hide('certificates');

    const left = (c) =>
      Math.floor((Date.parse(c.not_after) - Date.now()) / 86400000);

    show('certificates', found.certificates.length ? table('Certificates',
      [['name'], ['issuer'], ['ends'], ['days left', 'n']],
      found.certificates.map((c) => [
        c.name, c.issuer || '–', c.not_after || '–',
        c.state !== 'ok' ? el('span', { class: 'bad' }, c.state)
          : el('span', { class: left(c) < 7 ? 'bad'
                                : left(c) < 21 ? 'warn' : 'good' },
               String(left(c)))
      ])) : el('p', { class: 'none' }, 'None yet.'),
      ...more(found, settings.certificates));
  }


  // what the server wrote, anew: open parts and the focus stay

  async function figures() {
    const reply = await load(location.pathname + location.search);
    const page = new DOMParser().parseFromString(
      reply.ok ? await reply.text() : '', 'text/html');
    const parts = page.querySelectorAll('[data-live]');

    // as where one has to sign in meanwhile
    if (!parts.length) {
      throw new Error(`${location.pathname}: `
                      + (reply.ok ? 'another page' : reply.status));
    }

    for (const now of parts) {
      const old = $(now.id);
      const focus = old.contains(document.activeElement)
                    ? document.activeElement.id : '';
      const open = [...old.querySelectorAll('details[open]')].map((d) => d.id);

      old.replaceChildren(...document.importNode(now, true).childNodes);

      for (const id of open) {
        if ($(id)) $(id).open = true;
      }

      if (focus && $(focus)) {
        $(focus).focus();
      }
    }

    buttons();
  }

  // a button in each row of a name
  function buttons() {
    if (!settings.names || $('add').hidden) return;

    for (const row of $('rows').querySelectorAll('tr[data-name]')) {
      const button = el('button', { type: 'button', class: 'small',
        id: 'b-' + row.dataset.name,
        'aria-label': `Change ${row.dataset.name}` }, 'Change');

      button.addEventListener('click', () => edit(row.dataset.name));
      row.lastElementChild.replaceChildren(button);
    }
  }

  let busy = false;

  async function refresh() {
    if (busy || document.hidden) return;
    busy = true;

    const parts = await Promise.allSettled([figures(), signin(), providers(),
      claims(), grid(), backends(), certificates()]);
    const failed = parts.find((p) => p.status === 'rejected');

    $('state').textContent = failed ? `not all is new: ${failed.reason.message}`
                                    : '';
    busy = false;
  }


  // a name is changed

  let editing = null;       // {name, etag, record}, or null: a new one

  function fault(dialog, error) {
    const p = dialog.querySelector('.error');

    p.textContent = error ? error.message : '';
    p.hidden = !error;
  }

  const uri = (name) => `${settings.names}/${encodeURIComponent(name)}`;

  // decimal text of GB to bytes and back, exact
  function bytes(text) {
    const [whole, part = ''] = text.trim().split('.');

    return Number(BigInt(whole || 0) * 1000000000n
                  + BigInt(part.padEnd(9, '0').slice(0, 9)));
  }

  function gigabytes(n) {
    const text = BigInt(n).toString().padStart(10, '0');

    return (text.slice(0, -9) + '.' + text.slice(-9)).replace(/\.?0+$/, '');
  }

  async function edit(name) {
    let record = { name: '', backends: [], cap_bytes: 0, owner: '',
                   tls_passthrough: false, state: 'ok' };
    editing = null;
    fault($('edit'), null);

    if (name) {
      try {
        const reply = await send('GET', uri(name));

        record = await reply.json();
        editing = { name, etag: reply.headers.get('ETag'), record };

      } catch (error) {
        fault($('edit'), error);
      }
    }

    $('edit-title').textContent = name || 'A new name';
    $('f-name').value = record.name;
    $('f-name').disabled = Boolean(name);
    $('f-backends').value = record.backends.join('\n');
    $('f-cap').value = gigabytes(record.cap_bytes);
    $('f-owner').value = record.owner;
    $('f-pass').checked = record.tls_passthrough;
    $('f-paused').checked = record.state === 'paused';
    $('f-delete').hidden = !editing;
    $('f-save').disabled = Boolean(name) && !editing;
    $('edit').showModal();
  }

  function changed(record) {
    const change = {};

    for (const [member, value] of Object.entries(record)) {
      if (JSON.stringify(editing.record[member]) !== JSON.stringify(value)) {
        change[member] = value;
      }
    }

    return change;
  }

  async function save(event) {
    event.preventDefault();

    try {
      const record = {
        backends: $('f-backends').value.split('\n').map((l) => l.trim())
                                       .filter(Boolean),
        cap_bytes: bytes($('f-cap').value),
        owner: $('f-owner').value,
        tls_passthrough: $('f-pass').checked,
        state: $('f-paused').checked ? 'paused' : 'ok'
      };

      if (editing) {
        await send('PATCH', uri(editing.name), changed(record), {
          'Content-Type': 'application/merge-patch+json',
          'If-Match': editing.etag });

      } else {
        await send('PUT', uri($('f-name').value.trim()), record, {
          'Content-Type': 'application/json', 'If-None-Match': '*' });
      }

      $('edit').close();
      await refresh();

    } catch (error) {
      fault($('edit'), error);
    }
  }

  function ask() {
    fault($('confirm'), null);
    $('confirm-text').textContent = `${editing.name} is not served any more, `
      + 'and its open connections end. What it was counted stays.';
    $('confirm').showModal();
  }

  async function remove() {
    try {
      await send('DELETE', `${uri(editing.name)}?close=true`, undefined,
                 { 'If-Match': editing.etag });
      $('confirm').close();
      $('edit').close();
      await refresh();

    } catch (error) {
      fault($('confirm'), error);
    }
  }


  // searching while one types

  let wait = 0;

  function find() {
    clearTimeout(wait);

    wait = setTimeout(() => {
      const query = new URLSearchParams();

      if ($('q').value) query.set('q', $('q').value);

      history.replaceState(null, '', location.pathname
                           + (query.size ? `?${query}` : ''));
      refresh();
    }, 250);
  }


  async function start() {
    $('q').addEventListener('input', find);
    $('add').addEventListener('click', () => edit(''));
    $('edit').querySelector('form').addEventListener('submit', save);
    $('f-close').addEventListener('click', () => $('edit').close());
    $('f-delete').addEventListener('click', ask);
    $('c-yes').addEventListener('click', remove);
    document.addEventListener('visibilitychange', refresh);

    const names = await get(settings.names && `${settings.names}?limit=1`)
                        .catch(() => null);

    $('add').hidden = names === null;
    buttons();

    await refresh();
    setInterval(refresh, EVERY);
  }

  start();
})();
