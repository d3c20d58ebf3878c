// Ten lines: resolve one order here, or ask the server. example.js SNAPSHOT HTTP RESP ACCESS_TOKEN ORDER USER GOODS AMOUNT TOKEN
const { Client } = require('./index.js');

const [snapshotFile, http, resp, accessToken, order, user, goods, amount, token] = process.argv.slice(2);
const client = new Client({ snapshotFile, http, resp, accessToken });
setTimeout(async () => {
  const line = { order, user, goods, token, baseAmount: Number(amount), atMs: Date.now() };
  let answer = client.resolve(line);
  if (answer.needsServer) answer = await client.ask(line); else client.record(line, answer);
  console.log(answer.outcome, answer.charged);
}, 500);
