// @ts-check
import { openSink } from './sink.mjs';

// The sink in a process of its own, which no storm kills: `node sink-process.mjs JOURNAL PLAN_AS_JSON`, prints its port.
const [journalPath = '', plan = '{}'] = process.argv.slice(2);
const sink = await openSink(journalPath, JSON.parse(plan));
process.stdout.write(`${sink.port}\n`);
