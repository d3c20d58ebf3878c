// The conformance table (test/integration/bindings.py) through the Node binding. SNAPSHOT HTTP RESP ACCESS_TOKEN TABLE
const fs = require('fs');
const { Client } = require('./index.js');

const NAMES = ['paid', 'freight', 'tax', 'couponMerchant', 'couponPlatform', 'couponCreator', 'deposit'];
const [snapshotFile, http, resp, accessToken, table] = process.argv.slice(2);
const client = new Client({ snapshotFile, http, resp, accessToken });

function work() {
  const { hasSnapshot, hasKeys } = client.state();
  if (!hasSnapshot || !hasKeys) { setTimeout(work, 10); return; }
  for (const line of fs.readFileSync(table, 'utf8').split('\n').filter(Boolean)) {
    const [order, user, goods, token, base, at, qty, scene, page, kind, id, owner, amounts, ext] = line.split('\t');
    const answer = client.resolve({
      order, user, goods, token, baseAmount: base === '-' ? undefined : Number(base), atMs: Number(at), qty: Number(qty), scene, page,
      carrier: { kind, id, owner },
      amounts: amounts ? Object.fromEntries(amounts.split(',').map((value, i) => [NAMES[i], Number(value)])) : undefined,
      ext: ext ? Object.fromEntries(ext.split(',').map((pair) => pair.split('='))) : {},
    });
    console.log([order, Number(answer.needsServer), answer.outcome, answer.charged, answer.resolution.toString('hex')].join('\t'));
  }
}
work();
