/*
 * The same twelve rules in two engines from npm, on the orders that bench-rules writes: decisions per CPU-second.
 * Every decision is compared with ours. Reads the output of `bench-rules --peers` from a file; run by rules_peers.
 *
 *	node rules_peers.mjs FOLDER_OF_NODE_MODULES FILE
 */
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

const [folder, file] = process.argv.slice(2)
const require = createRequire(pathToFileURL(folder + '/'))
const { ZenEngine } = require('@gorules/zen-engine')
const cel = await import(pathToFileURL(require.resolve('@marcbachmann/cel-js')))

const lines = readFileSync(file, 'utf8').trim().split('\n')
const rules = JSON.parse(lines[0]).root.children.map((node) => ({ id: node.id, when: node.when }))
const orders = lines.slice(1).map((line) => JSON.parse(line))
const units = { m: 60000, h: 3600000 }

/* CEL to zen's language: durations are milliseconds, && is and. */
function zen(when) {
  return when
    .replace(/duration\('(\d+)([mh])'\)/g, (_, number, unit) => String(number * units[unit]))
    .replaceAll('&&', 'and')
    .replaceAll('||', 'or')
}

/* A decision table with a row a rule; the first that holds decides. */
function decisionTable() {
  const content = {
    hitPolicy: 'first',
    inputs: [{ id: 'when', name: 'when' }],
    outputs: [{ id: 'node', name: 'node', field: 'node' }],
    rules: [...rules.map(({ id, when }) => ({ _id: id, when: zen(when), node: JSON.stringify(id) })),
      { _id: 'r', when: '', node: '"r"' }],
  }
  return {
    nodes: [
      { id: 'in', name: 'in', type: 'inputNode', position: { x: 0, y: 0 } },
      { id: 'table', name: 'table', type: 'decisionTableNode', content, position: { x: 1, y: 0 } },
      { id: 'out', name: 'out', type: 'outputNode', position: { x: 2, y: 0 } },
    ],
    edges: [
      { id: 'a', type: 'edge', sourceId: 'in', targetId: 'table' },
      { id: 'b', type: 'edge', sourceId: 'table', targetId: 'out' },
    ],
  }
}

function cpuSeconds() {
  const usage = process.cpuUsage()
  return (usage.user + usage.system) / 1e6
}

/* All orders again and again for some CPU-seconds; the first round, which is not counted, is compared with ours. */
async function measure(name, inputs, decide) {
  let differ = 0
  for (let i = 0; i < inputs.length; i++) {
    const node = await decide(inputs[i])
    if (node !== orders[i].node && differ++ === 0)
      console.error(`${name}: found ${node}, expected ${orders[i].node} for ${lines[i + 1]}`)
  }
  if (differ) {
    console.error(`${name}: ${differ} of ${inputs.length} decisions differ`)
    process.exit(1)
  }
  const begun = cpuSeconds()
  let count = 0
  while (cpuSeconds() - begun < 3)
    for (let i = 0; i < 1024; i++, count++) {
      const answer = decide(inputs[count % inputs.length])
      if (answer instanceof Promise) await answer
    }
  const rate = count / (cpuSeconds() - begun)
  console.log(`${name} ${rate.toFixed(0)}`)
}

const programs = rules.map(({ id, when }) => ({ id, run: cel.parse(when) }))
const celInputs = orders.map(({ order, touch, goods, creator }) => (
  { order, goods, creator, touch: { ...touch, age: cel.Duration
    ? cel.Duration.fromMilliseconds(touch.age) : cel.evaluate(`duration('${touch.age}ms')`) } }))
await measure('@marcbachmann/cel-js', celInputs, (input) => {
  for (const { id, run } of programs)
    if (run(input)) return id
  return 'r'
})

const decision = new ZenEngine().createDecision(Buffer.from(JSON.stringify(decisionTable())))
const zenInputs = orders.slice(0, 8192).map(({ order, touch, goods, creator }) => ({ order, touch, goods, creator }))
await measure('@gorules/zen-engine', zenInputs, async (input) => (await decision.evaluate(input)).result.node)
