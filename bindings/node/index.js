'use strict';
// Tributary inside a Node service: a thin layer over libtributary (docs/client.md).
//
//   const client = new Client({ snapshotFile: 'market.snapshot', http: '127.0.0.1:7380', resp: '127.0.0.1:7390', accessToken });
//   const order = { order: 'o1', user: 'u1', goods: 'g1', token, baseAmount: 9900, atMs: Date.now() };
//   const answer = client.resolve(order);
//   if (answer.needsServer) await client.ask(order); else client.record(order, answer);

const path = require('path');
const native = require(process.env.TRIBUTARY_NODE || path.join(__dirname, 'build', 'Release', 'tributary.node'));

const AMOUNTS = ['paid', 'freight', 'tax', 'couponMerchant', 'couponPlatform', 'couponCreator', 'deposit'];
const REASONS = ['no_token', 'engine_facts', 'unknown_goods', 'newer_token', 'unknown_key', 'no_keys', 'unknown_party',
  'too_large', 'several_tokens'];
const PENDING = ['step', 'budget', 'incentive', 'new_to_shop'];

const bits = (value, words) => words.filter((_, i) => (value >> i) & 1);

// FIELDS: order, user, goods, token, scene, page, carrier kind, id, owner; base, at, now, qty, amounts; ext.
function flat(order) {
  const carrier = order.carrier || {};
  return [
    [order.order, order.user, order.goods, order.token || '-', order.scene || '', order.page || '',
      carrier.kind || '', carrier.id || '', carrier.owner || ''],
    [order.baseAmount ?? null, order.atMs, order.nowMs || 0, order.qty || 0,
      ...(order.amounts ? AMOUNTS.map((name) => order.amounts[name] || 0) : [])],
    Object.entries(order.ext || {}).flat(),
  ];
}

const readable = (answer) => ({ ...answer, needsServer: !!answer.needsServer, complete: !!answer.complete,
  reasons: bits(answer.reasons, REASONS), pending: bits(answer.pending, PENDING) });

class Client {
  constructor(options) {
    this.handle = native.open(options);
  }

  resolve(order) {
    return readable(native.resolve(this.handle, ...flat(order)));
  }

  record(order, answer) {
    native.record(this.handle, ...flat(order), answer && answer.resolution);
  }

  async ask(order) {
    return readable(await native.ask(this.handle, ...flat(order)));
  }

  state() {
    return native.state(this.handle);
  }
}

module.exports = { Client };
